"""Whether the events of a person's meetings can be changed from here now (R18, R19).

The one rule: a meeting whose event stands is not changed without it; what an answer offers and what a call refuses are
both asked here.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.overview import Overview
from app.crm.invitations import Circumstances, NotSent, why_not
from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, Connection
from app.models.crm import Engagement
from app.models.scheduling import CalendarSettings


@dataclass(frozen=True, slots=True)
class Reach:
    """What a person's connections let be changed."""

    no: NotSent | None
    """Why no event is changed at all."""
    calendars: frozenset[UUID]
    """Those that are connected; another account of the same person does not help."""

    def why_not(self, row: Engagement, write: CalendarWrite | None) -> NotSent | None:
        """Why this meeting cannot be changed; None: it can. One without an event has nothing to keep up with."""
        if row.event_id is None:
            return None
        stands_in = row.calendar_id if write is None else write.calendar_id
        return self.no or (None if stands_in in self.calendars else NotSent.NO_CONNECTION)


async def reach_of(session: AsyncSession, overview: Overview, user_id: UUID) -> Reach:
    """The reach of a person, by one statement. Seats have no say in it."""
    theirs = (CalendarSettings.account_id == Connection.account_id) & (CalendarSettings.user_id == Connection.user_id)
    rows = (
        await session.execute(
            select(Calendar, Connection, CalendarSettings.calendar_sync)
            .join(Connection, ON_CONNECTION)
            .outerjoin(CalendarSettings, theirs)
            .where(Connection.user_id == user_id, Connection.disconnected_at.is_(None))
        )
    ).all()
    primary = next((row for row in rows if row[0].is_primary and "calendar" in row[1].purposes), None)
    now = Circumstances(
        integration=False,
        connected=primary is not None,
        states=overview.of(None if primary is None else primary[1], ()),
        calendar_sync=primary is not None and bool(primary[2]),
        over=False,
    )
    return Reach(why_not(now), frozenset(row[0].id for row in rows))
