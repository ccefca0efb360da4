"""Taking what is due, on a real PostgreSQL: by index, fairly, in portions, by several at once (P3)."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from app.database import transaction
from app.queue import Enqueued, Job, enqueue
from app.sync import due
from app.sync.schedule import enqueue_due_syncs
from tests.support.world import World

AGAIN = timedelta(minutes=3)


async def are_due(world: World, account: UUID, count: int, *, seconds: float) -> list[UUID]:
    """So many calendars of an account, due for so long; a moment apart, in order."""
    calendars = [uuid4() for _ in range(count)]
    since = world.clock() - timedelta(seconds=seconds)
    await world.rows(
        "INSERT INTO due_calendars (calendar_id, account_id, due_at) "
        "SELECT id, $2, $3::timestamptz + n * interval '1 microsecond' "
        "FROM unnest($1::uuid[]) WITH ORDINALITY AS calendar (id, n)",
        calendars,
        account,
        since,
    )
    return calendars


async def take(world: World, *, limit: int, window: int = 2000) -> list[due.Due]:
    async with transaction(world.services.sessions, None) as session:
        return list(await due.take_due(session, now=world.clock(), again=AGAIN, limit=limit, window=window))


async def test_p3_one_calendar_of_a_small_account_is_in_the_first_portion(world: World) -> None:
    await are_due(world, uuid4(), 1500, seconds=600)
    small = await are_due(world, uuid4(), 1, seconds=5)
    taken = await take(world, limit=50)
    assert len(taken) == 50
    assert taken[1].calendar_id == small[0]


async def test_p3_an_account_that_fills_the_window_hides_nobody_for_long(world: World) -> None:
    """10,000 stand before it. By order of time it would be seen after 200 portions."""
    large = uuid4()
    calendars = await are_due(world, large, 10_000, seconds=600)
    small = await are_due(world, uuid4(), 1, seconds=30)
    seen: list[UUID] = []
    portions = 0
    while small[0] not in seen and portions < 20:
        seen += [item.calendar_id for item in await take(world, limit=50)]
        portions += 1
    assert portions <= 10_000 / 2000 + 1
    assert set(seen) - set(small) <= set(calendars)
    rows = await world.rows("SELECT count(*) AS due FROM due_calendars WHERE due_at <= $1", world.clock())
    assert rows[0]["due"] == 10_001 - len(seen), "put behind is still due"


async def test_p3_who_is_put_behind_keeps_the_order_among_its_own_and_is_not_moved_again_at_once(world: World) -> None:
    calendars = await are_due(world, uuid4(), 40, seconds=600)
    assert [item.calendar_id for item in await take(world, limit=10, window=20)] == calendars[:10]
    rows = await world.rows("SELECT calendar_id FROM due_calendars WHERE due_at <= $1 ORDER BY due_at", world.clock())
    assert [row["calendar_id"] for row in rows] == calendars[20:] + calendars[10:20]
    await take(world, limit=10, window=20)
    before = await world.rows("SELECT calendar_id, due_at FROM due_calendars ORDER BY due_at")
    await take(world, limit=0, window=20)
    assert await world.rows("SELECT calendar_id, due_at FROM due_calendars ORDER BY due_at") == before, (
        "everything was moved a moment ago"
    )


async def test_p3_what_is_taken_comes_up_again_and_what_is_not_due_stays(world: World) -> None:
    await are_due(world, uuid4(), 3, seconds=1)
    await are_due(world, uuid4(), 3, seconds=-60)
    assert len(await take(world, limit=10)) == 3
    assert await take(world, limit=10) == []
    world.clock.offset = AGAIN + timedelta(seconds=1)
    assert len(await take(world, limit=10)) == 6


async def test_p3_several_sweepers_never_take_the_same(world: World) -> None:
    for _ in range(4):
        await are_due(world, uuid4(), 100, seconds=60)
    parts = await asyncio.gather(*(take(world, limit=100) for _ in range(4)))
    taken = [item.calendar_id for part in parts for item in part]
    assert len(taken) == len(set(taken)) > 0
    while more := await take(world, limit=100):
        taken += [item.calendar_id for item in more]
    assert len(set(taken)) == len(taken) == 400


async def test_p3_a_row_that_a_run_holds_keeps_nobody_waiting(world: World) -> None:
    held, *others = await are_due(world, uuid4(), 5, seconds=60)
    async with transaction(world.services.sessions, None) as session:
        await session.execute(text("SELECT FROM due_calendars WHERE calendar_id = :id FOR UPDATE"), {"id": held})
        async with asyncio.timeout(5):
            assert {item.calendar_id for item in await take(world, limit=10)} == set(others)


async def test_p3_due_calendars_are_found_by_the_index_however_many_there_are(world: World) -> None:
    for _ in range(20):
        await are_due(world, uuid4(), 1000, seconds=600)
    await world.rows("ANALYZE due_calendars")
    async with transaction(world.services.sessions, None) as session:
        explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {due._LONGEST_DUE.text}")
        plan = await session.scalar(explain, {"now": world.clock(), "most": due.WINDOW})
    [plan] = json.loads(plan) if isinstance(plan, str) else plan
    scan = plan["Plan"]["Plans"][0]
    assert scan["Node Type"] in {"Index Scan", "Index Only Scan"}
    assert scan["Index Name"] == "ix_due_calendars_due_at"
    assert scan["Actual Rows"] == due.WINDOW, "and no further than the window"


async def test_p3_the_queue_is_given_no_more_than_it_has_room_for(world: World) -> None:
    await are_due(world, uuid4(), 1000, seconds=60)
    sessions, clock = world.services.sessions, world.clock
    assert await enqueue_due_syncs(sessions, clock) == 400
    assert await enqueue_due_syncs(sessions, clock) == 5, "pushes might have filled it: polls go on, slowly"
    await world.rows("DELETE FROM queue.pgqueuer")
    assert await enqueue_due_syncs(sessions, clock) == 400


async def test_p3_jobs_that_are_put_off_or_of_another_kind_take_no_room(world: World) -> None:
    async with transaction(world.services.sessions, None) as session:
        await session.execute(text("SELECT 1"))
        late = [Enqueued(Job.SYNC_CALENDAR, uuid4(), uuid4(), timedelta(minutes=5)) for _ in range(3)]
        await enqueue(session, [*late, Enqueued(Job.WATCH_CALENDAR, uuid4(), uuid4())])
    async with transaction(world.services.sessions, None) as session:
        assert await due.waiting_syncs(session, most=10) == 0
        await enqueue(session, [Enqueued(Job.SYNC_CALENDAR, uuid4(), uuid4()) for _ in range(12)])
    async with transaction(world.services.sessions, None) as session:
        assert await due.waiting_syncs(session, most=10) == 10
