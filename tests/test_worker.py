"""The worker process outlives what it works with: a lost listener, a failing sweep (P2, P3)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError

from app import worker
from app.bootstrap import Services
from app.database import transaction
from app.queue import Enqueued, Job, enqueue
from app.settings import Settings
from app.worker import Sweep, run_worker, sweeps_of
from tests.calendar_writes.test_writing import booked, is_written, state
from tests.support.world import World


@pytest.fixture
def in_this_world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A worker that is started has the services of the test."""

    @asynccontextmanager
    async def services(_: Settings) -> AsyncIterator[Services]:
        yield world.services

    monkeypatch.setattr(worker, "open_services", services)
    return world


@asynccontextmanager
async def started(world: World) -> AsyncIterator[asyncio.Task[None]]:
    """The worker, told to stop at the end as its supervisor does."""
    running = asyncio.create_task(run_worker(world.services.settings))
    try:
        yield running
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running, 15)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


async def eventually(true: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(150):
        if await true():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never came true")


async def test_p3_a_worker_that_hears_nothing_any_more_connects_again(
    in_this_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, booking = await booked(in_this_world)
    deaf = [FailingListenerError(), FailingListenerError()]
    run = QueueManager.run

    async def hard_of_hearing(self: QueueManager, **options: object) -> None:
        if deaf:
            raise deaf.pop()
        await run(self, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "_COME_BACK_SECONDS", 0.05)
    monkeypatch.setattr(QueueManager, "run", hard_of_hearing)

    async def written() -> bool:
        return await is_written(person, booking)

    async with started(in_this_world):
        await eventually(written)
    assert deaf == []


async def test_p3_every_sweep_goes_on_by_itself_whatever_became_of_the_others() -> None:
    stop = asyncio.Event()
    rounds = {"good": 0, "bad": 0}

    async def good() -> None:
        rounds["good"] += 1

    async def bad() -> None:
        rounds["bad"] += 1
        raise ZeroDivisionError

    async def endless() -> None:
        await asyncio.Event().wait()

    sweeps = [Sweep("good", 0.01, good), Sweep("bad", 0.01, bad), Sweep("endless", 0.01, endless)]
    tasks = [asyncio.create_task(worker._again_and_again(sweep, stop)) for sweep in sweeps]
    await asyncio.sleep(0.3)
    stop.set()
    done, late = await asyncio.wait(tasks, timeout=1)
    assert (len(done), len(late)) == (2, 1)
    assert min(rounds.values()) > 3
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_p2_what_lost_its_job_is_swept_up_once_a_minute(world: World) -> None:
    person, booking = await booked(world)
    await world.rows("DELETE FROM queue.pgqueuer")
    sweeps = {sweep.name: sweep for sweep in sweeps_of(world.services)}
    assert (sweeps["due_syncs"].seconds, sweeps["stranded"].seconds) == (1, 60)
    for sweep in sweeps.values():
        await sweep.act()
    await world.work(until=timedelta(seconds=1))
    assert await state(person, booking) == ("written", None)


class Hanging:
    """Runs a job, and waits for somebody who says nothing."""

    def __init__(self) -> None:
        self.begun: list[UUID] = []
        self.most = 0
        self.ended = 0
        self.over = asyncio.Event()

    async def run(self, _: UUID, target: UUID) -> None:
        self.begun.append(target)
        self.most = max(self.most, len(self.begun) - self.ended)
        await self.over.wait()
        self.ended += 1


class Quick:
    """Runs a job in no time."""

    def __init__(self) -> None:
        self.done: list[UUID] = []

    async def run(self, _: UUID, target: UUID) -> None:
        self.done.append(target)


async def ask_for(world: World, job: Job, count: int) -> list[UUID]:
    asked = [uuid4() for _ in range(count)]
    async with transaction(world.services.sessions, None) as session:
        await enqueue(session, [Enqueued(job, target, target) for target in asked])
    return asked


async def jobs_left(world: World) -> int:
    [row] = await world.rows("SELECT count(*) AS left FROM queue.pgqueuer")
    return int(row["left"])


RUNS = {Job.SEND_MAIL: "mail", Job.NUMBER_EVENTS: "sequencer", Job.SYNC_CALENDAR: "sync"}
MOST_MAILS = 19
PLACES = 40


@pytest.mark.parametrize(
    ("silent", "goes_on", "most"),
    [(Job.SEND_MAIL, Job.NUMBER_EVENTS, MOST_MAILS), (Job.SYNC_CALENDAR, Job.SEND_MAIL, PLACES)],
)
async def test_p2_who_is_silent_holds_up_neither_the_mails_nor_all_but_the_mails(
    world: World, monkeypatch: pytest.MonkeyPatch, silent: Job, goes_on: Job, most: int
) -> None:
    """A mail server that takes the connection and says nothing; and calendar servers that do."""
    hanging, quick = Hanging(), Quick()
    services = replace(world.services, **{RUNS[silent]: hanging, RUNS[goes_on]: quick})

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[Services]:
        yield services

    monkeypatch.setattr(worker, "open_services", opened)
    monkeypatch.setattr(worker, "sweeps_of", lambda _: [Sweep("none", 1, partial(asyncio.sleep, 0))])
    first = await ask_for(world, silent, 100)

    async def taken() -> bool:
        return len(hanging.begun) >= worker._MAILS

    async def answered() -> bool:
        return set(others) <= set(quick.done)

    async def all_over() -> bool:
        return await jobs_left(world) == 0

    async with started(world):
        try:
            await eventually(taken)
            others = await ask_for(world, goes_on, 60)
            await eventually(answered)
            assert len(hanging.begun) <= most
        finally:
            hanging.over.set()
        await eventually(all_over)
    assert (sorted(hanging.begun), hanging.ended) == (sorted(first), 100)
    assert hanging.most <= most
