"""A worker process that ends between two awaits, as `kill -9` would end it, or stands still there and goes on later.

Each time one of its tasks waits for something is a step. What it has sent by then is on its way and will be done; what
is answered nobody hears. Its transactions that are open are rolled back, its locks are free, its memory is gone.

The one rule: a dead process does nothing any more. Its handlers run only when its connections are gone and it can make
no others, for Python has to end its coroutines somehow.
"""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Self

import asyncpg
from sqlalchemy import event, text

from app.bootstrap import Services, open_services
from tests.support.world import World

_BURIAL_SECONDS = 5
_KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY($1)"
_AT_WORK = """
SELECT count(*) FROM pg_stat_activity
 WHERE pid = ANY($1) AND state = 'active' AND coalesce(wait_event_type, '') NOT IN ('Lock', 'Client')
"""
_LEFT = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)"
_BETWEEN_LOOKS = 0.002
_LOOKS = 1000

Act = Callable[[Services], Coroutine[Any, Any, None]]
"""What a process is to do with what it is made of."""

_process: ContextVar["Process | None"] = ContextVar("process", default=None)


class ProcessEnded(Exception):
    """A dead process has tried to reach the database."""


class Process:
    """One process: its services, its tasks, and the step at which it ends or stands still."""

    def __init__(self, world: World, services: Services, database: asyncpg.Connection) -> None:
        self.services = services
        self.steps = 0
        self._world = world
        self._database = database
        self._backends: set[int] = set()
        self._tasks: list[asyncio.Task[Any]] = []
        self._last: int | None = None
        self._stands = asyncio.Event()
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._dead = False
        event.listen(services.engine.sync_engine, "connect", self._connected)
        event.listen(services.engine.sync_engine, "do_connect", self._may_connect)

    @classmethod
    @asynccontextmanager
    async def started(cls, world: World, database: asyncpg.Connection) -> AsyncIterator[Self]:
        """A new process that knows nothing, and has a connection to the database; `database` is who can end that."""
        async with AsyncExitStack() as stack:
            with _trust_read_once():
                services = await stack.enter_async_context(open_services(world.services.settings, clock=world.clock))
            process = cls(world, services, database)
            stack.enter_context(_tasks_know_their_process())
            stack.push_async_callback(process._bury)
            async with services.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
            yield process

    # how it lives ------------------------------------------------------------------------------------

    async def run(self, act: Act, *, until: int | None = None) -> bool:
        """Have it do something; whether it lived to the end, and did not die at step `until`."""
        self._last = until
        job = self._start(act(self.services))
        died = asyncio.ensure_future(self._stands.wait())
        await asyncio.wait({job, died}, return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if job.done() and not self._stands.is_set():
            await job
            return True
        await self._kill()
        return False

    async def run_with_pause(self, act: Act, *, at: int, meanwhile: Callable[[], Awaitable[None]]) -> bool:
        """Have it do something and stand still at a step, while something else happens; whether it came so far.

        Whoever has to wait for its locks meanwhile is waited for no longer than a moment.
        """
        self._last = at
        job = self._start(act(self.services))
        stands = asyncio.ensure_future(self._stands.wait())
        await asyncio.wait({job, stands}, return_when=asyncio.FIRST_COMPLETED)
        stands.cancel()
        stood = self._stands.is_set()
        if stood:
            others = asyncio.ensure_future(meanwhile())
            await asyncio.wait({others}, timeout=1)
            self._goes_on.set()
            await others
        await job
        return stood

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        mark = _process.set(self)
        try:
            return asyncio.create_task(work)
        finally:
            _process.reset(mark)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """A task of this process was made."""
        self._tasks.append(task)

    def step(self) -> None:
        """One of its tasks waits."""
        self.steps += 1
        if self.steps == self._last:
            self._goes_on.clear()
            self._stands.set()

    @property
    def stands(self) -> bool:
        """Whether it does nothing for now, or never again."""
        return not self._goes_on.is_set()

    async def go_on(self) -> None:
        """Wait until it may do something again."""
        await self._goes_on.wait()

    # how it dies -------------------------------------------------------------------------------------

    async def _kill(self) -> None:
        """What it has sent is done by those who got it; then its connections end."""
        self._dead = True
        await self._until_none(_AT_WORK)
        await self._world.sandbox.addresses()  # answered behind what it has asked the provider for
        await self._database.execute(_KILL, list(self._backends))
        await self._until_none(_LEFT)

    async def _until_none(self, count: str) -> None:
        for _ in range(_LOOKS):
            if not await self._database.fetchval(count, list(self._backends)):
                return
            await asyncio.sleep(_BETWEEN_LOOKS)
        raise AssertionError("the dead process's connections go on working")

    async def _bury(self) -> None:
        """End its coroutines."""
        self._dead = self._dead or self._stands.is_set()
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        self._goes_on.set()  # behind the cancelling: what it hears first is that
        if left:
            _, late = await asyncio.wait(left, timeout=_BURIAL_SECONDS)
            assert not late, f"they do not end: {late}"

    def _connected(self, connection: Any, _: Any) -> None:
        self._backends.add(connection.driver_connection.get_server_pid())

    def _may_connect(self, *_: Any) -> None:
        if self._dead:
            raise ProcessEnded


class _Steps:
    """A coroutine of a process, awaited step by step."""

    def __init__(self, process: Process, work: Coroutine[Any, Any, Any]) -> None:
        self._process = process
        self._work = work

    def __await__(self) -> Generator[Any, Any, Any]:
        answer, error = None, None
        while True:
            try:
                waits_for = self._work.send(answer) if error is None else self._work.throw(error)
            except StopIteration as end:
                return end.value
            answer, error = None, None
            self._process.step()
            try:
                answer = yield waits_for
            except BaseException as thrown:  # noqa: BLE001 - handed on
                error = thrown
            try:
                if self._process.stands:
                    yield from self._process.go_on().__await__()
            except BaseException as thrown:  # noqa: BLE001 - handed on
                error = thrown


async def _stepwise(process: Process, work: Coroutine[Any, Any, Any]) -> Any:
    return await _Steps(process, work)


def _task_of_a_process(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **how: Any
) -> asyncio.Task[Any]:
    process = _process.get()
    if process is None:
        return asyncio.Task(work, loop=loop, **how)
    task = asyncio.Task(_stepwise(process, work), loop=loop, **how)
    process.adopt(task)
    return task


@contextmanager
def _tasks_know_their_process() -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(_task_of_a_process)
    try:
        yield
    finally:
        loop.set_task_factory(before)


_trust = functools.cache(ssl.create_default_context)


@contextmanager
def _trust_read_once() -> Iterator[None]:
    """Reading the list of trusted authorities again and again is most of the time that a start takes."""
    read = ssl.create_default_context
    ssl.create_default_context = _trust
    try:
        yield
    finally:
        ssl.create_default_context = read
