"""Where events are sent: managed by the CRM's service token alone (R52, R53)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.events.signing import signature
from app.vault import Vault
from tests.events.crm import crm_of
from tests.events.receiver import Receiver
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.gate import Gate
from tests.support.world import World, problem

SECRETS = "SELECT secret, previous_secret FROM webhook_endpoints"


def test_r52_signatures_are_those_of_standard_webhooks() -> None:
    """The example of the specification's own libraries."""
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_r52_the_secret_is_told_once_and_kept_sealed(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    made = await crm.endpoint(receiver.url, description="Bookings")
    assert made["secret"].startswith("whsec_")
    assert (made["status"], made["version"], made["delivered_through"]) == ("active", 1, 0)
    looked = await crm.look(made)
    assert looked == {name: value for name, value in made.items() if name != "secret"}
    listed = await crm.person.get("/v1/webhook-endpoints")
    assert listed.json() == {"items": [looked], "next_cursor": None}
    plain = made["secret"].removeprefix("whsec_").encode()
    assert all(plain not in bytes(row["secret"]) for row in await world.rows(SECRETS))
    dump = repr(await world.rows("SELECT a::text FROM audit_entries a"))
    assert made["secret"] not in dump
    assert "webhook_endpoint.created" in dump


async def test_r52_rotation_signs_with_both_for_a_day(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    rotated = (await crm.act(endpoint, "rotate-secret")).json()
    assert rotated["secret"] != endpoint["secret"]
    await crm.happens()
    await world.work()
    [both] = receiver.received
    assert len(both.signatures) == 2
    assert both.signed_by(endpoint["secret"])
    assert both.signed_by(rotated["secret"])
    assert (await crm.look(endpoint))["previous_secret_until"] == rotated["previous_secret_until"]
    world.clock.offset = timedelta(hours=25)
    await crm.happens()
    await world.work()
    alone = receiver.received[1]
    assert len(alone.signatures) == 1
    assert alone.signed_by(rotated["secret"])
    assert not alone.signed_by(endpoint["secret"])
    assert [row["previous_secret"] for row in await world.rows(SECRETS)] == [None], "it is erased"


async def test_r52_the_third_secret_drives_out_the_first(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    second = (await crm.act(endpoint, "rotate-secret")).json()["secret"]
    third = (await crm.act(endpoint, "rotate-secret")).json()["secret"]
    await crm.happens()
    await world.work()
    [message] = receiver.received
    assert [message.signed_by(key) for key in (endpoint["secret"], second, third)] == [False, True, True]


async def test_r52_a_test_that_finds_a_lapsed_secret_leaves_the_one_that_is_made_the_former_meanwhile(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    await crm.act(endpoint, "rotate-secret")
    world.clock.offset = timedelta(hours=25)
    assert (await crm.act(endpoint, "test")).status_code == 202
    gate = Gate.at(monkeypatch, "open", of=Vault)
    testing = asyncio.create_task(world.work())
    await gate.wait()
    rotating = asyncio.create_task(crm.act(endpoint, "rotate-secret"))
    while not (rotating.done() or await waiting_for_locks(world)):  # noqa: ASYNC110 - the database's own record
        await asyncio.sleep(0.02)
    await gate.open()
    await testing
    rotated = (await rotating).json()
    assert (await crm.look(endpoint))["previous_secret_until"] == rotated["previous_secret_until"]
    assert [row["previous_secret"] is None for row in await world.rows(SECRETS)] == [False]


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/hooks",
        "ftp://crm.example.com/hooks",
        "crm.example.com",
        "https://",
        "https://crm.example.com:8443/",
        "https://user:word@crm.example.com/",
        "https://crm.example.com\\@evil.example/",
        "https://crm.example.com/#part",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fd00::1]/",
        "http://localhost/",
    ],
)
async def test_r52_only_addresses_of_the_open_internet_are_taken(world: World, url: str) -> None:
    crm = await crm_of(world)
    body = problem(await crm.person.post("/v1/webhook-endpoints", {"url": url}), 422, "address_not_allowed")
    assert [item["pointer"] for item in body["errors"]] == ["/url"]
    assert url not in str(body)
    good = await crm.endpoint("https://crm.example.com/hooks?from=calendar")
    refused = await crm.person.patch(f"/v1/webhook-endpoints/{good['id']}", {"url": url})
    problem(refused, 422, "address_not_allowed")
    assert (await crm.look(good))["url"] == good["url"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": "https://a.example", "event_types": []}, "/event_types"),
        ({"url": "https://a.example", "event_types": ["booking.eaten"]}, "/event_types/0"),
        ({"url": "https://a.example", "secret": "mine"}, "/secret"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(world: World, body: dict[str, Any], pointer: str) -> None:
    crm = await crm_of(world)
    answer = problem(await crm.person.post("/v1/webhook-endpoints", body), 422, "validation_failed")
    assert [item["pointer"] for item in answer["errors"]] == [pointer]


async def test_r52_an_endpoint_is_changed_by_its_newest_reader(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint("https://crm.example.com/hooks", event_types=["booking.created"], description="One")
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    changed = await crm.person.patch(path, {"url": receiver.url, "event_types": None}, **{"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    told = changed.json()
    assert (told["url"], told["event_types"], told["description"]) == (receiver.url, None, "One")
    problem(await crm.person.patch(path, {"description": None}, **{"If-Match": '"1"'}), 412, "version_mismatch")
    assert (await crm.change(endpoint, description=None))["description"] is None
    for name in ("url", "status"):
        body = problem(await crm.person.patch(path, {name: None}), 422, "validation_failed")
        assert body["errors"][0]["pointer"] == f"/{name}"
    assert (await crm.person.delete(path)).status_code == 204
    problem(await crm.person.get(path), 404, "not_found")
    assert (await crm.person.get("/v1/webhook-endpoints")).json()["items"] == []


async def test_r52_an_account_has_twenty_endpoints_at_most(world: World) -> None:
    crm, other = await crm_of(world), await crm_of(world)
    for number in range(20):
        last = await crm.endpoint(f"https://crm.example.com/{number}")
    refused = await crm.person.post("/v1/webhook-endpoints", {"url": "https://crm.example.com/more"})
    problem(refused, 409, "webhook_endpoint_limit_reached")
    await other.endpoint("https://crm.example.com/other")
    await crm.person.delete(f"/v1/webhook-endpoints/{last['id']}")
    await crm.endpoint("https://crm.example.com/again")


async def test_r53_only_a_service_that_may_and_only_its_own_account_s(world: World, receiver: Receiver) -> None:
    person = await world.person()
    crm, stranger = await crm_of(world, person), await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    await person.refresh_token(permissions=["webhooks:write"])
    without = await crm_of(world, person)
    await without.person.refresh_token(permissions=["events:read"])
    calls = [
        ("GET", path, None),
        ("PATCH", path, {"description": "mine"}),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/replay", {"after": 0}),
        ("DELETE", path, None),
    ]
    for method, where, body in calls:
        for caller in (person, without.person):
            problem(await world.api.request(method, where, json=body, headers=caller.headers), 403, "forbidden")
        foreign = await world.api.request(method, where, json=body, headers=stranger.person.headers)
        problem(foreign, 404, "not_found")
    for caller in (person, without.person):
        problem(await caller.get("/v1/webhook-endpoints"), 403, "forbidden")
        problem(await caller.post("/v1/webhook-endpoints", {"url": receiver.url}), 403, "forbidden")
    await stranger.endpoint(receiver.url)
    await crm.happens()
    await world.work()
    assert [event["account_id"] for event in receiver.events] == [person.account_id]
