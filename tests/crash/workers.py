"""Workers on a virtual clock: the queue as they see it, the sweeps, and a worker that dies.

    a job is taken     its row stays, marked; whoever asks for its like meanwhile is told that there is one
    it is done         the row goes
    its worker dies    the row stays as it is until nobody has heard of him for some seconds; then it is anybody's

The one rule: nothing comes back but by the row of its job and by what `app.worker` does by the clock.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import msgspec

from app.bootstrap import Services
from app.queue import Job, Payload
from app.worker import jobs_of, sweeps_of
from tests.crash.process import Act, Process
from tests.support.world import World

MISSED = timedelta(seconds=5)
"""A worker of which nobody has heard for so long is dead."""
PAUSES = (timedelta(seconds=125), timedelta(seconds=200))
"""Until every lease has ended, and then until what was doubtful is looked at again."""
_MOST_JOBS = 200
TAKE = """
UPDATE queue.pgqueuer SET status = 'picked'
 WHERE id = (SELECT id FROM queue.pgqueuer WHERE status = 'queued' AND execute_after <= now()
                AND ($1::text[] IS NULL OR entrypoint = ANY($1)) ORDER BY id LIMIT 1)
RETURNING id, entrypoint, payload
"""
_DONE = "DELETE FROM queue.pgqueuer WHERE id = $1"
_ANYBODYS = "UPDATE queue.pgqueuer SET status = 'queued' WHERE status = 'picked'"
_TIME_PASSES = "UPDATE queue.pgqueuer SET execute_after = execute_after - $1::interval"


@dataclass(frozen=True, slots=True)
class Place:
    """Between two awaits: the nth job of its kind in a story, at one of its steps."""

    job: Job
    nth: int
    step: int

    def __str__(self) -> str:
        return f"{self.job} {self.nth}, step {self.step}"


@dataclass(slots=True)
class Workers:
    """The workers of a world."""

    world: World
    database: asyncpg.Connection
    doomed: Place | None = None
    """Where one of them dies."""
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """He does not die, he stands still there while this happens."""
    counting: bool = False
    """Every job is run by a new process, to see how many steps it takes."""
    reached: bool = False
    """Somebody came to where he was to die."""
    done: Counter[Job] = field(default_factory=Counter)
    """Jobs by their kind."""
    steps: list[tuple[Job, int, int]] = field(default_factory=list)
    """Each job that was counted: its kind, its number among its like, its steps."""

    def begin(
        self,
        doomed: Place | None = None,
        *,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
        counting: bool = False,
    ) -> None:
        """A new story."""
        self.doomed, self.meanwhile, self.counting, self.reached = doomed, meanwhile, counting, False
        self.done.clear()
        self.steps.clear()

    async def work(self, only: Collection[Job] | None = None) -> None:
        """Run whatever is due, and what comes of it. He who is to die does."""
        kinds = None if only is None else [job.value for job in only]
        for _ in range(_MOST_JOBS):
            row = await self.database.fetchrow(TAKE, kinds)
            if row is None:
                return
            if await self._run(Job(row["entrypoint"]), msgspec.json.decode(row["payload"], type=Payload)):
                await self.database.execute(_DONE, row["id"])
        raise AssertionError("the jobs never end")

    async def _run(self, job: Job, about: Payload) -> bool:
        """Whether the worker lived."""
        self.done[job] += 1
        nth = self.done[job]
        doomed = self.doomed is not None and (job, nth) == (self.doomed.job, self.doomed.nth)
        if not (doomed or self.counting):
            await jobs_of(self.world.services)[job](about.account_id, about.id)
            return True

        async def act(services: Services) -> None:
            await jobs_of(services)[job](about.account_id, about.id)

        async with Process.started(self.world, self.database) as process:
            lived = await self._run_in(process, act)
        self.steps.append((job, nth, process.steps))
        return lived

    async def _run_in(self, process: Process, act: Act) -> bool:
        """Whether the worker lived."""
        if self.doomed is None or self.counting:
            return await process.run(act)
        if self.meanwhile is not None:
            self.reached = await process.run_with_pause(act, at=self.doomed.step, meanwhile=self.meanwhile)
            return True
        self.reached = not await process.run(act, until=self.doomed.step)
        return not self.reached

    async def pass_time(self, by: timedelta) -> None:
        """Time passes, for the service and for its queue."""
        self.world.clock.offset += by
        await self.database.execute(_TIME_PASSES, by)

    async def miss_the_dead(self) -> None:
        """The dead worker's job is anybody's again."""
        await self.pass_time(MISSED)
        await self.database.execute(_ANYBODYS)
        await self.work()

    async def recover(self) -> None:
        """All that happens by itself, until everybody who had a lease is forgotten."""
        await self.miss_the_dead()
        for pause in PAUSES:
            await self.pass_time(pause)
            await self.sweep()
            await self.work()

    async def sweep(self) -> None:
        """All that happens by the clock."""
        for sweep in sweeps_of(self.world.services):
            await sweep.act()
