"""A page's slots as its owner sees them.

The one rule: the owner sees what visitors would be offered, also while pages are turned off.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.errors import NotFound
from app.scheduling.availability import PageTime, load_page_time
from app.scheduling.pages import get_page
from app.scheduling.public import SlotQuery, slot_list


async def own_slots(
    session: AsyncSession, principal: Principal, page_id: UUID, query: SlotQuery, *, now: datetime
) -> bytes:
    """The answer of `listSchedulingPageSlots`, rendered. Raises: NotFound, ValidationFailed."""
    return slot_list(await own_page_time(session, principal, page_id, query), query, now=now)


async def own_page_time(session: AsyncSession, principal: Principal, page_id: UUID, query: SlotQuery) -> PageTime:
    """The caller's own page and all that bears on what is asked. Raises: NotFound, ValidationFailed."""
    await get_page(session, principal, page_id)
    page = await load_page_time(session, page_id, query.between())
    if page is None:
        raise NotFound
    return page
