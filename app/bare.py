"""Bare connections, for the hottest paths: pools for visitors' reads, bookings and the worker's queue, and the
transaction of a booking.

The one rule: as everywhere, a transaction works in one account, told to PostgreSQL at its start, and ends with it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from app.database import COMMAND_TIMEOUT, LONGEST_WAIT, SwallowedErrorError, entering, server_settings
from app.insertion import insertion
from app.queue import Enqueued, enqueuing

Fetch = Callable[..., Awaitable[Sequence[Any]]]
"""Rows by name, for a statement and its parameters."""


@asynccontextmanager
async def open_bare_pool(url: str, *, name: str, size: int) -> AsyncIterator[asyncpg.Pool]:
    """Connections in the service's role. Nothing is connected before it is needed."""
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        server_settings=server_settings(name),
        command_timeout=COMMAND_TIMEOUT,
        reset=_leave_clean,
    )
    async with pool:
        yield pool


async def _leave_clean(connection: asyncpg.Connection) -> None:
    """Instead of asyncpg's own reset, a round trip at every release: what is set here ends with its transaction."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


class BareTransaction:
    """One unit of work. What is added is inserted by `save`, which comes last."""

    def __init__(self, connection: asyncpg.Connection, account_id: UUID) -> None:
        self.connection = connection
        self.account_id = account_id
        self._new: list[object] = []

    def add(self, instance: object) -> None:
        """A new row, an object of our models."""
        self._new.append(instance)

    async def fetchval(self, query: str, *parameters: object) -> Any:
        """The first value of the first row."""
        return await self.connection.fetchval(query, *parameters)

    async def save(self, jobs: Sequence[Enqueued]) -> None:
        """Insert what was added, then ask for the jobs. Raises: asyncpg's IntegrityConstraintViolationError."""
        statement, parameters = insertion(self._new)
        await self.connection.execute(statement, *parameters)
        self._new.clear()
        query, columns = enqueuing(jobs)
        await self.connection.execute(query, *columns)


@asynccontextmanager
async def bare_transaction(pool: asyncpg.Pool, account_id: UUID) -> AsyncIterator[BareTransaction]:
    """Commits at the end, rolls back on any exception."""
    async with pool.acquire(timeout=LONGEST_WAIT) as connection:
        await connection.execute(f"BEGIN; {entering(account_id)}")
        try:
            yield BareTransaction(connection, account_id)
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        if await connection.execute("COMMIT") != "COMMIT":
            raise SwallowedErrorError("a database error was caught and the transaction went on")
