"""Whether what was wished for may still be written when its turn comes: a wish can wait for days.

The one rule: what shall not stand in a calendar is taken away in any case.
"""

from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.calendar_writes import CalendarWrite
from app.models.connections import Connection


class Permits(Protocol):
    """Whoever knows what the person wants, and may have, now."""

    async def why_not(self, session: AsyncSession, write: CalendarWrite, connection: Connection) -> str | None:
        """Why it is not written any more, a code; None: it is."""
        ...


async def why_not_now(
    session: AsyncSession,
    write: CalendarWrite,
    connection: Connection,
    permits: Permits,
    *,
    mails_guests: bool,
    now: datetime,
) -> str | None:
    """Why the wish is given up without a try, a code; None: it is carried out.

    `mails_guests`: the provider does, whatever we ask of it.
    """
    if write.draft is None:
        return None
    invites = write.invites or (mails_guests and bool(write.draft["attendees"]))
    if invites and write.event_id is None and write.ends_at <= now:
        return "already_over"  # nobody is invited to what is over
    return await permits.why_not(session, write, connection)
