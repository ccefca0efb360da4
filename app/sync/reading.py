"""Reading page after page, one ahead of who takes them in.

The one rule: pages come in order, and no more than one is ever under way: what is asked for too early is one request
at most.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Final

from app.calendar import SyncPage, Timed
from app.providers.base import CursorExpired, ProtocolError, ProviderError, Transient
from app.sync.backoff import is_sure
from app.sync.run import Run

_FEWEST_FAILURES: Final = 5
"""An hour in which no worker ran says nothing of a cursor."""
_LOOKED_AT: Final = timedelta(hours=1)

Read = Callable[[bytes | None], Awaitable[SyncPage]]
"""Reads the page at a position; None: the first one."""


async def pages_ahead(read: Read) -> AsyncGenerator[SyncPage]:
    """Every page up to the last. While one is taken in, the next is on its way. Close it: then that is given up.

    Raises: what reading raises, once the pages before are taken in.
    """
    page = await read(None)
    while page.next_page is not None:
        following = asyncio.ensure_future(read(page.next_page))
        try:
            yield page
            page = await following
        finally:
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled():
                following.exception()  # seen: whoever closes us has another
    yield page


async def read_page(run: Run, position: bytes | None) -> SyncPage:
    """The page at a position. Raises: ProviderError; CursorExpired also where nothing but our cursor fails."""
    name, since = run.calendar.provider_calendar_id, run.horizon.start
    try:
        return await run.session.sync_page(name, cursor=run.cursor, page=position, since=since)
    except (Transient, ProtocolError) as failure:
        if await _is_stuck(run, failure):
            raise CursorExpired(operation=failure.operation) from failure
        raise


async def _is_stuck(run: Run, failure: ProviderError) -> bool:
    """Whether it is the cursor that fails: it has for an hour, and the calendar answers when it is asked without one.

    Graph has links that answer 503 for ever. https://github.com/microsoftgraph/msgraph-sdk-java/issues/555
    """
    if run.cursor is None or run.last_error != failure.code or run.failures < _FEWEST_FAILURES:
        return False
    if not is_sure(run.failing_since, run.held_at):
        return False
    name = run.calendar.provider_calendar_id
    try:
        told = await run.session.free_busy([name], Timed(run.held_at, run.held_at + _LOOKED_AT))
    except ProviderError:
        return False
    return told[name].known
