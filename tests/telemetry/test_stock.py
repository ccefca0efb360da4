"""How things stand over all accounts: told by one worker, and only while it knows (P3, P4)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.sync.stock import StockTaker
from app.telemetry.metrics import process_figures
from tests.bookings import test_drift as drifting
from tests.calendar_writes.test_writing import booked
from tests.crm.test_tasks import add, change, turn, with_tasks
from tests.support.visitors import fault
from tests.support.world import World
from tests.telemetry.scrape import Series, read, series
from tests.test_worker import eventually


@pytest.fixture
async def taker(world: World) -> AsyncIterator[StockTaker]:
    taking = StockTaker(world.database_url, world.services.sessions, world.clock)
    yield taking
    await taking.aclose()


async def look(taker: StockTaker) -> dict[Series, float]:
    assert await taker.sweep()
    return read(process_figures().decode())


async def test_p3_the_mirrors_of_all_accounts_are_told_by_provider(world: World, taker: StockTaker) -> None:
    for _ in range(2):
        await world.connected()
    seen = await look(taker)
    assert seen[series("connections", provider="google", status="active")] == 2
    assert seen[series("mirrors", provider="google", state="idle")] == 2
    assert seen[series("sync_lag_seconds_max", provider="google")] < 60
    world.clock.offset += timedelta(minutes=10)
    seen = await look(taker)
    assert 600 <= seen[series("sync_lag_seconds_max", provider="google")] < 700
    assert seen[series("sync_lag_seconds_p99", provider="google")] == 900
    assert seen[series("stock_taken_timestamp_seconds")] == pytest.approx(world.clock().timestamp(), abs=60)


async def test_p3_a_broken_connection_is_told_as_such_and_ages_no_mirror(world: World, taker: StockTaker) -> None:
    await world.connected()
    await world.rows("UPDATE connections SET status = 'reauthorization_required'")
    seen = await look(taker)
    assert seen[series("connections", provider="google", status="reauthorization_required")] == 1
    assert not [name for name, _ in seen if name.startswith(("sync_lag", "mirrors"))]


async def test_p3_what_is_not_written_is_told_by_why(world: World, taker: StockTaker) -> None:
    person, _ = await booked(world)
    seen = await look(taker)
    assert seen[series("calendar_writes_unfinished", state="pending")] == 1
    assert seen[series("mails_unsent", state="pending")] > 0
    await fault(world, person, "backend_error", times=None, method="POST", path="/events$")
    await world.work(rounds=5, until=timedelta(0))
    world.clock.offset += timedelta(minutes=20)
    seen = await look(taker)
    assert seen[series("calendar_writes_unfinished", state="failing")] == 1
    assert seen[series("calendar_writes_unfinished", state="pending")] == 0
    assert 1200 <= seen[series("calendar_writes_failing_seconds_max")] < 1300
    assert seen[series("mails_unsent", state="pending")] == seen[series("mails_unsent_seconds_max")] == 0
    await world.sandbox.clear_google_faults()


async def test_p3_an_event_that_waits_for_its_person_is_not_failing(world: World, taker: StockTaker) -> None:
    await booked(world)
    await world.rows("UPDATE connections SET status = 'reauthorization_required'")
    assert (await look(taker))[series("calendar_writes_unfinished", state="disconnected")] == 1


async def test_r22_p3_what_its_person_does_not_want_any_more_is_not_given_up(world: World, taker: StockTaker) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    await fault(world, person, "unavailable", times=None)
    await change(world, person, task, title="Another")
    await turn(person, on=False)
    await world.sandbox.clear_google_faults()
    await world.work(until=timedelta(hours=1))
    seen = await look(taker)
    for told in ("pending", "failing", "given_up"):
        assert seen.get(series("calendar_writes_unfinished", state=told), 0) == 0, told


WATCH = """
INSERT INTO push_channels (account_id, id, calendar_id, channel_id, whole_mailbox, secret_hash, expires_at)
SELECT account_id, gen_random_uuid(), id, gen_random_uuid()::text, false, ''::bytea, now() + $1 FROM calendars
"""


async def test_p3_watches_are_told_by_when_the_last_of_a_calendar_ends(world: World, taker: StockTaker) -> None:
    await world.connected()
    await world.rows("DELETE FROM push_channels")
    for hours, told in ((-1, "expired"), (3, "within_6h"), (12, "within_24h"), (48, "later")):
        await world.rows(WATCH, timedelta(hours=hours))
        seen = await look(taker)
        assert {key: value for key, value in seen.items() if key[0] == "watches"} == {
            series("watches", provider="google", ends=told): 1
        }


async def test_r23_what_hosts_are_asked_is_told_until_the_meeting_is_over(world: World, taker: StockTaker) -> None:
    person, booking, event_id = await drifting.booked(world)
    await drifting.policy(person, moved="ask")
    await drifting.move(world, person, event_id, booking.start_at + timedelta(hours=1))
    await drifting.synced(world, person)
    seen = await look(taker)
    assert seen[series("drift_open", kind="moved")] == 1
    world.clock.offset = booking.start_at - world.clock() + timedelta(hours=1)
    seen = await look(taker)
    assert series("drift_open", kind="moved") not in seen, "else operators are called about it for ever"


async def test_one_of_all_workers_looks_and_the_next_takes_over(world: World, taker: StockTaker) -> None:
    await world.connected()
    assert series("connections", provider="google", status="active") in await look(taker)
    other = StockTaker(world.database_url, world.services.sessions, world.clock)
    try:
        assert not await other.sweep()
        assert series("connections", provider="google", status="active") not in read(process_figures().decode())
        ended = await world.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'calendar-connect stock'"
        )
        assert len(ended) == 1
        await eventually(other.sweep)
        assert not await taker.sweep()
    finally:
        await other.aclose()
