"""The CRM reads everything that happened, in order, without a gap (R52)."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.database import transaction
from app.events import repository
from app.events.types import EventType
from app.ids import decode_id
from app.queue import Enqueued, Job, enqueue
from tests.events.crm import Crm, crm_of
from tests.events.receiver import Receiver
from tests.support.world import World, problem

[GAP] = re.findall(r"^UPDATE event_feeds .*;$", Path("docs/operations.md").read_text(), re.MULTILINE)
"""What a restore to an earlier moment has to be followed by."""


async def prune(crm: Crm) -> None:
    async with transaction(crm.world.services.sessions, crm.account_id) as session:
        await enqueue(session, [Enqueued(Job.PRUNE_EVENTS, crm.account_id, crm.account_id)])
    await crm.world.work()


async def test_r52_what_happens_is_told_in_order_and_without_a_gap(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"name": "Longer"})
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await world.work()
    moved = {"start_at": person.at(4, "11:00").isoformat()}
    assert (await person.post(f"/v1/bookings/{booked['id']}/reschedule", moved)).status_code == 200
    await world.work()
    assert (await person.post(f"/v1/bookings/{booked['id']}/cancel", {})).status_code == 200
    await person.delete(f"/v1/connections/{person.connection_id}")
    other = (await person.book(page["id"], person.at(5, "10:00").isoformat())).json()
    await person.delete(f"/v1/scheduling-pages/{page['id']}")
    await world.work()
    assert other["kind"] == "meeting_request"
    assert await crm.types() == [
        "connection.created",
        "scheduling_page.created",
        "scheduling_page.updated",
        "booking.created",
        "contact.created",
        "engagement.created",
        "booking.rescheduled",
        "engagement.updated",
        "booking.cancelled",
        "connection.deleted",
        "meeting_request.created",
        "scheduling_page.deleted",
        "engagement.cancelled",
    ]


async def test_r52_an_event_says_what_the_host_would_be_answered_and_no_secret(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await world.work()
    feed = await crm.feed(types="booking.created")
    [event] = feed["items"]
    answered = (await person.get(f"/v1/bookings/{booked['id']}")).json()
    later = {"allowed_actions", "calendar_event", "video_url"}
    told = event["data"]
    assert told == {"host_id": person.user_id} | {name: answered[name] for name in answered.keys() - later}
    assert event["account_id"] == person.account_id
    assert event["id"].startswith("evt_")
    everything = json.dumps(await crm.feed(limit=100))
    assert booked["booking_token"] not in everything
    assert "token" not in everything
    assert person.token not in everything


async def test_r52_an_event_vanishes_with_what_it_tells(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    results = await asyncio.gather(*(person.book(page["id"], start) for _ in range(8)))
    assert sorted(result.status_code for result in results) == [201] + [409] * 7
    await world.work()
    assert (await crm.types()).count("booking.created") == 1


async def test_r52_a_connection_that_breaks_and_heals_is_told_with_its_calendars(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    calendar = (await world.rows("SELECT id, account_id FROM calendars WHERE checked"))[0]
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await person.reauthorize()
    await world.work()
    types = await crm.types()
    assert types == ["connection.created", "connection.reauthorization_required", "connection.updated"]
    broken = (await crm.feed(types=types[1]))["items"][0]["data"]
    assert (broken["status"], broken["id"]) == ("reauthorization_required", person.connection_id)
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost' WHERE id = $1", calendar["id"])
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    again = (await crm.feed(types="availability_calendar.active"))["items"]
    assert [decode_id("cal", event["data"]["calendar_id"]) for event in again] == [calendar["id"]]


async def test_r52_the_feed_is_read_in_parts_and_a_filter_passes_over_the_rest(world: World) -> None:
    crm = await crm_of(world)
    await crm.happens(5)
    await crm.happens(event=EventType.BOOKING_CREATED)
    await crm.happens(4)
    await world.work()
    seen, after = [], 0
    while after < 10:
        part = await crm.feed(after=after, limit=3)
        seen += [event["sequence"] for event in part["items"]]
        after = part["next_after"]
        assert part["last_sequence"] == 10
    assert seen == list(range(1, 11))
    assert (await crm.feed(after=10))["items"] == []
    assert (await crm.feed(after=10))["next_after"] == 10, "it never goes back"
    some = await crm.feed(types="booking.created,booking.cancelled", limit=5)
    assert ([event["sequence"] for event in some["items"]], some["next_after"]) == ([6], 10)
    first = await crm.feed(types="scheduling_page.updated", limit=5)
    assert first["next_after"] == 5, "what was not looked at is not passed over"


@pytest.mark.parametrize("waiting", [{}, {"wait_seconds": 20}])
async def test_r52_a_number_that_was_never_given_is_refused_as_one_of_another_feed(
    world: World, waiting: dict[str, int]
) -> None:
    """As an account that was erased and began anew hears from a reader of its former feed."""
    crm = await crm_of(world)
    for last in (0, 3):
        body = problem(await crm.person.get("/v1/events", after=last + 1, **waiting), 422, "validation_failed")
        assert [(error["pointer"], error["code"]) for error in body["errors"]] == [("/query/after", "out_of_range")]
        assert (await crm.feed(after=last))["next_after"] == last
        await crm.happens(3)
        await world.work()


@pytest.mark.parametrize(
    "query",
    [{"after": -1}, {"after": "x"}, {"limit": 101}, {"wait_seconds": 26}, {"types": "booking"}, {"types": "a.b,"}],
)
async def test_a_question_that_makes_no_sense_is_refused(world: World, query: dict[str, Any]) -> None:
    crm = await crm_of(world)
    problem(await crm.person.get("/v1/events", **query), 422, "validation_failed")


async def test_r53_only_a_service_that_may_reads_the_feed_of_its_own_account(world: World) -> None:
    person = await world.person()
    mine, other = await crm_of(world, person), await crm_of(world)
    await mine.happens(2)
    await world.work()
    assert len((await mine.feed())["items"]) == 2
    assert (await other.feed()) == {"items": [], "next_after": 0, "last_sequence": 0}
    problem(await person.get("/v1/events"), 403, "forbidden")
    await person.refresh_token(permissions=["events:read"])
    problem(await person.get("/v1/events"), 403, "forbidden")
    await mine.person.refresh_token(permissions=["webhooks:write"])
    problem(await mine.person.get("/v1/events"), 403, "forbidden")


async def test_r52_who_waits_is_answered_as_soon_as_something_arrives(world: World) -> None:
    crm, stranger = await crm_of(world), await crm_of(world)
    waiting = asyncio.create_task(crm.feed(wait_seconds=25))
    bystander = asyncio.create_task(stranger.feed(wait_seconds=2))
    await asyncio.sleep(0.5)
    open_ones = "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert await world.rows(open_ones) == [], "nobody holds a transaction while waiting"
    loop = asyncio.get_running_loop()
    began = loop.time()
    await crm.happens()
    await world.work()
    answer = await asyncio.wait_for(waiting, 5)
    assert loop.time() - began < 1.5
    assert [event["sequence"] for event in answer["items"]] == [1]
    assert (await bystander)["items"] == []


async def test_r52_who_waits_for_some_types_is_not_answered_for_others(world: World) -> None:
    crm = await crm_of(world)
    waiting = asyncio.create_task(crm.feed(wait_seconds=20, types="booking.created"))
    await asyncio.sleep(0.2)
    await crm.happens(3)
    await world.work()
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await crm.happens(event=EventType.BOOKING_CREATED)
    await world.work()
    answer = await asyncio.wait_for(waiting, 5)
    assert [event["sequence"] for event in answer["items"]] == [4]


async def test_r52_who_waits_for_nothing_is_answered_in_time(world: World) -> None:
    crm = await crm_of(world)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await crm.feed(wait_seconds=1))["items"] == []
    assert 0.9 < loop.time() - began < 3


async def test_r52_a_lost_listener_costs_seconds_and_no_event(world: World) -> None:
    crm = await crm_of(world)
    waiting = asyncio.create_task(crm.feed(wait_seconds=25))
    await asyncio.sleep(0.5)
    listeners = "FROM pg_stat_activity WHERE application_name = 'calendar-connect events'"
    ended = await world.rows(f"SELECT pg_terminate_backend(pid) {listeners}")
    assert len(ended) == 1, "one listener a process"
    await asyncio.sleep(0.2)
    await crm.happens()
    await world.work()
    assert len((await asyncio.wait_for(waiting, 8))["items"]) == 1
    again = asyncio.create_task(crm.feed(after=1, wait_seconds=20))
    await asyncio.sleep(0.3)
    assert len(await world.rows(f"SELECT pid {listeners}")) == 1, "it listens again"
    await crm.happens()
    await world.work()
    assert len((await asyncio.wait_for(again, 2))["items"]) == 1


async def test_r52_old_events_go_and_who_asks_for_them_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.events.pruning._AT_ONCE", 2)  # in parts
    crm = await crm_of(world)
    await crm.happens(3)
    await world.work()
    world.clock.offset = timedelta(days=20)
    await crm.happens(2)
    await world.work()
    world.clock.offset = timedelta(days=31)
    await crm.person.refresh_token()
    await prune(crm)
    body = problem(await crm.person.get("/v1/events", after=2), 410, "events_expired")
    assert body["oldest_sequence"] == 4
    problem(await crm.person.get("/v1/events", after=0), 410, "events_expired")
    for query in ({}, {"after": 3}):
        assert [event["sequence"] for event in (await crm.feed(**query))["items"]] == [4, 5]
    await crm.happens()
    await world.work()
    assert (await crm.feed())["last_sequence"] == 6, "numbers go on"
    world.clock.offset = timedelta(days=90)
    await prune(crm)
    assert (await crm.feed())["next_after"] == 6, "an empty feed still knows where it is"


async def test_r52_old_attempts_go_in_parts_and_young_ones_stay(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.events.pruning._AT_ONCE", 2)
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    await crm.happens(5)
    await world.work()
    assert len(await crm.deliveries(endpoint)) == 5
    for days, left in ((29, 5), (31, 0)):
        world.clock.offset = timedelta(days=days)
        await prune(crm)
        assert len(await world.rows("SELECT FROM webhook_deliveries")) == left


async def test_r52_a_gap_in_the_numbers_does_not_end_the_pruning(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.events.pruning._AT_ONCE", 2)  # in parts: one begins before the gap and ends behind it
    crm = await crm_of(world)
    await crm.happens(3)
    await world.work()
    await world.rows(GAP)
    await crm.happens(3)
    await world.work()
    world.clock.offset = timedelta(days=20)
    await crm.happens()
    await world.work()
    world.clock.offset = timedelta(days=31)
    await crm.person.refresh_token()
    await prune(crm)
    assert [event["sequence"] for event in (await crm.feed())["items"]] == [1000007]
    assert problem(await crm.person.get("/v1/events", after=3), 410, "events_expired")["oldest_sequence"] == 1000007


async def test_r52_a_feed_comes_up_for_pruning_every_day(world: World) -> None:
    crm = await crm_of(world)
    await crm.happens()
    await world.work()
    assert await world.services.pruner.sweep() == 0
    for days in (2, 4):
        world.clock.offset = timedelta(days=days)
        assert await world.services.pruner.sweep() == 1
        assert await world.services.pruner.sweep() == 0
    assert len(await world.rows("SELECT id FROM queue.pgqueuer WHERE entrypoint = 'prune_events'")) == 1
    world.clock.offset = timedelta(days=40)
    await world.services.pruner.sweep()
    await world.work()
    assert await world.rows("SELECT 1 FROM feed_events") == []


async def test_r54_what_an_event_said_can_be_erased_without_a_gap(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await world.work()
    before = await crm.types()
    async with transaction(world.services.sessions, crm.account_id) as session:
        await repository.redact(session, crm.account_id, decode_id("bkg", booked["id"]))
    assert await crm.types() == before
    [event] = (await crm.feed(types="booking.created"))["items"]
    assert event["data"] == {"id": booked["id"], "erased": True}


async def test_r30_an_attempt_that_was_blocked_is_told_without_a_name(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    page = await person.make_page()
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost' WHERE checked")
    for _ in range(2):
        assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 409
    await world.work()
    blocked = (await crm.feed(types="booking.attempt_blocked"))["items"]
    assert [event["data"] for event in blocked] == [{"page_id": page["id"], "host_id": person.user_id}]


async def test_r52_no_event_waits_for_another_process_s_clock(world: World) -> None:
    """The ids of events come from clocks; their order must not."""
    crm = await crm_of(world)
    await crm.happens(2)
    connection = await asyncpg.connect(world.database_url)
    try:
        rows = await connection.fetch("SELECT id, arrival FROM feed_events ORDER BY arrival")
        early, late = rows[0]["id"], rows[1]["id"]
        assert early < late
        swap = "UPDATE feed_events SET id = $2 WHERE id = $1"
        spare = await connection.fetchval("SELECT gen_random_uuid()")
        for old, new in ((early, spare), (late, early), (spare, late)):
            await connection.execute(swap, old, new)
    finally:
        await connection.close()
    await world.work()
    assert [event["data"]["number"] for event in (await crm.feed())["items"]] == [0, 1]
