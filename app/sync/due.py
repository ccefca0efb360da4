"""SQL of the syncs that are due: how many wait already, which calendars come next, and taking those.

The one rule: what is due is found by the index on `due_at`, and nobody waits for a row that somebody else holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.queue import Job
from app.sync.shares import share_out

WINDOW: Final = 2000
"""How many of those that are due longest are looked at."""
BEHIND_AFTER: Final = timedelta(seconds=10)
"""Nothing goes to the end of the line more often than this: what is put behind has to be written."""
_APART: Final = timedelta(microseconds=1)

_WAITING = text(
    "SELECT count(*) FROM (SELECT FROM queue.pgqueuer WHERE entrypoint = :job AND status = 'queued' "
    "AND execute_after <= now() LIMIT :most) AS waiting"
)
_LONGEST_DUE = text(
    "SELECT calendar_id, account_id, due_at FROM due_calendars WHERE due_at <= :now ORDER BY due_at LIMIT :most"
)
_MOVE = text("""
    WITH free AS MATERIALIZED (
        SELECT due.calendar_id, wanted.at
        FROM due_calendars AS due
        JOIN unnest(CAST(:calendars AS uuid[]), CAST(:times AS timestamptz[])) AS wanted (calendar_id, at)
            USING (calendar_id)
        WHERE due.due_at <= :now
        FOR UPDATE OF due SKIP LOCKED
    )
    UPDATE due_calendars AS due SET due_at = free.at FROM free WHERE due.calendar_id = free.calendar_id
    RETURNING due.calendar_id
""").bindparams(bindparam("calendars", type_=ARRAY(Uuid)), bindparam("times", type_=ARRAY(DateTime(timezone=True))))


@dataclass(frozen=True, slots=True)
class Due:
    """A calendar that wants a run."""

    calendar_id: UUID
    account_id: UUID


async def waiting_syncs(session: AsyncSession, *, most: int) -> int:
    """How many syncs stand in the queue for a worker, counted up to `most`; those put off do not stand there."""
    return int(await session.scalar(_WAITING, {"job": Job.SYNC_CALENDAR.value, "most": most}) or 0)


async def take_due(
    session: AsyncSession, *, now: datetime, again: timedelta, limit: int, window: int = WINDOW
) -> Sequence[Due]:
    """Calendars that want a run, accounts by turns. They come up again after `again`, should the run never happen."""
    window = max(window, limit)
    rows = (await session.execute(_LONGEST_DUE, {"now": now, "most": window})).all()
    if not rows:
        return []
    turn = share_out([row.account_id for row in rows], limit=limit, window=window)
    taken = {rows[place].calendar_id: now + again for place in turn.taken}
    late = now - BEHIND_AFTER
    behind = [rows[place].calendar_id for place in turn.behind if rows[place].due_at <= late]
    # They stay due, and in their order: a moment apart, and none of them later than now.
    moved = taken | {calendar: now - (len(behind) - place) * _APART for place, calendar in enumerate(behind)}
    values = {"calendars": list(moved), "times": list(moved.values()), "now": now}
    free = set(await session.scalars(_MOVE, values))
    return [
        Due(rows[place].calendar_id, rows[place].account_id) for place in turn.taken if rows[place].calendar_id in free
    ]
