"""SQL of tasks and of the calendars made for them. Each function is one named query or command.

The one rule: a deleted task is found only by the job that removes its event.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import CalendarRef
from app.connections.mirroring import start_mirroring
from app.crm.task_event import DONE
from app.ids import new_id
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, Connection
from app.models.crm import Task, TaskCalendar

_SETTLED: Final = timedelta(days=30)
"""After its last change, what is done and written so is not looked after any more."""


async def find_task(session: AsyncSession, task_id: UUID, *, lock: bool = False) -> Task | None:
    """One task, as it is now, a deleted one too."""
    query = select(Task).where(Task.id == task_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update(key_share=True) if lock else query)


async def list_tasks(
    session: AsyncSession,
    owner_id: UUID,
    *,
    status: str | None,
    contact_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Task]:
    """The user's tasks, the oldest first, from after the given one."""
    query = select(Task).where(Task.owner_id == owner_id, Task.deleted_at.is_(None))
    if status is not None:
        query = query.where(Task.status == status)
    if contact_id is not None:
        query = query.where(Task.contact_id == contact_id)
    if after is not None:
        query = query.where(Task.id > after)
    return (await session.scalars(query.order_by(Task.id).limit(limit))).all()


async def tasks_to_place(
    session: AsyncSession, owner_id: UUID, *, after: UUID | None, limit: int, now: datetime
) -> Sequence[Task]:
    """Tasks that are not done, or have an event, from after the given one; not those long done whose event says so."""
    event = select(CalendarWrite.task_id).where(CalendarWrite.task_id == Task.id)
    says_so = event.where(
        CalendarWrite.calendar_id.is_not(None),
        CalendarWrite.status == "written",
        CalendarWrite.written_seq == CalendarWrite.desired_seq,
        or_(CalendarWrite.draft.is_(None), CalendarWrite.draft["title"].astext.startswith(DONE)),
    )
    long_done = and_(Task.deleted_at.is_(None), Task.updated_at < now - _SETTLED, says_so.exists())
    wanted = or_(Task.status != "completed", and_(event.exists(), not_(long_done)))
    query = select(Task).where(Task.owner_id == owner_id, wanted)
    if after is not None:
        query = query.where(Task.id > after)
    return (await session.scalars(query.order_by(Task.id).limit(limit).with_for_update(key_share=True))).all()


async def find_task_calendar(session: AsyncSession, connection_id: UUID) -> tuple[TaskCalendar, Calendar | None] | None:
    """The calendar for tasks, if it was ever asked for."""
    row = (
        await session.execute(
            select(TaskCalendar, Calendar)
            .outerjoin(
                Calendar, (Calendar.account_id == TaskCalendar.account_id) & (Calendar.id == TaskCalendar.calendar_id)
            )
            .where(TaskCalendar.connection_id == connection_id)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def lease_making(
    session: AsyncSession, account_id: UUID, connection_id: UUID, *, now: datetime, until: datetime
) -> bool:
    """Be the one who makes the calendar; False when it is there, or another is at it."""
    fresh = insert(TaskCalendar).values(account_id=account_id, connection_id=connection_id)
    await session.execute(fresh.on_conflict_do_nothing())
    taken = await session.scalar(
        update(TaskCalendar)
        .where(
            TaskCalendar.connection_id == connection_id,
            TaskCalendar.calendar_id.is_(None),
            or_(TaskCalendar.lease_until.is_(None), TaskCalendar.lease_until <= now),
        )
        .values(lease_until=until, attempts=TaskCalendar.attempts + 1)
        .returning(TaskCalendar.connection_id)
        .execution_options(synchronize_session=False)
    )
    return taken is not None


async def save_task_calendar(session: AsyncSession, connection: Connection, ref: CalendarRef, *, now: datetime) -> None:
    """The calendar was made: it is mirrored from now on, so that what its person does there comes back."""
    values = {"name": ref.name, "time_zone": ref.time_zone, "role": ref.role.value}
    statement = insert(Calendar).values(
        account_id=connection.account_id,
        id=new_id(),
        connection_id=connection.id,
        provider_calendar_id=ref.id,
        is_primary=False,
        checked=False,
        **values,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["account_id", "connection_id", "provider_calendar_id"],
        set_=values | {"inactive_reason": None},
    )
    calendar_id = (await session.execute(statement.returning(Calendar.id))).scalar_one()
    await session.execute(
        update(TaskCalendar)
        .where(TaskCalendar.connection_id == connection.id)
        .values(calendar_id=calendar_id, lease_until=None, attempts=0, last_error=None)
        .execution_options(synchronize_session=False)
    )
    await start_mirroring(session, connection.account_id, calendar_id, now=now)


async def release_making(session: AsyncSession, connection_id: UUID, *, error: str) -> int:
    """It could not be made; how often that was tried."""
    return (
        await session.execute(
            update(TaskCalendar)
            .where(TaskCalendar.connection_id == connection_id)
            .values(lease_until=None, last_error=error)
            .returning(TaskCalendar.attempts)
            .execution_options(synchronize_session=False)
        )
    ).scalar_one()
