"""SQL of sync runs: claiming one, saving how it ended, having it continued. Each function is one named query or
command.

The one rule: a run writes only while its fence is the row's.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.connections import ON_CONNECTION, Calendar, CalendarSync, Connection


async def lock_sync(session: AsyncSession, calendar_id: UUID) -> tuple[CalendarSync, Calendar, Connection] | None:
    """The calendar's sync row, locked, with what it belongs to; None when nobody mirrors it any more."""
    row = (
        await session.execute(
            select(CalendarSync, Calendar, Connection)
            .join(
                Calendar, (Calendar.account_id == CalendarSync.account_id) & (Calendar.id == CalendarSync.calendar_id)
            )
            .join(Connection, ON_CONNECTION)
            .where(CalendarSync.calendar_id == calendar_id, Connection.disconnected_at.is_(None))
            .with_for_update(of=CalendarSync)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def still_ours(session: AsyncSession, calendar_id: UUID, fence: int, **values: Any) -> CalendarSync | None:
    """The sync row, updated, if no other run has claimed it since; None otherwise."""
    return await session.scalar(
        update(CalendarSync)
        .where(CalendarSync.calendar_id == calendar_id, CalendarSync.fence == fence)
        .values(**values)
        .returning(CalendarSync)
        .execution_options(populate_existing=True)
    )


async def read_once_more(session: AsyncSession, calendar_id: UUID, *, now: datetime) -> None:
    """Have a run that is under way read on after its end: its pages may be from before what we have just written."""
    under_way = (CalendarSync.calendar_id == calendar_id) & (CalendarSync.lease_until > now)
    await session.execute(update(CalendarSync).where(under_way).values(dirty_seq=CalendarSync.dirty_seq + 1))
