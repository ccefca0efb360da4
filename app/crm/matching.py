"""After a contact was added, or a calendar is followed again: finding the meetings that stand in calendars already.

The one rule: they are found by hashes and handed on as changes to be followed; their content is read at the provider.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.crm.colleagues import IS_COLLEAGUE
from app.database import transaction
from app.queue import enqueue
from app.sync.changes import Topic, jobs_for, noting

_FOUND = """
SELECT DISTINCT ON (found.calendar_id, found.event_id)
       $1::uuid, found.calendar_id, found.event_id, found.series_id, 'meeting', $2::timestamptz
  FROM ({found}) AS found
 ORDER BY found.calendar_id, found.event_id
"""
_WITH_PEOPLE = """
SELECT a.calendar_id, a.event_id, m.series_id
  FROM contacts c
  JOIN mirror_addresses a ON a.account_id = c.account_id AND a.address_hash = c.address_hash
  JOIN mirror_events m ON m.account_id = a.account_id AND m.calendar_id = a.calendar_id AND m.event_id = a.event_id
 WHERE c.account_id = $1 AND {which} = $3 AND NOT {colleague}
"""
_KNOWN = """
SELECT $3::uuid, e.event_id, NULL
  FROM engagements e
  LEFT JOIN mirror_events m ON m.account_id = e.account_id AND m.calendar_id = $3 AND m.event_id = e.event_id
  {writes} calendar_writes w ON w.account_id = e.account_id AND w.engagement_id = e.id
 WHERE e.account_id = $1 AND {theirs} AND e.event_id IS NOT NULL
   AND (e.ends_at > $2 OR m.event_id IS NOT NULL AND m.etag IS DISTINCT FROM w.etag)
"""
"""Meetings whose events may have been moved, deleted or made private while nobody followed: those to come, and what
stands there otherwise than we wrote it. When it was, as far as we know, says nothing of when it is now.
"""
_STANDING = _KNOWN.format(writes="LEFT JOIN", theirs="e.calendar_id = $3")
_COME_BACK = _KNOWN.format(writes="JOIN", theirs="e.calendar_id IS NULL AND w.calendar_id = $3")
"""Those whose calendar went and was connected again: their writes alone know it yet."""
_IN_CALENDAR = "UNION ALL".join(
    (_WITH_PEOPLE.format(which="a.calendar_id", colleague=IS_COLLEAGUE), _STANDING, _COME_BACK)
)
_OF_CONTACT = noting(_FOUND.format(found=_WITH_PEOPLE.format(which="c.id", colleague=IS_COLLEAGUE)), changed=False)
_OF_CALENDAR = noting(_FOUND.format(found=_IN_CALENDAR), changed=False)


class Matching:
    """Runs `match_contact` and `match_calendar`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def contact(self, account_id: UUID, contact_id: UUID) -> None:
        """Every mirrored event that names the contact is looked at."""
        await self._note(_OF_CONTACT, account_id, contact_id)

    async def calendar(self, account_id: UUID, calendar_id: UUID) -> None:
        """Every event of the calendar that names a contact, or is a meeting already, is looked at."""
        await self._note(_OF_CALENDAR, account_id, calendar_id)

    async def _note(self, statement: str, account_id: UUID, subject_id: UUID) -> None:
        async with transaction(self._sessions, account_id) as session:
            connection = await session.connection()
            rows: Sequence[Any] = (
                await connection.exec_driver_sql(statement, (account_id, self._clock(), subject_id))
            ).all()
            calendars = sorted({row.calendar_id for row in rows})
            await enqueue(session, [job for found in calendars for job in jobs_for(account_id, found, [Topic.MEETING])])
