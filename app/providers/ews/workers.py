"""Threads for what blocks, and turns for who may ask a server.

The one rule: a turn ends when its thread is done, not when somebody stops waiting for it. So neither a caller's
deadline nor a cancelled task can put more requests on a mailbox, or more threads in use, than was allowed. And nobody
waits for a turn without end: whoever waits holds a place that others want, and a server of somebody's own may be slow.
"""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar
from weakref import WeakValueDictionary

from app.providers.base import Transient

T = TypeVar("T")


class Workers:
    """A pool of threads of its own: the default one is shared with whatever else blocks in this process."""

    def __init__(self, threads: int, *, patience: float) -> None:
        """`patience`: seconds that a turn is waited for."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ews")
        self._patience = patience

    async def run(self, work: Callable[[], T], *, turns: Sequence[asyncio.Semaphore], to_the_end: bool) -> T:
        """Do it in a thread, in turn. `to_the_end`: a caller who is cancelled is held until it is done (a write).

        Raises: Transient when no turn comes in time; then nothing was done.
        """
        held: list[asyncio.Semaphore] = []
        try:
            await self._take(turns, held)
            job = self._pool.submit(contextvars.copy_context().run, work)
        except BaseException:
            _release(held)
            raise
        job.add_done_callback(partial(_give_back, asyncio.get_running_loop(), held))
        waiting = asyncio.wrap_future(job)
        if not to_the_end:
            return await waiting
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            await asyncio.wait([waiting])
            raise

    async def _take(self, turns: Sequence[asyncio.Semaphore], held: list[asyncio.Semaphore]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                for turn in turns:
                    await turn.acquire()
                    held.append(turn)
        except TimeoutError as error:
            raise Transient("no turn came", operation="ews.turn") from error

    def close(self) -> None:
        """Take no more work; what runs ends by its own deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Turns:
    """Semaphores by name. One that nobody holds or waits for is forgotten."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._known: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Semaphore:
        """The turns of this name."""
        turns = self._known.get(name)
        if turns is None:
            turns = self._known[name] = asyncio.Semaphore(self._at_once)
        return turns


def _give_back(loop: asyncio.AbstractEventLoop, held: list[asyncio.Semaphore], _: Future[object]) -> None:
    with suppress(RuntimeError):  # the loop is closed, and with it everybody who waited
        loop.call_soon_threadsafe(_release, held)


def _release(held: list[asyncio.Semaphore]) -> None:
    for turn in held:
        turn.release()
