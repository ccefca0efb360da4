"""Turns that find no place, or an endpoint that was changed or taken away meanwhile (R52)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from app.addresses import Guard
from app.events.endpoints import MOST_ENDPOINTS
from app.events.lanes import LONGEST_WAIT, Lanes
from app.http import HttpClient
from app.ids import decode_id
from tests.events.crm import crm_of
from tests.events.receiver import Received, Receiver, Reply, receiving
from tests.events.test_deliveries import deliver, sweep
from tests.events.test_webhook_doubts import GONE, courier, numbered
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.world import World


async def crowd(world: World, url: str, *, accounts: int) -> int:
    """Endpoints of one receiver, as many as these accounts may have, all behind by one event, all due; how many."""
    for _ in range(accounts):
        crm = await crm_of(world)
        for _ in range(MOST_ENDPOINTS):
            await crm.endpoint(url)
        await numbered(crm)
    await world.rows("UPDATE due_webhooks SET due_at = $1", world.clock())
    await world.rows(GONE)
    return accounts * MOST_ENDPOINTS


async def test_r52_a_crowd_that_finds_no_place_is_no_mill_and_is_told_in_the_end(
    world: World, receiver: Receiver
) -> None:
    lanes, ran = Lanes(quick=1, slow=1), 0
    async with HttpClient(guard=Guard(["127.0.0.1"])) as http:
        busy = replace(world, services=replace(world.services, courier=courier(world, lanes, http)))
        count = await crowd(busy, receiver.url, accounts=3)
        assert lanes.enter(slow=False)
        began = world.clock()
        for _ in range(10):
            await busy.services.courier.sweep()
            ran += await busy.work()
            world.clock.offset += timedelta(seconds=1)
        seconds = (world.clock() - began).total_seconds()
        assert ran < count + 20 * seconds, "each of them a second later would be ten for each"
        assert ran > 2 * count, "a place that becomes free is not left empty"
        assert receiver.received == []
        lanes.leave(slow=False)
        await sweep(busy, later=timedelta(seconds=6))
        assert len(receiver.received) == count
        assert await world.rows("SELECT 1 FROM due_webhooks") == []


async def test_r52_who_finds_no_place_comes_up_after_the_last_who_found_none_and_in_time(world: World) -> None:
    lanes, now = Lanes(), world.clock()
    assert lanes.comes_up(slow=True, now=now) == now + timedelta(seconds=1)
    second, third = (lanes.comes_up(slow=True, now=now) for _ in range(2))
    assert now + timedelta(seconds=1) < second < third
    assert lanes.comes_up(slow=False, now=now) == now + timedelta(seconds=1), "nobody quick behind the slow"
    for _ in range(10_000):
        latest = lanes.comes_up(slow=True, now=now)
    assert latest == now + LONGEST_WAIT
    later = latest + timedelta(minutes=1)
    assert lanes.comes_up(slow=True, now=later) == later + timedelta(seconds=1), "the crowd is gone"
    earlier = now - timedelta(hours=1)
    assert lanes.comes_up(slow=True, now=earlier) == earlier + LONGEST_WAIT, "a clock that was set back"


async def test_r52_who_has_much_to_hear_does_not_keep_out_who_was_turned_away(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One place; an event is a turn. Whoever had one stands behind whoever found none."""
    monkeypatch.setattr("app.events.courier._TURN_SECONDS", 0.0)
    much, little, hold = await crm_of(world), await crm_of(world), asyncio.Event()
    async with HttpClient(guard=Guard(["127.0.0.1"])) as http, receiving() as patient:
        busy = replace(world, services=replace(world.services, courier=courier(world, Lanes(quick=1, slow=1), http)))
        long, short = await much.endpoint(patient.url), await little.endpoint(receiver.url)

        async def take(_: Received) -> Reply:
            await hold.wait()
            return Reply(204)

        patient.behave = take
        await numbered(much, 5)
        await numbered(little)
        await world.rows(GONE)
        running = asyncio.create_task(busy.services.courier.run(much.account_id, decode_id("whe", long["id"])))
        await patient.until(1)
        await busy.services.courier.run(little.account_id, decode_id("whe", short["id"]))
        hold.set()
        await running
        await busy.work()
        assert (patient.sequences, receiver.sequences) == ([1], []), "it is the other's turn, in a moment"
        await sweep(busy, later=timedelta(seconds=2))
        assert receiver.sequences == [1]
        assert patient.sequences == [1, 2, 3, 4, 5], "alone again, it waits for nobody"


async def test_r52_the_sweep_asks_for_no_turn_that_is_asked_for_already(world: World, receiver: Receiver) -> None:
    crm = await crm_of(world)
    await crm.endpoint(receiver.url)
    await numbered(crm)
    await world.rows(GONE)
    for _ in range(3):
        world.clock.offset += timedelta(seconds=31)
        assert await world.services.courier.sweep() == 1
    assert len(await world.rows("SELECT id FROM queue.pgqueuer")) == 1
    await world.work()
    assert receiver.sequences == [1]


@pytest.mark.parametrize("status", [410, 500])
async def test_r52_what_the_former_address_answers_is_not_held_against_the_new_one(
    world: World, receiver: Receiver, status: int
) -> None:
    crm, hold = await crm_of(world), asyncio.Event()
    endpoint = await crm.endpoint(receiver.url)

    async def refuse(_: Received) -> Reply:
        await hold.wait()
        return Reply(status)

    receiver.behave = refuse
    async with receiving() as moved:
        await numbered(crm, 2)
        running = asyncio.create_task(deliver(crm, endpoint))
        await receiver.until(1)
        await crm.change(endpoint, url=moved.url)
        await world.work()  # somebody came for the change at once, and found us at it
        assert moved.received == []
        hold.set()
        await running
        looked = await crm.look(endpoint)
        assert (looked["status"], looked["consecutive_failures"], looked["next_attempt_at"]) == ("active", 0, None)
        await world.work()
        assert (receiver.sequences, moved.sequences) == ([1], [1, 2])
    told = [(item["status"], item["status_code"]) for item in await crm.deliveries(endpoint)]
    assert told == [("failed", status), ("succeeded", 204), ("succeeded", 204)]


async def test_r52_an_endpoint_that_was_paused_while_it_failed_is_paused(world: World, receiver: Receiver) -> None:
    crm, hold = await crm_of(world), asyncio.Event()
    endpoint = await crm.endpoint(receiver.url)

    async def refuse(_: Received) -> Reply:
        await hold.wait()
        return Reply(410)

    receiver.behave = refuse
    await numbered(crm)
    running = asyncio.create_task(deliver(crm, endpoint))
    await receiver.until(1)
    await crm.change(endpoint, status="paused")
    hold.set()
    await running
    looked = await crm.look(endpoint)
    assert (looked["status"], looked["status_reason"], looked["consecutive_failures"]) == ("paused", "requested", 0)
    assert await world.rows("SELECT 1 FROM due_webhooks") == []


async def test_r52_an_endpoint_that_was_deleted_while_events_were_numbered_is_not_due_for_ever(
    world: World, receiver: Receiver
) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(receiver.url)
    await crm.happens()
    other = await asyncpg.connect(world.database_url)
    try:
        held = other.transaction()
        await held.start()
        row = "INSERT INTO due_webhooks (endpoint_id, account_id, due_at) VALUES ($1, $2, now())"
        await other.execute(row, decode_id("whe", endpoint["id"]), crm.account_id)
        # Who gives numbers waits for this row, and has read by then which endpoints there are.
        numbering = asyncio.create_task(world.services.sequencer.run(crm.account_id, crm.account_id))
        async with asyncio.timeout(20):
            while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
                await asyncio.sleep(0.01)
        assert (await crm.person.delete(f"/v1/webhook-endpoints/{endpoint['id']}")).status_code == 204
        await held.rollback()
        await numbering
    finally:
        await other.close()
    assert len(await world.rows("SELECT 1 FROM due_webhooks")) == 1
    await sweep(world, later=timedelta(seconds=31))
    assert await world.rows("SELECT 1 FROM due_webhooks") == []
    assert receiver.received == []
