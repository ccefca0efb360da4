"""The public read of a page: the hottest query, on a connection of its own kind.

The one rule: three round trips, no more: a read-only transaction that enters the page's account, the page, the end.
Row-level security holds as everywhere: the account is the directory's, for this transaction only.
"""

from uuid import UUID

import asyncpg

from app.database import LONGEST_WAIT, entering_by_link
from app.models.directory import Directory
from app.scheduling.availability import PAGE_TIME, PageTime, page_time_of, page_time_parameters
from app.scheduling.coalescing import Coalescer
from app.timespan import Span


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
        async with self._pool.acquire(timeout=LONGEST_WAIT) as connection:
            await connection.execute(f"BEGIN READ ONLY; {entering_by_link(Directory.PAGE, page_id)}")
            try:
                rows = await connection.fetch(PAGE_TIME, *page_time_parameters(page_id, between, excluding=excluding))
            finally:
                await connection.execute("COMMIT")
        return page_time_of(rows)


async def read_page_time(
    connection: asyncpg.Connection,
    page_id: UUID,
    between: Span,
    *,
    excluding: UUID | None = None,
    deleted_too: bool = False,
) -> PageTime | None:
    """The same in a transaction that is under way, or of a page that was deleted."""
    asked = page_time_parameters(page_id, between, excluding=excluding, deleted_too=deleted_too)
    return page_time_of(await connection.fetch(PAGE_TIME, *asked))
