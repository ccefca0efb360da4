"""How channels end, and all that can go wrong between Google and a webhook. Over real sockets."""

import time

import pytest

from tests.sandbox.google.hooks import channel, deliveries, ended, faulty, numbers, states, watch
from tests.sandbox.google.live import ADA, AUTH, BO, meeting, running_sandbox


def test_a_stopped_channel_is_silent(google, ada, hook):
    opened = watch(ada, hook)
    answer = ada.call("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]})
    assert (answer.status_code, answer.content) == (204, b"")
    ada.insert(meeting())
    hook.quiet(1)
    assert ended(google) == {"c-1": "stopped"}
    assert ada.refused("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]}) == (404, "notFound")


def test_only_who_opened_a_channel_stops_it_and_only_by_both_ids(google, ada, hook):
    opened = watch(ada, hook)
    right = {"id": "c-1", "resourceId": opened["resourceId"]}
    assert google.api(BO).refused("channels.stop", right) == (404, "notFound")
    assert ada.refused("channels.stop", {**right, "resourceId": "wrong"}) == (404, "notFound")
    assert ada.refused("channels.stop", {**right, "id": "c-9"}) == (404, "notFound")
    for name in right:
        assert ada.refused("channels.stop", {**right, name: None}) == (400, "required")
    readonly = google.api(ADA, f"{AUTH}calendar.settings.readonly")
    readonly.ok("channels.stop", right)


def test_a_channel_dies_when_the_clock_says_so(google, ada, hook):
    opened = watch(ada, hook, params={"ttl": "600"})
    google.control("POST", "/clock", {"advance": 599})
    ada.insert(meeting())
    hook.quiet(2)
    google.control("POST", "/clock", {"advance": 2})
    ada.insert(meeting(hour=14))
    hook.quiet(2)
    assert ended(google) == {"c-1": "expired"}
    assert ada.refused("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]}) == (404, "notFound")


def test_who_takes_the_consent_back_ends_the_channels(google, ada, hook):
    watch(ada, hook)
    google.control("POST", f"/accounts/{ADA}/revoke")
    google.human("POST", ADA, "", meeting())
    hook.quiet(1)
    google.api(ADA)
    google.human("POST", ADA, "", meeting())
    hook.quiet(1)
    assert ended(google) == {"c-1": "revoked"}, "a new consent does not bring it back"


def test_an_access_token_may_die_and_its_channel_lives_on(google, ada, hook):
    watch(ada, hook)
    google.control("POST", "/expire-access-tokens")
    google.human("POST", ADA, "", meeting())
    hook.quiet(2)


@pytest.mark.parametrize("how", ["deleted", "unshared"])
def test_a_calendar_that_is_gone_says_so_once(google, ada, hook, how):
    calendar = google.control("POST", f"/accounts/{ADA}/calendars", {"summary": "Team"})["id"]
    bo = google.api(BO)
    google.control("PUT", f"/calendars/{calendar}/access", {"account": BO, "role": "reader"})
    watch(bo, hook, "c-bo", calendar)
    watch(ada, hook, "c-ada", calendar)
    if how == "deleted":
        google.control("DELETE", f"/calendars/{calendar}")
        hook.quiet(4)
        assert ended(google) == {"c-bo": "gone", "c-ada": "gone"}
        assert states(hook)[2:] == ["not_exists", "not_exists"]
        return
    google.control("PUT", f"/calendars/{calendar}/access", {"account": BO, "role": "none"})
    hook.quiet(3)
    ada.insert(meeting(), calendar)
    last = hook.quiet(4)[2:]
    assert [(got.headers["x-goog-channel-id"], got.headers["x-goog-resource-state"]) for got in last] == [
        ("c-bo", "not_exists"),
        ("c-ada", "exists"),
    ]
    assert ended(google) == {"c-bo": "gone", "c-ada": None}


def test_a_lost_message_is_logged_and_never_comes(google, ada, hook):
    watch(ada, hook)
    faulty(google, "drop", times=2)
    for hour in (8, 9):
        ada.insert(meeting(hour=hour))
        deliveries(google)
    ada.insert(meeting(hour=10))
    hook.quiet(2)
    log = deliveries(google)
    assert [(each["number"], each["status"], each["faults"]) for each in log] == [
        (1, 200, []),
        (0, None, ["drop"]),
        (0, None, ["drop"]),
        (1, 200, []),
    ]


def test_a_message_comes_twice(google, ada, hook):
    watch(ada, hook)
    faulty(google, "duplicate")
    ada.insert(meeting())
    told = hook.quiet(3)[1:]
    assert told[0].headers == told[1].headers


def test_a_late_message_comes_after_a_newer_one_and_after_the_stop(google, ada, hook):
    opened = watch(ada, hook)
    faulty(google, "delay", ms=250)
    ada.insert(meeting())
    time.sleep(0.05)
    ada.insert(meeting(hour=14))
    hook.quiet(2)
    ada.ok("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]})
    hook.quiet(3)
    assert numbers(hook)[1] > numbers(hook)[2]


def test_messages_come_in_the_wrong_order(google, ada, hook):
    watch(ada, hook)
    faulty(google, "reorder", times=3)
    for hour in (8, 9, 10):
        hook.quiet(1)
        ada.insert(meeting(hour=hour))
        deliveries(google)
    hook.quiet(4)
    assert numbers(hook)[1:] == sorted(numbers(hook)[1:], reverse=True)


def test_what_is_held_to_be_reordered_goes_out_when_faults_are_cleared(google, ada, hook):
    watch(ada, hook)
    faulty(google, "reorder", times=5)
    ada.insert(meeting())
    hook.quiet(1)
    deliveries(google)
    assert [(each["fired"], each["held"]) for each in google.control("GET", "/push/faults")] == [(1, 1)]
    google.control("DELETE", "/push/faults")
    hook.quiet(2)
    assert google.control("GET", "/push/faults") == []


def test_a_forged_message_has_another_token(google, ada, hook):
    watch(ada, hook)
    faulty(google, "forge")
    ada.insert(meeting())
    hook.quiet(2)
    ada.insert(meeting(hour=14))
    hook.quiet(3)
    first, forged, last = [got.headers["x-goog-channel-token"] for got in hook.messages]
    assert first == last == "s3cret"
    assert forged.startswith("forged-")


def test_a_stopped_channel_may_not_know_it_yet(google, ada, hook):
    opened = watch(ada, hook)
    ada.ok("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]})
    faulty(google, "after_stop")
    for hour in (8, 9):
        ada.insert(meeting(hour=hour))
        deliveries(google)
    hook.quiet(2)
    assert hook.messages[1].headers["x-goog-channel-id"] == "c-1"


def test_a_channel_is_dropped_without_a_word(google, ada, hook):
    opened = watch(ada, hook)
    watch(ada, hook, "c-2")
    google.control("POST", "/push/channels/c-1/drop")
    ada.insert(meeting())
    assert [got.headers["x-goog-channel-id"] for got in hook.quiet(3)] == ["c-1", "c-2", "c-2"]
    assert ada.refused("channels.stop", {"id": "c-1", "resourceId": opened["resourceId"]}) == (404, "notFound")
    assert google.http.post("/control/google/push/channels/c-1/drop").status_code == 404
    assert ended(google) == {"c-1": "dropped", "c-2": None}


def test_a_fault_may_be_about_one_channel(google, ada, hook):
    watch(ada, hook, "c-1")
    watch(ada, hook, "c-2")
    faulty(google, "drop", watch="c-2", times=None)
    ada.insert(meeting())
    assert [got.headers["x-goog-channel-id"] for got in hook.quiet(3)] == ["c-1", "c-2", "c-1"]


def test_a_fault_that_makes_no_sense_is_refused(google):
    for body in ({"kind": "mood"}, {"kind": "drop", "times": 0}, {"kind": "reorder", "times": None}, {"ms": 1}):
        assert google.http.post("/control/google/push/faults", json=body).status_code == 422


def test_what_is_under_way_can_be_ended(google, ada, hook):
    watch(ada, hook)
    faulty(google, "delay", ms=60_000, times=None)
    ada.insert(meeting())
    assert google.http.get("/control/google/push/deliveries").status_code == 200
    time.sleep(0.03)
    assert google.control("DELETE", "/push/deliveries") == {"cancelled": 1}
    assert len(deliveries(google)) == 1, "nothing is under way any more"
    google.control("DELETE", "/push/faults")
    ada.insert(meeting(hour=14))
    hook.quiet(2)


def test_a_reset_forgets_channels_faults_and_what_is_under_way(google, ada, hook):
    watch(ada, hook)
    faulty(google, "delay", ms=200, times=None)
    ada.insert(meeting())
    time.sleep(0.02)
    google.control("POST", "/reset")
    google.account(ADA)
    google.human("POST", ADA, "", meeting())
    time.sleep(0.25)
    hook.quiet(1)
    assert google.control("GET", "/push/channels") == google.control("GET", "/push/faults") == deliveries(google) == []


def test_a_sandbox_stops_at_once_whatever_is_under_way(hook):
    with running_sandbox() as google:
        api = google.api(ADA)
        faulty(google, "delay", ms=60_000)
        hook.sleep = 3
        for number in range(3):
            api.ok("events.watch", channel(hook, f"c-{number}"), calendarId="primary")
        hook.wait(2)
        began = time.monotonic()
    assert time.monotonic() - began < 2
