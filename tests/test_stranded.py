"""Rows whose job was lost are found and asked for again; those that have one are left alone (P2)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import stranded
from app.stranded import ask_again_for_stranded
from tests.calendar_writes.test_writing import booked, state
from tests.support.visitors import our_events, our_writes, visit
from tests.support.world import World


async def ask(world: World) -> int:
    return await ask_again_for_stranded(world.services.sessions, world.clock)


async def lose_jobs(world: World) -> None:
    await world.rows("DELETE FROM queue.pgqueuer")


async def test_p2_what_lost_its_job_is_asked_for_again_once(world: World) -> None:
    person, booking = await booked(world)
    assert await ask(world) == 0, "each has its job"
    await lose_jobs(world)
    assert await ask(world) == 3, "the event, and the mails to visitor and host"
    assert await ask(world) == 0
    await world.work()
    assert await state(person, booking) == ("written", None)
    assert await world.rows("SELECT status FROM mails WHERE status <> 'sent'") == []
    assert await ask(world) == 0, "nothing is left to do"
    assert await our_writes(world, person) == ["insert"]


async def test_p2_a_job_that_was_parked_as_failed_is_as_good_as_lost(world: World) -> None:
    person, booking = await booked(world)
    await world.rows("UPDATE queue.pgqueuer SET status = 'failed'")
    assert await ask(world) == 3
    await world.rows("DELETE FROM queue.pgqueuer WHERE status = 'failed'")
    await world.work()
    assert await state(person, booking) == ("written", None)


async def test_p2_running_jobs_and_jobs_for_later_count_as_jobs(world: World) -> None:
    await booked(world)
    await world.rows("UPDATE queue.pgqueuer SET status = 'picked' WHERE entrypoint = 'write_event'")
    await world.rows("UPDATE queue.pgqueuer SET execute_after = now() + interval '6 hours' WHERE status = 'queued'")
    assert await ask(world) == 0


async def test_p2_what_somebody_is_at_is_left_alone_until_their_lease_is_over(world: World) -> None:
    await booked(world)
    await lose_jobs(world)
    await world.rows("UPDATE calendar_writes SET lease_until = now() + interval '1 minute'")
    await world.rows("UPDATE mails SET lease_until = now() + interval '1 minute'")
    assert await ask(world) == 0
    world.clock.offset = timedelta(minutes=2)
    assert await ask(world) == 3


async def test_p2_a_look_that_is_due_and_lost_its_job_is_asked_for(world: World) -> None:
    await booked(world)
    await world.work()
    await world.rows("UPDATE calendar_writes SET look_again_at = now() + interval '1 minute'")
    assert await ask(world) == 0
    world.clock.offset = timedelta(minutes=2)
    assert await ask(world) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE calendar_writes SET status = 'failed'",
        "UPDATE connections SET status = 'reauthorization_required'",
        "UPDATE connections SET disconnected_at = now()",
    ],
)
async def test_p2_what_is_given_up_or_waits_for_the_person_is_no_work(world: World, change: str) -> None:
    await booked(world)
    await lose_jobs(world)
    await world.rows(change)
    assert await ask(world) == 2, "the mails alone"


async def test_p2_every_account_is_looked_at_however_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stranded, "_ACCOUNTS_AT_ONCE", 2)
    people = [await world.connected() for _ in range(5)]
    for person in people:
        await visit(person, await person.make_page(), person.at(3, "10:00"))
    await lose_jobs(world)
    assert await ask(world) == 15
    await world.work()
    assert [len(await our_events(world, person)) for person in people] == [1] * 5
    assert await world.rows("SELECT FROM calendar_writes WHERE account_id = $1", UUID(int=0)) == []


async def test_an_account_is_looked_at_once_however_many_pages_it_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[UUID] = []
    look = stranded._waiting

    async def counted(session: AsyncSession, account_id: UUID, **named: Any) -> Any:
        looked.append(account_id)
        return await look(session, account_id, **named)

    monkeypatch.setattr(stranded, "_waiting", counted)
    for person in [await world.connected() for _ in range(2)]:
        for _ in range(3):
            await person.make_page()
    await ask(world)
    assert len(looked) == len(set(looked)) == 2


async def test_one_worker_at_a_time_goes_round(world: World) -> None:
    await booked(world)
    await lose_jobs(world)
    connection = await asyncpg.connect(world.database_url)
    try:
        async with connection.transaction():
            assert await connection.fetchval(stranded._LOCK)
            assert await ask(world) == 0
        assert await ask(world) == 3
    finally:
        await connection.close()
