"""Subscriptions: the handshake, the resource and its refusals, batches and our own client. Over real sockets."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.client import Sandbox as ControlClient
from sandbox.microsoft.grants import SANDBOX_CLIENT_ID
from tests.sandbox.microsoft.hooks import (
    GUID,
    NOT_OK,
    STATE,
    faulty,
    items,
    known,
    later,
    request,
    subscribe,
)
from tests.sandbox.microsoft.live import ADA, BO, meeting
from tests.sandbox.receiver import receiving


def test_both_addresses_are_asked_before_the_answer_is_given(ms, ada, hook):
    subscribe(ada, hook, notificationUrl=f"{hook.url}/graph?tenant=1")
    first, second = hook.validations
    assert [got.path for got in hook.validations] == ["/graph", "/lifecycle"]
    for got in (first, second):
        assert (got.method, got.body, got.headers["content-type"]) == ("POST", b"", "text/plain; charset=utf-8")
        assert got.query["validationToken"].startswith("Validation: Testing client application reachability")
    assert first.query["tenant"] == "1", "the address keeps its own query"
    assert first.query["validationToken"] != second.query["validationToken"]
    log = ms.control("GET", "/push/deliveries")
    assert [(each["kinds"], each["status"]) for each in log] == [(["validation"], 200)] * 2


def test_one_address_for_both_is_asked_once(ms, ada, hook):
    subscribe(ada, hook, lifecycleNotificationUrl=f"{hook.url}/graph")
    assert len(hook.validations) == 1


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (
            {"echo_status": 400},
            f"failed. HTTP status code is 'BadRequest'. {NOT_OK}",
        ),
        (
            {"echo_status": 202},
            f"failed. HTTP status code is 'Accepted'. {NOT_OK}",
        ),
        ({"echo_text": "wrong"}, "failed. Response must exactly match validationToken query parameter."),
        (
            {"echo_text": "Validation%3A+Testing"},
            "failed. Response must exactly match validationToken query parameter.",
        ),
        (
            {"echo_type": "application/json"},
            "failed. Notification endpoint must respond with Content-Type 'text/plain'.",
        ),
        ({"sleep": 0.5}, "timed out."),
    ],
)
def test_an_address_that_answers_wrongly_gets_no_subscription(ms, ada, hook, behaviour, message):
    ms.control("PATCH", "/knobs", {"validation_timeout": 0.2})
    for name, value in behaviour.items():
        setattr(hook, name, value)
    answer = ada.call("POST", "/subscriptions", request(hook))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "ValidationError")
    assert error["message"] == f"Subscription validation request {message}"
    assert known(ms) == {}
    assert ada.ok("GET", "/subscriptions")["value"] == []


def test_an_address_where_nobody_is_gets_no_subscription(ms, ada, hook):
    with receiving() as other:
        gone = other.url
    for name in ("notificationUrl", "lifecycleNotificationUrl"):
        body = request(hook, **{name: f"{gone}/graph"})
        assert ada.refused("POST", "/subscriptions", body) == (400, "ValidationError")
    assert known(ms) == {}


def test_a_refused_handshake_is_a_fault(ms, ada, hook):
    faulty(ms, "refuse_handshake")
    assert ada.refused("POST", "/subscriptions", request(hook)) == (400, "ValidationError")
    assert hook.got == []
    (attempt,) = ms.control("GET", "/push/deliveries")
    assert (attempt["number"], attempt["status"], attempt["faults"]) == (0, None, ["refuse_handshake"])
    subscribe(ada, hook)


def test_a_slow_handshake_holds_up_nobody_and_occupies_no_mailbox(ms, ada, hook):
    ms.control("PATCH", "/knobs", {"mailbox_concurrency": 1})
    hook.sleep = 0.4
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(subscribe, ada, hook, lifecycleNotificationUrl=None)
        time.sleep(0.1)
        began = time.monotonic()
        ada.ok("GET", "/me/events")
        assert time.monotonic() - began < 0.2
        assert pending.result()["id"]


def test_a_subscription_has_graphs_shape(ms, ada, hook):
    answer = ada.call("POST", "/subscriptions", request(hook, expirationDateTime="2999-01-01T00:00:00Z"))
    assert answer.status_code == 400
    until = later(hours=5)
    answer = ada.call("POST", "/subscriptions", request(hook, expirationDateTime=until))
    assert answer.status_code == 201
    made = answer.json()
    oid = ms.control("GET", f"/accounts/{ADA}")["oid"]
    assert GUID.fullmatch(made["id"])
    assert made == {
        "@odata.context": f"{ms.base_url}/microsoft/v1.0/$metadata#subscriptions/$entity",
        "id": made["id"],
        "resource": "me/events",
        "applicationId": SANDBOX_CLIENT_ID,
        "changeType": "created,updated,deleted",
        "clientState": STATE,
        "notificationUrl": f"{hook.url}/graph",
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": f"{hook.url}/lifecycle",
        "expirationDateTime": until.replace("Z", "0Z"),
        "creatorId": oid,
        "includeResourceData": None,
        "latestSupportedTlsVersion": "v1_2",
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }
    assert ada.ok("GET", f"/subscriptions/{made['id']}") == made
    other = subscribe(ada, hook, changeType="deleted", lifecycleNotificationUrl=None, clientState=None)
    assert (other["changeType"], other["clientState"], other["lifecycleNotificationUrl"]) == ("deleted", None, None)
    listed = ada.ok("GET", "/subscriptions")
    assert [each["id"] for each in listed["value"]] == [made["id"], other["id"]]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"changeType": None}, (400, "InvalidRequest")),
        ({"changeType": "created,moved"}, (400, "InvalidRequest")),
        ({"resource": None}, (400, "InvalidRequest")),
        ({"notificationUrl": None}, (400, "InvalidRequest")),
        ({"notificationUrl": "http://hooks.example.com/graph"}, (400, "InvalidRequest")),
        ({"notificationUrl": "nonsense"}, (400, "InvalidRequest")),
        ({"lifecycleNotificationUrl": "http://hooks.example.com/graph"}, (400, "InvalidRequest")),
        ({"expirationDateTime": None}, (400, "InvalidRequest")),
        ({"expirationDateTime": "2020-01-01T00:00:00Z"}, (400, "InvalidRequest")),
        ({"expirationDateTime": "tomorrow"}, (400, "RequestBodyRead")),
        ({"expirationDateTime": "2999-01-01T00:00:00"}, (400, "RequestBodyRead")),
        ({"expirationDateTime": later(minutes=12_000)}, (400, "ExtensionError")),
        ({"clientState": "x" * 129}, (400, "InvalidRequest")),
        ({"clientState": 1}, (400, "RequestBodyRead")),
        ({"includeResourceData": True}, (400, "InvalidRequest")),
        ({"encryptionCertificate": "x"}, (400, "InvalidRequest")),
        ({"nonsense": 1}, (400, "RequestBodyRead")),
        ({"resource": "me/calendars"}, (400, "ExtensionError")),
        ({"resource": "me/calendar"}, (400, "ExtensionError")),
        ({"resource": "me/calendarView"}, (400, "ExtensionError")),
        ({"resource": "me/events/AAMk"}, (400, "ExtensionError")),
        ({"resource": "me/events?$filter=isAllDay eq true"}, (400, "ExtensionError")),
        ({"resource": "users/nobody@contoso.example/events"}, (404, "ExtensionError")),
        ({"resource": f"users/{BO}/events"}, (403, "ExtensionError")),
        ({"resource": "me/calendars/nonsense/events"}, (404, "ExtensionError")),
    ],
)
def test_what_is_wrong_with_a_subscription_is_refused_before_anybody_is_asked(ms, ada, hook, changes, refusal):
    ms.account(BO)
    assert ada.refused("POST", "/subscriptions", request(hook, **changes)) == refusal
    assert hook.got == []
    assert known(ms) == {}


def test_the_longest_life_is_a_knob_and_the_refusal_names_it(ms, ada, hook):
    ms.control("PATCH", "/knobs", {"subscription_lifetime_max": 10_070 * 60})
    subscribe(ada, hook, expirationDateTime=later(minutes=10_069))
    answer = ada.call("POST", "/subscriptions", request(hook, expirationDateTime=later(minutes=10_072)))
    assert answer.json()["error"]["message"] == "Subscription expiration can only be 10070 minutes in the future."


def test_a_life_of_less_than_three_quarters_of_an_hour_is_made_longer(ms, ada, hook):
    now = datetime.now(UTC).replace(microsecond=0)
    ms.control("POST", "/clock", {"freeze": now.isoformat()})
    soon = (now + timedelta(minutes=5)).isoformat()
    made = subscribe(ada, hook, expirationDateTime=soon)
    until = f"{now + timedelta(minutes=45):%Y-%m-%dT%H:%M:%S}.0000000Z"
    assert made["expirationDateTime"] == until
    assert ada.ok("PATCH", f"/subscriptions/{made['id']}", {"expirationDateTime": soon})["expirationDateTime"] == until


def test_scopes_for_shared_calendars_allow_no_subscription(ms, hook):
    for scope in ("Calendars.Read.Shared", "Calendars.ReadWrite.Shared", "Calendars.ReadBasic"):
        api = ms.api(ADA, "User.Read", "offline_access", scope)
        assert api.refused("POST", "/subscriptions", request(hook))[0] == 403
    subscribe(ms.api(BO, "User.Read", "offline_access", "Calendars.Read"), hook)


def test_a_shared_calendar_cannot_be_subscribed_to(ms, ada, hook):
    ms.account(BO)
    shared = ms.control("PUT", f"/accounts/{BO}/calendars/default/access", {"account": ADA, "role": "write"})
    body = request(hook, resource=f"me/calendars/{shared['id']}/events")
    assert ada.refused("POST", "/subscriptions", body) == (403, "ExtensionError")


def test_a_mailbox_bears_so_many_subscriptions(ms, ada, hook):
    ms.control("PATCH", "/knobs", {"subscriptions_per_mailbox": 2})
    first = subscribe(ada, hook)
    subscribe(ada, hook)
    assert ada.refused("POST", "/subscriptions", request(hook)) == (403, "ExtensionError")
    ada.ok("DELETE", f"/subscriptions/{first['id']}")
    subscribe(ada, hook)


def test_a_subscription_is_its_makers_alone(ms, ada, hook):
    made = subscribe(ada, hook)
    path, bo = f"/subscriptions/{made['id']}", ms.api(BO)
    missing = (404, "ResourceNotFound")
    assert bo.refused("GET", path) == missing
    assert bo.refused("PATCH", path, {"expirationDateTime": later(days=1)}) == missing
    assert bo.refused("DELETE", path) == missing
    assert bo.refused("POST", f"{path}/reauthorize") == missing
    assert bo.ok("GET", "/subscriptions")["value"] == []
    assert ada.ok("GET", path)["id"] == made["id"]


def test_renewing_moves_the_end_and_only_what_may_be_changed_is(ms, ada, hook):
    path = f"/subscriptions/{subscribe(ada, hook)['id']}"
    until = later(hours=60)
    assert ada.ok("PATCH", path, {"expirationDateTime": until})["expirationDateTime"] == until.replace("Z", "0Z")
    for body in ({}, {"resource": "me/messages"}, {"lifecycleNotificationUrl": hook.url, "expirationDateTime": until}):
        assert ada.refused("PATCH", path, body) == (400, "InvalidRequest")
    too_long = {"expirationDateTime": later(minutes=12_000)}
    refused = ada.call("PATCH", path, too_long).json()["error"]
    assert (refused["code"], refused["message"]) == (
        "ExtensionError",
        "Subscription expiration can only be 10080 minutes in the future.",
    )
    assert ada.ok("PATCH", path, {"expirationDateTime": later(minutes=10_079)})
    assert len(hook.validations) == 2, "a renewal asks nobody"


def test_another_address_is_asked_as_well(ms, ada, hook):
    path = f"/subscriptions/{subscribe(ada, hook)['id']}"
    hook.echo_status = 500
    assert ada.refused("PATCH", path, {"notificationUrl": f"{hook.url}/moved"}) == (400, "ValidationError")
    hook.echo_status = 200
    ada.ok("PATCH", path, {"notificationUrl": f"{hook.url}/moved"})
    ada.create(meeting())
    assert [got.path for got in hook.quiet(1)] == ["/moved"]


def test_a_subscription_can_be_made_in_a_batch(ms, ada, hook):
    step = {"id": "1", "method": "POST", "url": "/subscriptions", "body": request(hook)}
    batch = {"requests": [{**step, "headers": {"Content-Type": "application/json"}}]}
    (answer,) = ada.ok("POST", "/$batch", batch)["responses"]
    assert answer["status"] == 201
    assert known(ms) == {answer["body"]["id"]: None}
    assert len(hook.validations) == 2


async def test_the_typed_client_has_a_hand_for_each(ms, ada, hook):
    made = subscribe(ada, hook)["id"]
    async with ControlClient(ms.base_url) as client:
        cloud = client.microsoft
        (described,) = await cloud.subscriptions(ADA, alive=True)
        assert (described["id"], described["client_state"], described["immutable_ids"]) == (made, STATE, True)
        await cloud.add_push_fault("drop", subscription_id=made)
        await cloud.create_event(ADA, meeting())
        log = await cloud.deliveries(made, since=2)
        assert [each["faults"] for each in log] == [["drop"]]
        assert await cloud.send_lifecycle(made, "reauthorizationRequired")
        assert (await cloud.subscriptions())[0]["paused"]
        await cloud.deliveries()
        await cloud.add_push_fault("delay", ms=60_000)
        assert await cloud.send_lifecycle(made, "missed", pause=False)
        await cloud.cancel_deliveries()
        await cloud.clear_push_faults()
        await cloud.drop_subscription(made)
        assert await cloud.subscriptions(alive=True) == []
        assert len(await cloud.deliveries()) == 4
    assert [item["lifecycleEvent"] for item in items(hook)] == ["reauthorizationRequired"]
