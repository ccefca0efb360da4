"""A connection goes: where people's own events stood that are meetings here is remembered (R16, R20).

The one rule: only the same account's calendar, connected again, says what became of an event in it; to another account
it is unknown, which is no news of it. So the meeting gets a write, under which any event of ours is found again: one
with nothing left to be written.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar_writes.observing import observe_as_wished
from app.calendar_writes.service import Owner, wish_event
from app.crm.event import draft_over_standing, event_key
from app.crm.meetings import place_of
from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, Connection
from app.models.crm import Engagement


async def remember_events(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Before the connection's calendars are deleted: of the meetings to come, as far as they have no write yet."""
    unwritten = ~select(CalendarWrite.id).where(CalendarWrite.engagement_id == Engagement.id).exists()
    rows = await session.execute(
        select(Engagement, Calendar, Connection)
        .join(Calendar, (Calendar.account_id == Engagement.account_id) & (Calendar.id == Engagement.calendar_id))
        .join(Connection, ON_CONNECTION)
        .where(Connection.id == connection_id, Engagement.event_id.is_not(None), Engagement.booking_id.is_(None))
        .where(Engagement.ends_at > now, Engagement.outcome != "cancelled", unwritten)
        .order_by(Engagement.id)
    )
    for row, calendar, connection in rows:
        owner, draft = Owner("engagement", row.id), draft_over_standing(row, described=False)
        place, key = place_of(calendar, connection), event_key(row.id)
        write = wish_event(
            session, row.account_id, owner, place, key=key, draft=draft, invites=True, standing=row.event_id
        )
        observe_as_wished(write)
    await session.flush()
