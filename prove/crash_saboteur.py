"""Who kills, stops and floods the parts of the service while it works, and notes down when.

    failpoints   the process dies at a named moment (app/failpoints.py), each at least once
    by chance    `kill -9`, a worker that is stopped past its leases, a database that ends at once, no connection left,
                 no block left on the database's disk

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
from prove.crash_disk import Disk
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
DISK_FULL: Final = "disk full"
ACTS: Final = (
    "kill api",
    "kill worker",
    "kill second worker",
    "kill both workers",
    "kill database",
    "stop database at once",
    "connection storm",
    DISK_FULL,
)
"""What happens in an order of chance."""
_NO_TABLE_GROWS: Final = 5.0
_NO_LOG_GROWS: Final = 3.0
_FILLED_ANEW: Final = 0.2
"""Seconds: how long the disk is full while what was reserved of the write-ahead log lasts, and after it; and how often
blocks that were freed meanwhile are taken."""
_COMES_BACK: Final = 5.0
"""Seconds for the database to come back by itself once there is room; then it is started again, as its keeper would."""
_GROWS: Final = "CREATE TEMP TABLE grows ON COMMIT DROP AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)"
_USES_UP_LOG: Final = "SELECT pg_switch_wal(), pg_logical_emit_message(true, 'disk', 'full')"
_SEGMENTS: Final = 60
_NO_DATABASE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class Saboteur:
    """Does it, one thing after another."""

    def __init__(self, stage: Stage, chance: random.Random, disk: Disk | None = None) -> None:
        """`disk` is the database's, if it has one that can be filled."""
        self._stage = stage
        self._chance = chance
        self._disk = disk
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

    async def by_chance(self, rounds: int, only: Sequence[str] = ()) -> None:
        """Parts end in an order of chance; all of them, unless some are named."""
        ways: list[Callable[[], Awaitable[None]]] = [
            lambda: self._kill(API),
            lambda: self._kill(WORKER),
            lambda: self._kill(SECOND_WORKER),
            self._kill_workers,
            lambda: self._kill(POSTGRES),
            self._stop_database_at_once,
            self._storm,
            self._fill,
        ]
        acts = [act for act in zip(ACTS, ways, strict=True) if not only or act[0] in only]
        if self._disk is None:
            acts = [act for act in acts if act[0] != DISK_FULL]
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

    async def _fill(self) -> None:
        """No block is left: at first no table can grow, then not even the write-ahead log, and the database ends."""
        disk = self._disk
        assert disk is not None
        await asyncio.to_thread(disk.fill)
        room = asyncio.Event()
        async with asyncio.TaskGroup() as filling:
            filling.create_task(self._keep_full(disk, room))
            try:
                await self._see_no_table_grows()
                await asyncio.sleep(_NO_TABLE_GROWS)
                await self._use_up_log()
                await asyncio.sleep(_NO_LOG_GROWS)
            finally:
                room.set()
        await asyncio.to_thread(disk.empty)
        await self._database_back()

    async def _keep_full(self, disk: Disk, room: asyncio.Event) -> None:
        while not room.is_set():
            await asyncio.to_thread(disk.fill)
            await asyncio.sleep(_FILLED_ANEW)

    async def _see_no_table_grows(self) -> None:
        """By the database's own word."""
        with suppress(*_NO_DATABASE):
            try:
                await self._stage.fetch(_GROWS)
            except asyncpg.DiskFullError:
                self.done["no table could grow"] += 1

    async def _use_up_log(self) -> None:
        """Segment by segment, until the database ends of it, if it has not by itself."""
        with suppress(*_NO_DATABASE):
            for _ in range(_SEGMENTS):
                await self._stage.fetch(_USES_UP_LOG)
        if not await self._database_answers():
            self.done["the log could not grow"] += 1

    async def _database_back(self) -> None:
        deadline = time.monotonic() + _COMES_BACK
        while time.monotonic() < deadline:
            if await self._database_answers():
                return
            await asyncio.sleep(0.2)
        self.done["database started after a full disk"] += 1
        await self._kill(POSTGRES)

    async def _database_answers(self) -> bool:
        try:
            await self._stage.fetch("SELECT")
        except _NO_DATABASE:
            return False
        return True

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
