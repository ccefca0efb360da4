"""Putting tasks into the calendar made for them, and making that calendar (R22).

    look  [transaction]  may they stand there, and where
    make  [none open]    the calendar, found again or made, by whoever holds the committed lease
    wish  [transaction]  each task's event, as the task is now

The one rule: one calendar a connection, never the primary; one its person has deleted is made anew, with all in it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import find_user
from app.calendar import Clock, EventDraft
from app.calendar_writes.observing import move_house
from app.calendar_writes.service import (
    EventPlace,
    Owner,
    change_wish,
    changing_wish,
    draft_from_json,
    find_write,
    wish_event,
)
from app.connections.access import CalendarAccess
from app.connections.overview import Overview
from app.crm import task_repository
from app.crm.placement import placement_of
from app.crm.task_event import calendar_key, task_draft, task_key
from app.database import transaction
from app.i18n import negotiate, translate
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, Connection
from app.models.crm import Task
from app.providers.base import CalendarGone, ProviderError
from app.queue import Enqueued, Job, enqueue
from app.sync.changes import note_differing
from app.waits import doubled

_LEASE: Final = timedelta(minutes=1)
_AT_ONCE: Final = 200
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(hours=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Making:
    """A calendar that is to be made, and for whom."""

    connection: Connection
    name: str
    time_zone: str


class TaskPlacer:
    """Runs `place_task` and `place_tasks`."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], access: CalendarAccess, overview: Overview, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._overview = overview
        self._clock = clock

    async def one(self, account_id: UUID, task_id: UUID) -> None:
        """One task's event as the task is now."""
        async with transaction(self._sessions, account_id) as session:
            task = await task_repository.find_task(session, task_id, lock=True)
            if task is None:
                return
            placement = await placement_of(session, self._overview, task.owner_id)
            if placement.reason is not None and task.deleted_at is None:
                return
            if placement.calendar is not None and placement.connection is not None:
                jobs = await _place(session, task, placement.calendar, placement.connection)
                await enqueue(session, jobs)
                return
            owner_id = task.owner_id
        await self.all(account_id, owner_id)

    async def all(self, account_id: UUID, user_id: UUID) -> None:
        """All of a person's tasks; their calendar is made when there is none."""
        making = await self._look(account_id, user_id)
        if making is not None and not await self._make(account_id, user_id, making):
            return
        after: UUID | None = None
        while True:
            async with transaction(self._sessions, account_id) as session:
                placement = await placement_of(session, self._overview, user_id)
                if placement.reason is not None or placement.calendar is None or placement.connection is None:
                    return
                some = await task_repository.tasks_to_place(
                    session, user_id, after=after, limit=_AT_ONCE, now=self._clock()
                )
                jobs = [
                    job
                    for task in some
                    for job in await _place(session, task, placement.calendar, placement.connection)
                ]
                await enqueue(session, jobs)
                if len(some) < _AT_ONCE:
                    # What was done to the events while nobody followed is looked at now.
                    await enqueue(session, await note_differing(session, [placement.calendar], now=self._clock()))
                    return
            after = some[-1].id

    async def heal(self, session: AsyncSession, write: CalendarWrite) -> list[Enqueued]:
        """A task's event could not be written: should its calendar be gone, another is made, with all the tasks."""
        task = await task_repository.find_task(session, write.task_id) if write.task_id is not None else None
        if task is None or write.last_error != CalendarGone.code or write.calendar_id is None:
            return []
        await session.execute(delete(Calendar).where(Calendar.id == write.calendar_id))
        return [Enqueued(Job.PLACE_TASKS, task.account_id, task.owner_id)]

    async def _look(self, account_id: UUID, user_id: UUID) -> _Making | None:
        """What is to be made, and that it is ours to make."""
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            placement = await placement_of(session, self._overview, user_id)
            user = await find_user(session, user_id)
            connection = placement.connection
            if placement.reason is not None or placement.calendar is not None or connection is None or user is None:
                return None
            leased = await task_repository.lease_making(session, account_id, connection.id, now=now, until=now + _LEASE)
            if not leased:  # another makes it, and places them all; should it die, we come again
                await enqueue(session, [Enqueued(Job.PLACE_TASKS, account_id, user_id, delay=_LEASE)])
                return None
            zone = await session.scalar(
                select(Calendar.time_zone).where(Calendar.connection_id == connection.id, Calendar.is_primary)
            )
            name = translate(negotiate(user.locale), "tasks.calendar_name")
            return _Making(connection, name, zone or user.time_zone)

    async def _make(self, account_id: UUID, user_id: UUID, making: _Making) -> bool:
        connection = making.connection
        session = self._access.open(account_id, connection.id, connection.provider)
        try:
            ref = await session.create_calendar(making.name, time_zone=making.time_zone, key=calendar_key(user_id))
        except ProviderError as error:
            await self._fail(account_id, user_id, making, error)
            return False
        async with transaction(self._sessions, account_id) as work:
            await task_repository.save_task_calendar(work, connection, ref, now=self._clock())
        return True

    async def _fail(self, account_id: UUID, user_id: UUID, making: _Making, error: ProviderError) -> None:
        asked_for = timedelta(seconds=error.retry_after or 0)
        async with transaction(self._sessions, account_id) as session:
            attempts = await task_repository.release_making(session, making.connection.id, error=error.code)
            wait = doubled(_FIRST_WAIT, _LONGEST_WAIT, attempts)
            again = Enqueued(Job.PLACE_TASKS, account_id, user_id, delay=max(wait, asked_for))
            await enqueue(session, [again])
        log.warning("tasks.calendar_not_made", connection_id=str(making.connection.id), error=error.code)


async def wish_as_it_is(session: AsyncSession, task: Task) -> None:
    """What is kept of its event says no more than the task now does, wherever it stands, in step or not (R54).

    The caller asks for `place_task`, which has it written where it is kept in step.
    """
    owner = Owner("task", task.id)
    write = await find_write(session, owner, lock=True)
    if write is None or write.draft is None:
        return
    asked = draft_from_json(write.draft)
    draft = task_draft(task, asked.when.zone)
    if draft != asked:
        await change_wish(session, owner, None if draft is None else changing_wish(write, draft))


async def _place(session: AsyncSession, task: Task, calendar: Calendar, connection: Connection) -> list[Enqueued]:
    """The task's event shall be as the task is; nothing where it is already."""
    owner, draft = Owner("task", task.id), task_draft(task, calendar.time_zone)
    place = EventPlace(calendar.id, connection.provider, connection.subject, calendar.provider_calendar_id)
    write = await find_write(session, owner, lock=True)
    if write is None:
        if draft is None or task.status == "completed":
            return []
        made = wish_event(session, task.account_id, owner, place, key=task_key(task.id), draft=draft)
        return [Enqueued(Job.WRITE_EVENT, task.account_id, made.id)]
    elsewhere = write.calendar_id != calendar.id and move_house(write, place)
    if not elsewhere and _is_wished(write, draft):
        if task.deleted_at is not None and not write.under_way and write.look_again_at is None:
            await session.delete(task)  # its event had gone before it
        return [Enqueued(Job.WRITE_EVENT, task.account_id, write.id)] if write.under_way else []
    await session.flush()
    job = await change_wish(session, owner, None if draft is None else changing_wish(write, draft))
    return [] if job is None else [job]


def _is_wished(write: CalendarWrite, draft: EventDraft | None) -> bool:
    """Whether this is what was wished for before; what was given up is wished for anew."""
    if draft is None or write.draft is None:
        return draft is None and write.draft is None
    return write.status != "failed" and draft == draft_from_json(write.draft)
