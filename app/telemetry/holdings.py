"""What a process holds while it runs: tasks of its event loop, connections to the database.

The one rule: it is asked for at each scrape and kept nowhere, so that it costs a running service nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from app.telemetry.metrics import POOL, TASKS, told


class BarePool(Protocol):
    """What asyncpg's pool tells of itself."""

    def get_size(self) -> int: ...
    def get_idle_size(self) -> int: ...


@contextmanager
def tell_holdings(engine: AsyncEngine, **pools: BarePool) -> Iterator[None]:
    """Scrapes are told of this loop and these pools while the block runs; the engine's is called `work`."""
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        stack.enter_context(told(TASKS, lambda: len(asyncio.all_tasks(loop))))
        work = engine.pool
        if isinstance(work, QueuePool):
            stack.enter_context(told(POOL.labels("work", "busy"), work.checkedout))
            stack.enter_context(told(POOL.labels("work", "idle"), work.checkedin))
        for name, pool in pools.items():
            stack.enter_context(told(POOL.labels(name, "busy"), _busy(pool)))
            stack.enter_context(told(POOL.labels(name, "idle"), pool.get_idle_size))
        yield


def _busy(pool: BarePool) -> Callable[[], float]:
    return lambda: pool.get_size() - pool.get_idle_size()
