"""Every event reaches every endpoint that wants it, in order, at least once (R52)."""

import asyncio
from datetime import timedelta

import pytest

from app.events.types import EventType
from app.ids import decode_id
from tests.events.crm import Crm, crm_of
from tests.events.receiver import Received, Receiver, Reply, receiving
from tests.support.world import World, problem


async def deliver(crm: Crm, endpoint: dict) -> None:
    """A turn, as the job or the sweep would have it."""
    await crm.world.services.courier.run(crm.account_id, decode_id("whe", endpoint["id"]))


async def sweep(world: World, *, later: timedelta) -> None:
    """Time passes, and the worker looks at what is due."""
    world.clock.offset += later
    await world.services.courier.sweep()
    await world.work()


async def test_r52_a_message_is_the_feed_s_event_signed(world: World, receiver: Receiver) -> None:
    person = await world.person()
    crm = await crm_of(world, person)
    await crm.happens()
    await world.work()
    endpoint = await crm.endpoint(receiver.url + "?key=1")
    await person.make_page()
    await world.work()
    [message] = receiver.received
    [event] = (await crm.feed(after=1))["items"]
    assert message.event == event, "what was before the endpoint is not sent"
    assert message.path == "/hooks?key=1"
    assert message.id == event["id"]
    assert message.headers["content-type"] == "application/json"
    assert message.signed_by(endpoint["secret"])
    assert not message.signed_by("whsec_" + "A" * 43 + "=")
    assert abs(int(message.headers["webhook-timestamp"]) - world.clock().timestamp()) < 10
    assert (await crm.look(endpoint))["delivered_through"] == 2
    [delivery] = await crm.deliveries(endpoint)
    assert {name: delivery[name] for name in ("event_id", "event_type", "sequence", "attempt", "status")} == {
        "event_id": event["id"],
        "event_type": "scheduling_page.created",
        "sequence": 2,
        "attempt": 1,
        "status": "succeeded",
    }
    assert (delivery["status_code"], delivery["error"]) == (204, None)
    assert 0 <= delivery["duration_ms"] < 5000


async def test_r52_events_come_in_order_and_only_those_that_are_wanted(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    async with receiving() as picky:
        endpoint = await crm.endpoint(receiver.url)
        some = await crm.endpoint(picky.url, event_types=["booking.created"])
        for event in (EventType.BOOKING_CREATED, EventType.BOOKING_CANCELLED) * 3:
            await crm.happens(event=event)
        await world.work()
        assert receiver.sequences == [1, 2, 3, 4, 5, 6]
        assert receiver.most_at_once == 1
        assert receiver.connections <= 2, "a connection is used again"
        assert picky.sequences == [1, 3, 5]
        for one in (endpoint, some):
            assert (await crm.look(one))["delivered_through"] == 6
        assert await world.rows("SELECT 1 FROM due_webhooks") == []


@pytest.mark.parametrize("status", [500, 404, 429, 302, 308])
async def test_r52_what_is_refused_is_sent_again_before_anything_else(
    world: World, receiver: Receiver, status: int
) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    receiver.answers(status)
    await crm.happens(2)
    await world.work()
    assert receiver.sequences == [1], "the second waits for the first"
    looked = await crm.look(endpoint)
    assert (looked["consecutive_failures"], looked["delivered_through"], looked["status"]) == (1, 0, "active")
    assert looked["next_attempt_at"] is not None
    await deliver(crm, endpoint)
    assert receiver.sequences == [1], "not before its time"
    await sweep(world, later=timedelta(seconds=6))
    assert receiver.sequences == [1, 1, 2]
    first, again, _ = receiver.received
    assert (first.id, first.body) == (again.id, again.body)
    assert first.headers["webhook-timestamp"] != again.headers["webhook-timestamp"]
    told = [(item["attempt"], item["status"], item["status_code"]) for item in await crm.deliveries(endpoint)]
    assert told == [(1, "failed", status), (2, "succeeded", 204), (1, "succeeded", 204)]
    assert (await crm.look(endpoint))["consecutive_failures"] == 0


async def test_r52_an_answer_that_was_lost_brings_the_same_message_again(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)

    async def lose_the_first(_: Received) -> Reply:
        return Reply(cut=len(receiver.received) == 1)

    receiver.behave = lose_the_first
    await crm.happens()
    await world.work()
    await sweep(world, later=timedelta(seconds=6))
    assert len(receiver.received) == 2
    assert len({message.id for message in receiver.received}) == 1
    assert [item["error"] for item in await crm.deliveries(endpoint)] == ["no_answer", None]


async def test_r52_a_redirect_is_not_followed_and_an_answer_s_body_is_nothing_to_us(
    world: World, receiver: Receiver
) -> None:
    crm = await crm_of(world)
    async with receiving() as elsewhere:
        moved = await crm.endpoint(receiver.url)

        async def redirect(_: Received) -> Reply:
            return Reply(307, headers=f"Location: {elsewhere.url}\r\n", body=b"sensitive words")

        receiver.behave = redirect
        await crm.happens()
        await world.work()
        assert elsewhere.received == []
        [delivery] = await crm.deliveries(moved)
        assert (delivery["status"], delivery["status_code"]) == ("failed", 307)

        async def flood(_: Received) -> Reply:
            return Reply(200, body=b"x" * 5_000_000)

        receiver.behave = flood
        await sweep(world, later=timedelta(seconds=6))
        assert [item["status"] for item in await crm.deliveries(moved)] == ["failed", "succeeded"]
        rows = await world.rows("SELECT d::text AS text FROM webhook_deliveries d")
        assert "sensitive" not in str(rows)
        assert "xxx" not in str(rows)


async def test_r52_a_receiver_that_asks_for_time_gets_it(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    await crm.endpoint(receiver.url)

    async def busy(_: Received) -> Reply:
        return Reply(429 if len(receiver.received) == 1 else 204, headers="Retry-After: 600\r\n")

    receiver.behave = busy
    await crm.happens()
    await world.work()
    await sweep(world, later=timedelta(minutes=9))
    assert len(receiver.received) == 1
    await sweep(world, later=timedelta(minutes=2))
    assert len(receiver.received) == 2


async def test_r52_an_endpoint_that_is_gone_is_told_nothing_more(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    async with receiving() as other:
        endpoint = await crm.endpoint(receiver.url)
        await crm.endpoint(other.url, event_types=["webhook_endpoint.disabled"])
        receiver.answers(410)
        await crm.happens(2)
        await world.work()
        looked = await crm.look(endpoint)
        assert (looked["status"], looked["status_reason"]) == ("disabled", "gone")
        assert receiver.sequences == [1]
        assert (await crm.types())[-1] == "webhook_endpoint.disabled"
        assert [event["data"]["id"] for event in other.events] == [endpoint["id"]]
        await crm.happens()
        await sweep(world, later=timedelta(hours=2))
        assert receiver.sequences == [1]
        back = await crm.change(endpoint, status="active")
        assert (back["status"], back["status_reason"]) == ("active", None)
        await world.work()
        assert receiver.sequences == [1, 1, 2, 3, 4], "nothing was lost"


async def test_r52_an_endpoint_that_fails_for_a_day_is_paused_and_loses_nothing(
    world: World, receiver: Receiver
) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    receiver.answers(*[503] * 200)
    await crm.happens()
    await world.work()
    hours = 0
    while (await crm.look(endpoint))["status"] == "active":
        hours += 1
        assert hours < 30
        await sweep(world, later=timedelta(hours=1, minutes=1))
        await crm.person.refresh_token()
    assert hours >= 23
    looked = await crm.look(endpoint)
    assert (looked["status"], looked["status_reason"], looked["delivered_through"]) == ("paused", "failing", 0)
    assert len(receiver.received) == hours + 1
    assert [event["type"] for event in (await crm.feed(after=1))["items"]] == ["webhook_endpoint.paused"]
    receiver.answers()
    await crm.happens(2)
    await sweep(world, later=timedelta(hours=1))
    assert len(receiver.received) == hours + 1, "paused is paused"
    await crm.change(endpoint, status="active")
    await world.work()
    assert receiver.sequences[hours + 1 :] == [1, 2, 3, 4]


async def test_r52_days_in_which_nobody_sent_are_not_held_against_an_endpoint(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    receiver.answers(503, 503)
    await crm.happens()
    await world.work()
    await sweep(world, later=timedelta(days=3))  # no worker ran meanwhile
    await crm.person.refresh_token()
    looked = await crm.look(endpoint)
    assert (looked["status"], looked["consecutive_failures"]) == ("active", 2)
    await sweep(world, later=timedelta(minutes=1))
    assert receiver.sequences == [1, 1, 1]


async def test_r52_an_endpoint_does_not_go_on_behind_events_that_went_without_a_word(
    world: World, receiver: Receiver
) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    await crm.change(endpoint, status="paused")
    await crm.happens()
    await world.work()
    world.clock.offset += timedelta(days=40)
    await crm.person.refresh_token()
    await crm.happens()
    await world.work()
    await world.services.pruner.run(crm.account_id, crm.account_id)
    path, wish = f"/v1/webhook-endpoints/{endpoint['id']}", {"status": "active"}
    told = problem(await crm.person.patch(path, wish), 410, "events_expired")
    assert told["oldest_sequence"] == 2
    assert (await crm.look(endpoint))["status"] == "paused"
    await crm.change(endpoint, description="still paused")
    await crm.act(endpoint, "replay", {"after": told["oldest_sequence"] - 1})
    await crm.change(endpoint, status="active")
    await world.work()
    assert receiver.sequences == [2]


async def test_r52_a_pause_that_was_asked_for_keeps_what_comes(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    paused = await crm.change(endpoint, status="paused")
    assert (paused["status"], paused["status_reason"]) == ("paused", "requested")
    await crm.happens(3)
    await world.work()
    assert receiver.received == []
    await crm.change(endpoint, status="active")
    await world.work()
    assert receiver.sequences == [1, 2, 3]


async def test_r52_what_was_sent_can_be_sent_again(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    await crm.happens(4)
    await world.work()
    answer = await crm.act(endpoint, "replay", {"after": 2})
    assert answer.status_code == 202
    assert answer.json()["delivered_through"] == 2
    await world.work()
    assert receiver.sequences == [1, 2, 3, 4, 3, 4]
    assert receiver.received[2].id == receiver.received[4].id
    problem(await crm.act(endpoint, "replay", {"after": 5}), 422, "validation_failed")
    await world.rows("UPDATE event_feeds SET pruned_through = 3")
    problem(await crm.act(endpoint, "replay", {"after": 2}), 410, "events_expired")
    assert (await crm.act(endpoint, "replay", {"after": 0})).json()["delivered_through"] == 3


async def test_r52_a_replay_during_a_sending_is_not_undone_by_it(world: World, receiver: Receiver) -> None:
    crm, hold = await crm_of(world), asyncio.Event()
    endpoint = await crm.endpoint(receiver.url)
    await crm.happens(2)
    await world.work()

    async def wait(message: Received) -> Reply:
        if message.event["sequence"] == 3:
            await hold.wait()
        return Reply()

    receiver.behave = wait
    await crm.happens()
    await world.services.sequencer.run(crm.account_id, crm.account_id)
    running = asyncio.create_task(deliver(crm, endpoint))
    await receiver.until(3)
    await crm.act(endpoint, "replay", {"after": 0})
    hold.set()
    await running
    await world.work()
    assert receiver.sequences == [1, 2, 3, 1, 2, 3]
    assert (await crm.look(endpoint))["delivered_through"] == 3


async def test_r52_a_test_is_sent_and_moves_nothing(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url, event_types=["booking.created"])
    await crm.change(endpoint, status="paused")
    asked = await crm.act(endpoint, "test")
    assert asked.status_code == 202
    assert asked.json()["status"] == "pending"
    problem(await crm.act(endpoint, "test"), 409, "request_in_progress")
    await world.work()
    [message] = receiver.received
    assert (message.event["type"], message.event["sequence"]) == ("webhook_endpoint.test", 0)
    assert message.id == asked.json()["event_id"]
    assert message.signed_by(endpoint["secret"])
    assert (await crm.feed())["items"] == []
    receiver.answers(500)
    assert (await crm.act(endpoint, "test")).status_code == 202
    await world.work()
    told = [(item["status"], item["status_code"]) for item in await crm.deliveries(endpoint)]
    assert told == [("succeeded", 204), ("failed", 500)]
    assert (await crm.look(endpoint))["consecutive_failures"] == 0
    assert [item["status"] for item in await crm.deliveries(endpoint, status="failed")] == ["failed"]


async def test_r52_deliveries_are_listed_in_parts_the_newest_first(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    await crm.happens(5)
    await world.work()
    seen, cursor = [], {}
    path = f"/v1/webhook-endpoints/{endpoint['id']}/deliveries"
    while True:
        part = (await crm.person.get(path, limit=2, **cursor)).json()
        seen += [item["sequence"] for item in part["items"]]
        if part["next_cursor"] is None:
            break
        cursor = {"cursor": part["next_cursor"]}
    assert seen == [5, 4, 3, 2, 1]
    problem(await crm.person.get(path, cursor="abc"), 400, "invalid_cursor")


async def test_r52_what_follows_goes_to_the_address_that_was_given_meanwhile(world: World, receiver: Receiver) -> None:
    crm, hold = await crm_of(world), asyncio.Event()
    endpoint = await crm.endpoint(receiver.url)

    async def wait(_: Received) -> Reply:
        await hold.wait()
        return Reply()

    receiver.behave = wait
    async with receiving() as moved:
        await crm.happens(3)
        await world.services.sequencer.run(crm.account_id, crm.account_id)
        running = asyncio.create_task(deliver(crm, endpoint))
        await receiver.until(1)
        await crm.change(endpoint, url=moved.url)
        hold.set()
        await running
        await world.work()
        assert (receiver.sequences, moved.sequences) == ([1], [2, 3])
