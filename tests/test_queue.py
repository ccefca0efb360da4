"""Jobs commit or vanish with the data, once per signal, and what fails comes back (P2, P3)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from pgqueuer.adapters.persistence.queries import Queries

from app.background import Place
from app.bootstrap import Services
from app.database import transaction
from app.models.directory import (
    DueAudit,
    DueCalendar,
    DueDomain,
    DueEvent,
    DueReminder,
    DueRequest,
    DueWatch,
    DueWebhook,
)
from app.queue import Enqueued, Job, Payload, enqueue, forget_failures
from app.worker import jobs_of, queue_manager, retry_wait, sweeps_of
from tests.support.world import World

ACCOUNT = uuid4()
DEAD_AFTER = timedelta(seconds=3)
QUEUED = "SELECT entrypoint, payload, dedupe_key, status::text, execute_after > now() + interval '1 minute' AS late "
FROM = "FROM queue.pgqueuer ORDER BY id"


async def ask(world: World, *jobs: Enqueued) -> None:
    async with transaction(world.services.sessions, ACCOUNT) as session:
        await enqueue(session, jobs)


@asynccontextmanager
async def working(services: Services, database_url: str) -> AsyncIterator[None]:
    """The queue's manager at work."""
    async with asyncpg.create_pool(
        database_url, min_size=2, max_size=3, server_settings={"role": "calendar_app"}
    ) as pool:
        manager = queue_manager(services, pool, Place(0))
        running = asyncio.create_task(
            manager.run(dequeue_timeout=timedelta(milliseconds=300), batch_size=2, heartbeat_timeout=DEAD_AFTER)
        )
        try:
            yield
        finally:
            manager.shutdown.set()
            await asyncio.wait_for(running, 10)


async def queued(world: World) -> list[dict[str, Any]]:
    return await world.rows(QUEUED + FROM)


async def test_p2_a_job_commits_with_the_data_and_carries_ids_only(world: World) -> None:
    target = uuid4()
    async with transaction(world.services.sessions, ACCOUNT) as session:
        await enqueue(session, [Enqueued(Job.SEND_MAIL, ACCOUNT, target)])
        assert await queued(world) == []
    rows = await queued(world)
    assert [row["entrypoint"] for row in rows] == ["send_mail"]
    assert msgspec.json.decode(rows[0]["payload"]) == {"account_id": str(ACCOUNT), "id": str(target)}
    assert msgspec.json.decode(rows[0]["payload"], type=Payload) == Payload(ACCOUNT, target)


async def test_p2_what_a_job_is_about_is_written_before_the_job_is_asked_for(world: World) -> None:
    async with transaction(world.services.sessions, ACCOUNT) as session:
        session.add(DueAudit(account_id=ACCOUNT, entry_id=uuid4(), due_at=world.clock()))
        await enqueue(session, [Enqueued(Job.SEAL_AUDIT, ACCOUNT, ACCOUNT)])
        connection = await session.connection()
        found = await connection.exec_driver_sql("SELECT account_id FROM due_audits WHERE account_id = $1", (ACCOUNT,))
        assert found.all() == [(ACCOUNT,)], "whoever runs it at once finds it"


async def test_p2_a_job_vanishes_with_a_rollback_or_a_savepoints(world: World) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole transaction is the point
        async with transaction(world.services.sessions, ACCOUNT) as session:
            await enqueue(session, [Enqueued(Job.SEND_MAIL, ACCOUNT, uuid4())])  # its very first statement
            raise ZeroDivisionError
    assert await queued(world) == []
    async with transaction(world.services.sessions, ACCOUNT) as session:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole transaction is the point
            async with session.begin_nested():
                await enqueue(session, [Enqueued(Job.SEND_MAIL, ACCOUNT, uuid4())])
                raise ZeroDivisionError
        await enqueue(session, [Enqueued(Job.WRITE_EVENT, ACCOUNT, uuid4())])
    assert [row["entrypoint"] for row in await queued(world)] == ["write_event"]


async def test_p3_one_waiting_poll_of_a_calendar_is_enough(world: World) -> None:
    calendar = uuid4()
    poll = Enqueued(Job.SYNC_CALENDAR, ACCOUNT, calendar, once=True)
    await ask(world, poll, poll, Enqueued(Job.SYNC_CALENDAR, ACCOUNT, uuid4(), once=True))
    await ask(world, poll)
    assert len(await queued(world)) == 2
    signal = Enqueued(Job.SYNC_CALENDAR, ACCOUNT, calendar, delay=timedelta(minutes=5))
    await ask(world, signal)
    assert [row["late"] for row in await queued(world)] == [False, False, True]


async def test_p2_no_signal_is_ever_dropped(world: World) -> None:
    target = uuid4()
    for _ in range(2):
        await ask(world, *(Enqueued(job, ACCOUNT, target) for job in Job))
    assert len(await queued(world)) == 2 * len(Job)


async def test_p3_many_transactions_may_ask_for_the_same_polls_at_once(world: World) -> None:
    calendars = [uuid4() for _ in range(6)]

    async def all_of(order: list[UUID]) -> None:
        await ask(world, *(Enqueued(Job.SYNC_CALENDAR, ACCOUNT, calendar, once=True) for calendar in order))

    both = [calendars, calendars[::-1]]
    await asyncio.wait_for(asyncio.gather(*(all_of(both[number % 2]) for number in range(12))), 10)
    assert len(await queued(world)) == 6


SWEPT = [
    (DueAudit, "entry_id", Job.SEAL_AUDIT),
    (DueCalendar, "calendar_id", Job.SYNC_CALENDAR),
    (DueDomain, "domain_id", Job.CHECK_DOMAIN),
    (DueEvent, "event_id", Job.NUMBER_EVENTS),
    (DueReminder, "booking_id", Job.REMIND),
    (DueRequest, "request_id", Job.EXPIRE_REQUEST),
    (DueWatch, "calendar_id", Job.WATCH_CALENDAR),
    (DueWebhook, "endpoint_id", Job.DELIVER_WEBHOOKS),
]


@pytest.mark.parametrize(("table", "key", "job"), SWEPT)
async def test_p3_a_sweep_asks_once_for_what_nobody_has_done(world: World, table: type, key: str, job: Job) -> None:
    """Else what fails again and again has a job more with each round, and each of them comes back for ever."""
    row = table(**{key: uuid4()}, account_id=ACCOUNT, due_at=world.clock())
    if isinstance(row, DueReminder):
        row.minutes_before = [10]
    async with transaction(world.services.sessions, None) as session:
        session.add(row)
    for _ in range(3):
        world.clock.offset += timedelta(minutes=11)  # whatever was taken has come up again
        for sweep in sweeps_of(world.services):
            await sweep.act()
    assert [waiting["entrypoint"] for waiting in await queued(world)] == [job]


async def test_p3_a_job_that_keeps_failing_stays_one_whatever_its_sweep_does(world: World) -> None:
    sequencer = world.services.sequencer
    runs = 0

    class Failing:
        async def run(self, *_: UUID) -> None:
            nonlocal runs
            runs += 1
            raise ZeroDivisionError

    async with transaction(world.services.sessions, None) as session:
        session.add(DueEvent(event_id=uuid4(), account_id=ACCOUNT, due_at=world.clock()))
    async with working(replace(world.services, sequencer=Failing()), world.database_url):
        for swept in range(1, 4):
            world.clock.offset += timedelta(seconds=31)
            assert await sequencer.sweep() == 1
            async with asyncio.timeout(30):
                while runs < swept:  # noqa: ASYNC110 - on a worker
                    await asyncio.sleep(0.05)
    assert [job["entrypoint"] for job in await queued(world)] == [Job.NUMBER_EVENTS]


async def test_asking_for_nothing_is_no_mistake(world: World) -> None:
    await ask(world)
    assert await queued(world) == []


def test_p2_a_job_waits_longer_after_each_failure_and_never_too_long_to_be_told() -> None:
    waits = [retry_wait(attempts).total_seconds() for attempts in (0, 1, 2, 9, 10, 46, 47, 1000, 2**31 - 1)]
    assert waits == [1, 2, 4, 512, 600, 600, 600, 600, 600]


async def test_p2_a_job_that_has_failed_very_often_still_comes_back(world: World) -> None:
    failed = asyncio.Event()

    class Closer:
        async def run(self, *_: UUID) -> None:
            failed.set()
            raise ZeroDivisionError

    await ask(world, Enqueued(Job.CLOSE_CONNECTION, ACCOUNT, uuid4()))
    await world.rows("UPDATE queue.pgqueuer SET attempts = 5000")
    async with working(replace(world.services, closer=Closer()), world.database_url):
        await asyncio.wait_for(failed.wait(), 10)
        await asyncio.sleep(0.2)
    [job] = await world.rows("SELECT status::text, attempts, execute_after - now() AS wait FROM queue.pgqueuer")
    assert (job["status"], job["attempts"]) == ("queued", 5001)
    assert timedelta(minutes=9) < job["wait"] <= timedelta(minutes=10)


async def test_every_job_has_somebody_who_runs_it(world: World) -> None:
    assert jobs_of(world.services).keys() == set(Job)


async def test_p2_the_worker_runs_a_job_and_one_that_fails_comes_back(world: World) -> None:
    """The real queue manager, on the real tables."""
    runs: list[UUID] = []
    done = asyncio.Event()

    class Closer:
        async def run(self, account_id: UUID, target: UUID) -> None:
            assert account_id == ACCOUNT
            runs.append(target)
            if len(runs) == 1:
                raise ZeroDivisionError
            done.set()

    changed = replace(world.services, closer=Closer())
    target = uuid4()
    await ask(world, Enqueued(Job.CLOSE_CONNECTION, ACCOUNT, target))
    async with working(changed, world.database_url):
        await asyncio.wait_for(done.wait(), 15)
        await asyncio.sleep(0.2)
    assert runs == [target, target]
    assert await queued(world) == []


async def test_p2_a_job_that_could_not_even_be_put_back_is_taken_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk nothing can be written: neither what the job does nor that it shall come back."""
    runs: list[UUID] = []
    done = asyncio.Event()
    put_back = Queries.retry_job

    class Closer:
        async def run(self, _: UUID, target: UUID) -> None:
            runs.append(target)
            if len(runs) == 1:
                raise ZeroDivisionError
            done.set()

    async def full(*told: Any) -> None:
        monkeypatch.setattr(Queries, "retry_job", put_back)
        raise asyncpg.DiskFullError("could not extend file")

    monkeypatch.setattr(Queries, "retry_job", full)
    await ask(world, Enqueued(Job.CLOSE_CONNECTION, ACCOUNT, uuid4()))
    async with working(replace(world.services, closer=Closer()), world.database_url):
        await asyncio.wait_for(done.wait(), 30)
        await asyncio.sleep(0.2)
    assert len(runs) == 2
    assert await queued(world) == []


async def test_what_went_well_leaves_no_row_and_old_failures_go(world: World) -> None:
    await ask(world, Enqueued(Job.SYNC_CALENDAR, ACCOUNT, uuid4()))
    async with working(world.services, world.database_url):
        while await queued(world):  # noqa: ASYNC110 - in a table
            await asyncio.sleep(0.05)
    assert await world.rows("SELECT * FROM queue.pgqueuer_log") == []
    await world.rows(
        "INSERT INTO queue.pgqueuer_log (job_id, status, priority, entrypoint, traceback, created) "
        "SELECT 1, 'exception', 0, 'x', '{}', now() - make_interval(days => n) FROM generate_series(13, 15) n"
    )
    await forget_failures(world.services.sessions, world.clock)
    assert len(await world.rows("SELECT * FROM queue.pgqueuer_log")) == 1
    await world.rows("DELETE FROM queue.pgqueuer_log")
