"""Numbers without a gap, whatever transactions do (R52): each of these fails for a counter that is read too early."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.database import transaction
from app.events.feed import add_event
from app.events.types import EventType
from app.ids import new_id
from tests.events.crm import Crm, crm_of
from tests.support.world import World
from tests.test_queue import working


async def number(crm: Crm) -> None:
    await crm.world.services.sequencer.run(crm.account_id, crm.account_id)


async def write(crm: Crm, name: str, *, hold: asyncio.Event | None = None, fail: bool = False) -> None:
    """One event, in a transaction that stays open until it is let go."""
    async with transaction(crm.world.services.sessions, crm.account_id) as session:
        add_event(
            session,
            crm.account_id,
            EventType.BOOKING_CREATED,
            subject_id=new_id(),
            data={"name": name},
            now=crm.world.clock(),
        )
        await session.flush()
        if hold is not None:
            await hold.wait()
        if fail:
            raise ZeroDivisionError


async def told(crm: Crm) -> list[tuple[int, Any]]:
    items = (await crm.feed(limit=100))["items"]
    return [(event["sequence"], event["data"].get("name")) for event in items]


async def test_r52_a_long_transaction_makes_no_gap_and_is_not_lost(world: World) -> None:
    crm, let_go = await crm_of(world), asyncio.Event()
    long = asyncio.create_task(write(crm, "long", hold=let_go))
    await asyncio.sleep(0.2)
    await write(crm, "short")
    await number(crm)
    assert await told(crm) == [(1, "short")], "what is not committed has no number, and keeps none free"
    let_go.set()
    await long
    await number(crm)
    await write(crm, "next")
    await number(crm)
    assert await told(crm) == [(1, "short"), (2, "long"), (3, "next")]


async def test_r52_what_is_rolled_back_takes_no_number(world: World) -> None:
    crm = await crm_of(world)
    for name in ("one", "two", "three"):
        with pytest.raises(ZeroDivisionError):
            await write(crm, "never", fail=True)
        await write(crm, name)
    await number(crm)
    assert await told(crm) == [(1, "one"), (2, "two"), (3, "three")]


async def test_r52_what_commits_while_the_lock_is_waited_for_is_numbered_at_once(world: World) -> None:
    crm = await crm_of(world)
    await write(crm, "first")
    await number(crm)
    other = await asyncpg.connect(world.database_url)
    try:
        lock = other.transaction()
        await lock.start()
        await other.execute("SELECT 1 FROM event_feeds WHERE account_id = $1 FOR UPDATE", crm.account_id)
        await write(crm, "second")
        waiting = asyncio.create_task(number(crm))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await write(crm, "third")
        await lock.commit()
        await waiting
    finally:
        await other.close()
    assert await told(crm) == [(1, "first"), (2, "second"), (3, "third")]


async def test_r52_many_writers_and_many_sequencers_make_one_line(world: World) -> None:
    """Forty transactions of any length, some rolled back; four sequencers; a reader who looks all the while."""
    crm, dice, done = await crm_of(world), random.Random(52), asyncio.Event()  # noqa: S311 - dice

    async def writer(name: int) -> None:
        for part in range(5):
            hold = asyncio.Event()
            asyncio.get_running_loop().call_later(dice.random() / 20, hold.set)
            failing = dice.random() < 0.2
            try:
                await write(crm, f"{name}.{part}", hold=hold, fail=failing)
            except ZeroDivisionError:
                await write(crm, f"{name}.{part}")

    async def sequencer() -> None:
        while not done.is_set():
            await number(crm)
            await asyncio.sleep(0)

    async def reader() -> list[tuple[int, Any]]:
        seen: list[tuple[int, Any]] = []
        while not done.is_set() or len(seen) < 40:
            part = await crm.feed(after=len(seen), limit=7)
            seen += [(event["sequence"], event["data"]["name"]) for event in part["items"]]
            assert [item[0] for item in seen] == list(range(1, len(seen) + 1)), "a gap was to be seen"
        return seen

    others = [asyncio.create_task(sequencer()) for _ in range(4)]
    reading = asyncio.create_task(reader())
    await asyncio.wait_for(asyncio.gather(*(writer(name) for name in range(8))), 30)
    await number(crm)
    done.set()
    await asyncio.gather(*others)
    seen = await asyncio.wait_for(reading, 10)
    assert await told(crm) == seen, "what was seen once is seen again"
    assert sorted(name for _, name in seen) == sorted(f"{name}.{part}" for name in range(8) for part in range(5))
    assert await world.rows("SELECT 1 FROM due_events") == []
    for writer_name in range(8):
        own = [name for _, name in seen if name.startswith(f"{writer_name}.")]
        assert own == sorted(own), "what waited for another's commit comes after it"


async def test_r52_more_than_a_batch_is_numbered_in_one_run(world: World) -> None:
    crm = await crm_of(world)
    async with transaction(world.services.sessions, crm.account_id) as session:
        for place in range(1203):
            add_event(
                session,
                crm.account_id,
                EventType.BOOKING_CREATED,
                subject_id=new_id(),
                data={"name": place},
                now=world.clock(),
            )
    await number(crm)
    rows = await world.rows("SELECT sequence, data ->> 'name' AS name FROM feed_events ORDER BY sequence")
    assert [(row["sequence"], row["name"]) for row in rows] == [(place + 1, str(place)) for place in range(1203)]


async def test_r52_what_lost_its_job_is_numbered_by_the_sweep(world: World) -> None:
    one, two = await crm_of(world), await crm_of(world)
    await write(one, "lost")
    await write(two, "lost too")
    assert await world.services.sequencer.sweep() == 0, "a job is given a moment"
    world.clock.offset = timedelta(seconds=5)
    assert await world.services.sequencer.sweep() == 2
    assert await world.services.sequencer.sweep() == 0, "its job is given a moment"
    await world.rows("DELETE FROM queue.pgqueuer")
    world.clock.offset = timedelta(minutes=1)
    assert await world.services.sequencer.sweep() == 2, "nothing is ever given up"
    await world.work()
    world.clock.offset = timedelta(minutes=2)
    assert await told(one) == [(1, "lost")]
    assert await told(two) == [(1, "lost too")], "every account counts for itself"
    assert await world.services.sequencer.sweep() == 0


async def test_r52_one_account_s_lock_holds_up_no_other(world: World) -> None:
    busy, other = await crm_of(world), await crm_of(world)
    await write(busy, "one")
    await number(busy)
    connection = await asyncpg.connect(world.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM event_feeds WHERE account_id = $1 FOR UPDATE", busy.account_id)
            await asyncio.wait_for(write(busy, "two"), 5)
            await write(other, "free")
            await asyncio.wait_for(number(other), 5)
    finally:
        await connection.close()
    assert await told(other) == [(1, "free")]


async def test_r52_an_event_is_numbered_within_moments_by_a_worker(world: World) -> None:
    crm = await crm_of(world)
    async with working(world.services, world.database_url):
        await asyncio.sleep(0.3)
        reading = asyncio.create_task(crm.feed(wait_seconds=20))
        await asyncio.sleep(0.3)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await crm.happens()
        answer = await asyncio.wait_for(reading, 5)
        assert loop.time() - began < 1
    assert [event["sequence"] for event in answer["items"]] == [1]
