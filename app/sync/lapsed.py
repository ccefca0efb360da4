"""Calendars whose sync has not succeeded for days: what is past of them goes all the same.

The one rule: what is kept of people's events does not outlive its time because nobody heals a connection.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import Timed
from app.models.connections import Calendar, CalendarSync
from app.models.mirror import MirrorEvent
from app.sync.mirror import BEHIND, UNTOLD, Mirror, is_past

_LAPSED_AFTER: Final = timedelta(days=7)
"""The sync of a calendar that can be read forgets by itself."""
_AT_ONCE: Final = 20


async def forget_past_of_lapsed(session: AsyncSession, account_id: UUID, now: datetime) -> bool:
    """Remove what lies behind the horizon of some of the account's lapsed calendars; whether there may be more."""
    start = now - BEHIND
    past = and_(
        MirrorEvent.account_id == Calendar.account_id,
        MirrorEvent.calendar_id == Calendar.id,
        is_past(start),
    )
    lapsed = and_(
        CalendarSync.account_id == Calendar.account_id,
        CalendarSync.calendar_id == Calendar.id,
        func.coalesce(CalendarSync.last_succeeded_at, CalendarSync.failing_since) < now - _LAPSED_AFTER,
    )
    found = await session.scalars(
        select(Calendar)
        .join(CalendarSync, lapsed)
        .where(Calendar.account_id == account_id, select(MirrorEvent.event_id).where(past).exists())
        .order_by(Calendar.id)
        .limit(_AT_ONCE)
        .with_for_update(of=CalendarSync, skip_locked=True)
    )
    calendars = found.all()
    for calendar in calendars:
        await Mirror(session, calendar, generation=UNTOLD, horizon=Timed(start, now)).forget_past()
    return len(calendars) == _AT_ONCE
