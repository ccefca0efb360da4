"""Which calendars are mirrored, and when each is looked at next. Each function is one named query or command.

The one rule: asking for a sync marks its row with the same commit; should the job be lost, the sweeper finds it due.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, case, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.connections.channels import set_watch_due
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, CalendarSync
from app.models.crm import TaskCalendar
from app.models.directory import DueCalendar
from app.models.mirror import BusyMonth, MirrorEvent, MirrorSeries
from app.models.push import PushChannel
from app.queue import Enqueued, Job

LOOK_AGAIN = timedelta(seconds=1)
"""How soon the sweeper looks at a calendar that changes faster than it is read."""
SWEPT_AFTER = timedelta(seconds=5)
"""When the sweeper looks at a calendar of which something was told, should nobody have looked."""
_FENCES = 2**30
"""A new sync row's fence begins somewhere below: a run that had claimed an earlier row is fenced off from it."""
_ASK = """
WITH before AS (
    SELECT calendar_id, asked FROM calendar_syncs
     WHERE account_id = $1 AND calendar_id = ANY ($2::uuid[]) ORDER BY calendar_id FOR UPDATE
), dirty AS (
    UPDATE calendar_syncs s
       SET dirty_seq = s.dirty_seq + 1, asked = true,
           watched_until = CASE WHEN s.calendar_id = $5 THEN $4 ELSE s.watched_until END
      FROM before WHERE s.account_id = $1 AND s.calendar_id = before.calendar_id
), due AS (
    UPDATE due_calendars SET due_at = $3 WHERE calendar_id IN (SELECT calendar_id FROM before) AND due_at > $3
)
SELECT calendar_id FROM before WHERE NOT asked
"""


async def ask_for_syncs(
    session: AsyncSession,
    account_id: UUID,
    calendar_ids: Collection[UUID],
    *,
    now: datetime,
    told_by: PushChannel | None = None,
) -> list[Enqueued]:
    """Something may have changed in these calendars; the jobs to enqueue. `told_by`: a watch that works, then.

    A run that is under way will look once more, one that waits is enough. Should its job be lost, the sweeper looks.
    """
    connection = await session.connection()
    believed = (None, None) if told_by is None else (told_by.expires_at, told_by.calendar_id)
    asked = await connection.exec_driver_sql(_ASK, (account_id, list(calendar_ids), now + SWEPT_AFTER, *believed))
    return [Enqueued(Job.SYNC_CALENDAR, account_id, calendar_id) for calendar_id in asked.scalars()]


async def start_mirroring(session: AsyncSession, account_id: UUID, calendar_id: UUID, *, now: datetime) -> None:
    """Have the calendar synced from now on; one already mirrored is asked for anew."""
    statement = insert(CalendarSync).values(
        account_id=account_id, calendar_id=calendar_id, state="idle", fence=secrets.randbelow(_FENCES)
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id", "calendar_id"],
            set_={"state": "idle", "dirty_seq": CalendarSync.dirty_seq + 1, "failures": 0},
        )
    )
    await set_due(session, account_id, calendar_id, at=now)
    await set_watch_due(session, account_id, calendar_id, at=now)


async def stop_mirroring(session: AsyncSession, account_id: UUID, calendar_id: UUID, *, now: datetime) -> None:
    """Forget how far the mirror is, the mirror, and its next run; its watch is to be stopped. In a sync's own order."""
    for table in (CalendarSync, MirrorEvent, MirrorSeries, BusyMonth):
        await session.execute(delete(table).where(table.calendar_id == calendar_id))
    await remove_due(session, calendar_id)
    await set_watch_due(session, account_id, calendar_id, at=now)


async def stop_unneeded(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Stop mirroring those of the connection's calendars that nobody ticks and nobody follows: what is done to tasks
    comes back (R22), and so does what is done to our events to come, of which a former primary may be full (R23).
    """
    mirrored = exists().where(CalendarSync.account_id == Calendar.account_id, CalendarSync.calendar_id == Calendar.id)
    made_for_tasks = exists().where(
        TaskCalendar.account_id == Calendar.account_id, TaskCalendar.calendar_id == Calendar.id
    )
    to_come = and_(CalendarWrite.draft.is_not(None), CalendarWrite.ends_at > now)
    ours = exists().where(
        CalendarWrite.account_id == Calendar.account_id, CalendarWrite.calendar_id == Calendar.id, to_come
    )
    unneeded = select(Calendar).where(
        Calendar.connection_id == connection_id, mirrored, ~Calendar.checked, ~made_for_tasks, ~ours
    )
    calendars = (await session.scalars(unneeded.order_by(Calendar.id))).all()
    await lock_syncs(session, [calendar.id for calendar in calendars])
    for calendar in calendars:
        await stop_mirroring(session, calendar.account_id, calendar.id, now=now)


async def lock_syncs(session: AsyncSession, calendar_ids: Collection[UUID]) -> None:
    """Whoever changes how far several calendars are locks them in one order, before anything that is due."""
    mine = select(CalendarSync.calendar_id).where(CalendarSync.calendar_id.in_(calendar_ids))
    await session.execute(mine.order_by(CalendarSync.calendar_id).with_for_update())


async def list_whole(session: AsyncSession, calendar_ids: Collection[UUID]) -> None:
    """The next sync lists everything. A run under way knows the calendar as it was: it is fenced off."""
    await lock_syncs(session, calendar_ids)
    await session.execute(
        update(CalendarSync)
        .where(CalendarSync.calendar_id.in_(calendar_ids))
        .values(
            cursor=None,
            fence=CalendarSync.fence + 1,
            lease_until=None,
            state=case((CalendarSync.state == "running", "idle"), else_=CalendarSync.state),
        )
    )


async def set_due(
    session: AsyncSession, account_id: UUID, calendar_id: UUID, *, at: datetime, synced_at: datetime | None = None
) -> None:
    """When the sweeper shall look at the calendar again; `synced_at`: its mirror is true now."""
    values = {"due_at": at} if synced_at is None else {"due_at": at, "synced_at": synced_at}
    statement = insert(DueCalendar).values(calendar_id=calendar_id, account_id=account_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["calendar_id"], set_=values))


async def pause(session: AsyncSession, sync: CalendarSync) -> None:
    """The calendar is left alone until its person has healed the connection, which starts it again."""
    sync.state, sync.last_error, sync.watched_until = "paused", "reauthorization_required", None
    await remove_due(session, sync.calendar_id)


async def remove_due(session: AsyncSession, calendar_id: UUID) -> None:
    """The sweeper shall leave the calendar alone."""
    await session.execute(delete(DueCalendar).where(DueCalendar.calendar_id == calendar_id))


async def due_times(session: AsyncSession, calendar_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the calendars are looked at next."""
    rows = await session.execute(
        select(DueCalendar.calendar_id, DueCalendar.due_at).where(DueCalendar.calendar_id.in_(calendar_ids))
    )
    return {row.calendar_id: row.due_at for row in rows}
