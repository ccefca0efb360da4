"""Who kills, stops and floods the parts of the service while it works, and notes down when.

    failpoints   the process dies at a named moment (app/failpoints.py), each at least once
    by chance    `kill -9`, a worker that is stopped past its leases, a database that ends at once, no connection left

The one rule: whatever was ended is started again, and nothing of the other side (the sandbox) is touched.
"""

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import asyncpg

from app.failpoints import Failpoint
from prove.evidence import Disturbance
from prove.lines import say
from prove.stage import SECOND_WORKER, Stage
from sandbox.children import Child
from sandbox.stack import API, POSTGRES, WORKER

OF_THE_API: Final = (
    Failpoint.BOOKING_BEFORE_COMMIT,
    Failpoint.BOOKING_AFTER_COMMIT,
    Failpoint.PUSH_BEFORE_PERSIST,
)
OF_THE_WORKER: Final = tuple(point for point in Failpoint if point not in OF_THE_API)
_SETTING: Final = "CALENDAR_CONNECT_FAILPOINTS"
_SELDOM: Final = {Failpoint.SYNC_PAGE, Failpoint.SYNC_BEFORE_CURSOR, Failpoint.REFRESH_BEFORE_PERSIST}
"""A sync that died keeps its calendar for two minutes: it is not to die of the third of them."""
_LONGEST_WAIT: Final = 135.0  # seconds for a moment to come: longer than the lease of a sync
_ENDS_TOKENS: Final = 4.0  # seconds
_LEASES: Final = """
SELECT (SELECT count(*) FROM calendar_writes WHERE lease_until > now())
     + (SELECT count(*) FROM calendar_syncs WHERE lease_until > now())
     + (SELECT count(*) FROM mails WHERE lease_until > now()) AS held
"""
_STORM: Final = 3.0  # seconds


class Saboteur:
    """Does it, one thing after another."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self.disturbances: list[Disturbance] = []
        self.done: Counter[str] = Counter()
        self.asked: list[Failpoint] = []
        self.hit: Counter[Failpoint] = Counter()
        self.leases_of_the_stopped = 0

    async def at_every_failpoint(self, name: str, points: Sequence[Failpoint]) -> None:
        """The process (`api`, `worker`) dies at each of them, in the order in which it gets there."""
        self.asked += points
        left, child = set(points), self._stage.stack.children[name]
        async with self._noted(f"kill {name}"):
            await self._stage.stack.kill(name)
        while left:
            armed = {point.value: self._chance.randint(1, 1 if point in _SELDOM else 3) for point in sorted(left)}
            child.environment = {**child.environment, _SETTING: json.dumps(armed)}
            child.start()  # it may be dead before it is ready
            await self._until_dead(child, left)
            died_of = [point for point in left if f"failpoint {point.value}" in child.last_lines.splitlines()[-1:]]
            if not died_of:
                break
            say(f"{name} died at {died_of[0].value}")
            async with self._noted(f"failpoint {died_of[0].value}"):
                self.hit[died_of[0]] += 1
                left.discard(died_of[0])
        child.environment = {key: value for key, value in child.environment.items() if key != _SETTING}
        await self._stage.stack.kill(name)
        await self._start(name)

    async def _until_dead(self, child: Child, points: set[Failpoint]) -> None:
        """Or until it has lived for too long. Tokens end again and again: whichever process asks first renews them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT):
                while child.pid is not None:
                    if Failpoint.REFRESH_BEFORE_PERSIST in points:
                        await self._stage.sandbox.expire_google_access_tokens()
                        await self._stage.sandbox.microsoft.expire_access_tokens()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(child.exited.wait(), _ENDS_TOKENS)
        if child.pid is None:
            await child.exited.wait()  # all of its output is read

    async def stop_past_leases(self, name: str, seconds: float, standing: asyncio.Event) -> None:
        """A worker stands still, with leases in its hands, until they have ended; then it goes on as if nothing was."""
        pid = self._stage.stack.children[name].pid
        assert pid is not None
        async with self._noted(f"stop {name}"):
            for _ in range(100):
                os.kill(pid, signal.SIGSTOP)
                [row] = await self._stage.fetch(_LEASES)
                self.leases_of_the_stopped = row["held"]
                if self.leases_of_the_stopped:
                    break
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(0.05)
            os.kill(pid, signal.SIGSTOP)
            standing.set()
            say(f"{name} stands still with {self.leases_of_the_stopped} leases")
            await asyncio.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    async def by_chance(self, rounds: int) -> None:
        """Parts end in an order of chance."""
        acts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("kill api", lambda: self._kill(API)),
            ("kill worker", lambda: self._kill(WORKER)),
            ("kill second worker", lambda: self._kill(SECOND_WORKER)),
            ("kill both workers", self._kill_workers),
            ("kill database", lambda: self._kill(POSTGRES)),
            ("stop database at once", self._stop_database_at_once),
            ("connection storm", self._storm),
        ]
        for _ in range(rounds):
            self._chance.shuffle(acts)
            for what, act in acts:
                await asyncio.sleep(self._chance.uniform(0.3, 2.0))
                say(what)
                async with self._noted(what):
                    await act()

    async def _kill(self, name: str) -> None:
        await self._stage.stack.kill(name)
        await asyncio.sleep(self._chance.uniform(0.0, 1.0))
        await self._start(name)

    async def _kill_workers(self) -> None:
        await asyncio.gather(self._kill(WORKER), self._kill(SECOND_WORKER))

    async def _stop_database_at_once(self) -> None:
        """`pg_ctl stop -m immediate`: no checkpoint, every backend ends where it is."""
        pid = self._stage.stack.postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        await asyncio.sleep(self._chance.uniform(0.2, 1.0))
        await self._kill(POSTGRES)

    async def _storm(self) -> None:
        """Somebody takes every connection there is, and lets go a little later."""
        taken: list[asyncpg.Connection] = []
        ends = time.monotonic() + _STORM
        while time.monotonic() < ends:
            try:
                taken.append(await asyncpg.connect(self._stage.stack.database_url, timeout=5))
            except (asyncpg.PostgresError, OSError):
                await asyncio.sleep(0.1)
        self.done["connections taken"] += len(taken)
        await asyncio.gather(*(connection.close() for connection in taken))

    async def _start(self, name: str) -> None:
        await self._stage.stack.start(name)

    @asynccontextmanager
    async def _noted(self, what: str) -> AsyncIterator[None]:
        began = datetime.now(UTC)
        try:
            yield
        finally:
            self.done[what] += 1
            self.disturbances.append(Disturbance(what, began, datetime.now(UTC)))
