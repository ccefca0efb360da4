"""Reading page after page, one ahead of who takes them in.

The one rule: pages come in order, and no more than one is ever under way: what is asked for too early is one request
at most.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from app.calendar import SyncPage

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
