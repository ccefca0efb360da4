"""How subscriptions end, their lifecycle notifications, and all that can go wrong. Over real sockets."""

import time

import pytest

from tests.sandbox.microsoft.hooks import (
    STATE,
    deliveries,
    faulty,
    items,
    known,
    later,
    subscribe,
    wait_for_deliveries,
    wait_items,
)
from tests.sandbox.microsoft.live import ADA, meeting, running_sandbox


def test_a_deleted_subscription_is_silent_and_unknown(ms, ada, hook):
    made = subscribe(ada, hook)
    answer = ada.call("DELETE", f"/subscriptions/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    ada.create(meeting())
    wait_for_deliveries(ms)
    assert items(hook) == []
    assert ada.refused("DELETE", f"/subscriptions/{made['id']}") == (404, "ResourceNotFound")
    assert known(ms) == {made["id"]: "deleted"}


def test_a_subscription_ends_when_the_clock_says_so_unless_renewed(ms, ada, hook):
    renewed, left = subscribe(ada, hook), subscribe(ada, hook)
    ms.control("POST", "/clock", {"advance": 3600})
    ada = ms.api(ADA)
    body = {"expirationDateTime": later(days=3, seconds=-2000)}
    ada.ok("PATCH", f"/subscriptions/{renewed['id']}", body)
    ms.control("POST", "/clock", {"advance": 2 * 86_400 - 3500})
    ms.human("POST", ADA, "", meeting())
    (item,) = wait_items(hook, 1)
    assert item["subscriptionId"] == renewed["id"]
    assert known(ms) == {renewed["id"]: None, left["id"]: "expired"}
    assert ms.api(ADA).refused("PATCH", f"/subscriptions/{left['id']}", body) == (404, "ResourceNotFound")


def test_a_lifecycle_notification_names_the_subscription_only(ms, ada, hook):
    made = subscribe(ada, hook)
    path = f"/push/subscriptions/{made['id']}/lifecycle"
    for event in ("missed", "reauthorizationRequired", "subscriptionRemoved"):
        assert ms.control("POST", path, {"event": event}) == {"sent": True}
        wait_for_deliveries(ms)
    tenant = ms.control("GET", f"/accounts/{ADA}")["tid"]
    assert items(hook) == [
        {
            "subscriptionId": made["id"],
            "subscriptionExpirationDateTime": made["expirationDateTime"],
            "tenantId": tenant,
            "lifecycleEvent": event,
            "clientState": STATE,
        }
        for event in ("missed", "reauthorizationRequired", "subscriptionRemoved")
    ]
    assert {got.path for got in hook.messages} == {"/lifecycle"}
    assert known(ms) == {made["id"]: "removed"}
    assert ada.refused("GET", f"/subscriptions/{made['id']}") == (404, "ResourceNotFound")


def test_without_an_address_for_it_a_removal_is_silent(ms, ada, hook):
    made = subscribe(ada, hook, lifecycleNotificationUrl=None)
    path = f"/push/subscriptions/{made['id']}/lifecycle"
    assert ms.control("POST", path, {"event": "subscriptionRemoved"}) == {"sent": False}
    ada.create(meeting())
    wait_for_deliveries(ms)
    assert hook.messages == []
    assert ms.http.post(f"/control/microsoft{path}", json={"event": "missed"}).status_code == 404


@pytest.mark.parametrize("way", ["reauthorize", "renew"])
def test_what_must_be_authorized_again_pauses_until_it_is(ms, ada, hook, way):
    made = subscribe(ada, hook)
    path = f"/subscriptions/{made['id']}"
    ms.control("POST", f"/push{path}/lifecycle", {"event": "reauthorizationRequired"})
    wait_items(hook, 1)
    ada.create(meeting())
    wait_for_deliveries(ms)
    if way == "reauthorize":
        answer = ada.call("POST", f"{path}/reauthorize")
        assert (answer.status_code, answer.content) == (204, b"")
        assert ada.ok("GET", path)["expirationDateTime"] == made["expirationDateTime"]
    else:
        ada.ok("PATCH", path, {"expirationDateTime": later(days=1)})
    event = ada.create(meeting(hour=14))
    assert wait_items(hook, 2)[1]["resourceData"]["id"] == event["id"], "what was missed is lost"


def test_a_reminder_to_authorize_need_not_pause(ms, ada, hook):
    path = f"/push/subscriptions/{subscribe(ada, hook)['id']}/lifecycle"
    ms.control("POST", path, {"event": "reauthorizationRequired", "pause": False})
    wait_items(hook, 1)
    ada.create(meeting())
    wait_items(hook, 2)


def test_sessions_revoked_stop_the_flow_until_the_new_ones_authorize_it(ms, ada, hook):
    made = subscribe(ada, hook)
    ms.control("POST", f"/accounts/{ADA}/trouble", {"kind": "revoked"})
    ms.human("POST", ADA, "", meeting())
    wait_for_deliveries(ms)
    again = ms.api(ADA)
    ms.human("POST", ADA, "", meeting())
    wait_for_deliveries(ms)
    assert items(hook) == []
    again.ok("POST", f"/subscriptions/{made['id']}/reauthorize")
    ms.human("POST", ADA, "", meeting())
    wait_items(hook, 1)


def test_a_lost_notification_is_logged_and_never_comes(ms, ada, hook):
    subscribe(ada, hook)
    faulty(ms, "drop")
    ada.create(meeting())
    event = ada.create(meeting(hour=14))
    (item,) = wait_items(hook, 1)
    assert item["resourceData"]["id"] == event["id"]
    assert [each["faults"] for each in deliveries(ms)] == [["drop"], []]


def test_a_notification_comes_twice(ms, ada, hook):
    subscribe(ada, hook)
    faulty(ms, "duplicate")
    ada.create(meeting())
    first, second = wait_items(hook, 2)
    assert first == second
    assert len(hook.messages) == 2


def test_a_late_notification_comes_after_a_newer_one_and_after_the_end(ms, ada, hook):
    made = subscribe(ada, hook)
    faulty(ms, "delay", ms=250)
    event = ada.create(meeting())
    time.sleep(0.05)
    ada.patch(event["id"], {"subject": "Moved"})
    hook.quiet(1)
    ada.ok("DELETE", f"/subscriptions/{made['id']}")
    hook.quiet(2)
    assert [item["changeType"] for item in items(hook)] == ["updated", "created"]


def test_notifications_come_in_the_wrong_order(ms, ada, hook):
    subscribe(ada, hook)
    faulty(ms, "reorder", times=3)
    event = ada.create(meeting())
    ada.patch(event["id"], {"subject": "Moved"})
    ada.delete(event["id"])
    wait_items(hook, 3)
    assert [item["changeType"] for item in items(hook)] == ["deleted", "updated", "created"]


def test_a_forged_notification_has_another_state(ms, ada, hook):
    first, second = subscribe(ada, hook), subscribe(ada, hook)
    faulty(ms, "forge", watch=second["id"])
    ada.create(meeting())
    states = {item["subscriptionId"]: item["clientState"] for item in wait_items(hook, 2)}
    assert states[first["id"]] == STATE
    assert states[second["id"]].startswith("forged-")


def test_a_deleted_subscription_may_not_know_it_yet(ms, ada, hook):
    made = subscribe(ada, hook)
    ada.ok("DELETE", f"/subscriptions/{made['id']}")
    faulty(ms, "after_stop")
    ada.create(meeting())
    ada.create(meeting(hour=14))
    (item,) = wait_items(hook, 1)
    assert item["subscriptionId"] == made["id"]


def test_a_subscription_is_dropped_without_a_word(ms, ada, hook):
    made, other = subscribe(ada, hook), subscribe(ada, hook)
    ms.control("POST", f"/push/subscriptions/{made['id']}/drop")
    ada.create(meeting())
    (item,) = wait_items(hook, 1)
    assert item["subscriptionId"] == other["id"]
    assert ada.refused("GET", f"/subscriptions/{made['id']}") == (404, "ResourceNotFound")
    assert known(ms) == {made["id"]: "dropped", other["id"]: None}


def test_what_is_under_way_can_be_ended_and_a_reset_forgets_the_rest(ms, ada, hook):
    subscribe(ada, hook)
    faulty(ms, "delay", ms=60_000)
    ada.create(meeting())
    time.sleep(0.03)
    assert ms.control("DELETE", "/push/deliveries") == {"cancelled": 1}
    assert deliveries(ms) == []
    ms.control("POST", "/reset")
    assert known(ms) == {}
    assert ms.control("GET", "/push/faults") == ms.control("GET", "/push/deliveries") == []
    ms.account(ADA)
    ms.human("POST", ADA, "", meeting())
    wait_for_deliveries(ms)
    assert items(hook) == []


def test_a_sandbox_stops_at_once_whatever_is_under_way(hook):
    with running_sandbox() as ms:
        api = ms.api(ADA)
        subscribe(api, hook)
        hook.sleep = 3
        faulty(ms, "delay", ms=60_000)
        for hour in (8, 9):
            api.create(meeting(hour=hour))
        hook.wait(1)
        began = time.monotonic()
    assert time.monotonic() - began < 2
