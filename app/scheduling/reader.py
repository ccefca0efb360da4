"""The public read of a page: the hottest query, on a connection of its own kind.

The one rule: three round trips, no more: a read-only transaction that enters the page's account, the page, the end.
Row-level security holds as everywhere: the account is the directory's, for this transaction only.
"""

from uuid import UUID

import asyncpg

from app.scheduling.availability import PAGE_TIME, PageTime, page_time_of, page_time_parameters
from app.scheduling.coalescing import Coalescer
from app.timespan import Span

_ENTER = """
BEGIN READ ONLY;
SELECT set_config('app.account_id', account_id::text, true) FROM directory WHERE kind = 'page' AND key = '{key}'
"""
_WAIT = 10
"""Seconds for a free connection; then the caller hears that we are busy."""


class PageReader:
    """Reads pages for visitors."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._together = Coalescer(self._read)

    async def read_together(self, page_id: UUID, between: Span, *, excluding: UUID | None = None) -> PageTime | None:
        """As `read`; a crowd that asks for the same shares a reading that began after the last of them had asked."""
        return await self._together.get((page_id, between, excluding))

    async def _read(self, asked: tuple[UUID, Span, UUID | None]) -> PageTime | None:
        page_id, between, excluding = asked
        return await self.read(page_id, between, excluding=excluding)

    async def read(self, page_id: UUID, between: Span, *, excluding: UUID | None = None) -> PageTime | None:
        """The page and everything that bears on its slots in `between`, without one hold; None: no such page."""
        async with self._pool.acquire(timeout=_WAIT) as connection:
            # Several statements at once take no parameters; the key is a UUID's 32 hexadecimal digits.
            await connection.execute(_ENTER.format(key=page_id.hex))
            try:
                rows = await connection.fetch(PAGE_TIME, *page_time_parameters(page_id, between, excluding=excluding))
            finally:
                await connection.execute("COMMIT")
        return page_time_of(rows)


async def read_page_time(connection: asyncpg.Connection, page_id: UUID, between: Span) -> PageTime | None:
    """The same in a transaction that is under way."""
    return page_time_of(await connection.fetch(PAGE_TIME, *page_time_parameters(page_id, between)))
