"""Making wishes true: one event, at the provider, exactly once.

    claim [transaction]  lease, fence, the wish as it is now
    write [none open]    create, update or cancel; what is ambiguous is asked for by its key
    save  [transaction]  what stands there now, in the row and in the mirror

The one rule: a write whose result is unknown is never repeated blindly: `find_by_key` first.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock, Event, EventDraft, Notify, Timed
from app.calendar_writes.service import draft_from_json
from app.connections.access import CalendarAccess
from app.connections.health import mark_broken
from app.database import transaction
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, CalendarSync, Connection
from app.models.mirror import MirrorEvent
from app.providers.base import (
    AmbiguousOutcome,
    AuthExpired,
    CalendarSession,
    EditConflict,
    EventNotFound,
    ProtocolError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.queue import Enqueued, Job, enqueue
from app.sync.batch import Batch
from app.sync.mirror import Mirror

LEASE = timedelta(seconds=60)
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=10)
_MOST_DOUBLINGS = 12
_WORTH_TRYING_AGAIN = (Transient, RateLimited, QuotaExceeded, AmbiguousOutcome, ProtocolError, EditConflict)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Task:
    """The wish as it was when it was claimed."""

    write: CalendarWrite
    calendar: Calendar
    connection: Connection
    draft: EventDraft | None
    fence: int
    seq: int
    first: bool
    """Nobody has tried before: nothing of ours can stand there yet."""


class EventWriter:
    """Runs `write_event`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access: CalendarAccess,
        clock: Clock,
        *,
        horizon_days: int,
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._clock = clock
        self._horizon = timedelta(days=horizon_days)

    async def run(self, account_id: UUID, write_id: UUID) -> None:
        """Make the wish true; again while it changes meanwhile."""
        again = True
        while again:
            task = await self._claim(account_id, write_id)
            if task is None:
                return
            try:
                event = await self._write(task)
            except ProviderError as error:
                await self._fail(task, error)
                return
            again = await self._finish(task, event)

    async def _claim(self, account_id: UUID, write_id: UUID) -> _Task | None:
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            found = await _lock(session, write_id)
            if found is None:
                return None
            write, calendar, connection = found
            if write.written_seq == write.desired_seq or connection.status != "active":
                return None  # done, or waiting for the person; a healed connection resumes it
            if write.lease_until is not None and write.lease_until > now:
                wait = write.lease_until - now + timedelta(seconds=1)
                await enqueue(session, [Enqueued(Job.WRITE_EVENT, account_id, write_id, delay=wait)])
                return None
            first = write.attempts == 0 and write.fence == 0
            write.fence += 1
            write.attempts += 1
            write.lease_until = now + LEASE
            draft = None if write.draft is None else draft_from_json(write.draft)
            return _Task(write, calendar, connection, draft, write.fence, write.desired_seq, first)

    async def _write(self, task: _Task) -> Event | None:
        connection, write = task.connection, task.write
        session = self._access.open(connection.account_id, connection.id, connection.provider)
        if task.draft is not None:
            return await _put(session, task, task.draft)
        event_id = write.event_id
        if event_id is None and not task.first:
            left = await self._find(session, task, draft=None)
            event_id = None if left is None else left.id
        if event_id is not None:
            await session.cancel_event(task.calendar.provider_calendar_id, event_id, notify=Notify.NOBODY)
        return None

    async def _find(self, session: CalendarSession, task: _Task, *, draft: EventDraft | None) -> Event | None:
        """An event of ours that an earlier try may have left."""
        around = draft.when if draft is not None else Timed(self._clock(), self._clock() + self._horizon)
        return await session.find_by_key(task.calendar.provider_calendar_id, task.write.key, around=around)

    async def _finish(self, task: _Task, event: Event | None) -> bool:
        """Save what stands there; whether the wish has changed meanwhile."""
        async with transaction(self._sessions, task.connection.account_id) as session:
            when = event.when if event is not None and isinstance(event.when, Timed) else None
            write = await _still_ours(
                session,
                task,
                written_seq=task.seq,
                event_id=task.write.event_id if event is None else event.id,
                etag=None if event is None else event.etag,
                written_start=None if when is None else when.start,
                written_end=None if when is None else when.end,
                video_url=None if event is None else event.video_url,
                last_error=None,
            )
            if write is None:
                return False
            if write.desired_seq == task.seq:
                write.status, write.attempts = "written", 0
            await session.flush()
            await self._observe(session, task, event)
            return write.desired_seq != task.seq

    async def _observe(self, session: AsyncSession, task: _Task, event: Event | None) -> None:
        """Tell the mirror, so that the freed or taken time shows before the next sync does."""
        now = self._clock()
        generation = await session.scalar(
            select(CalendarSync.generation).where(CalendarSync.calendar_id == task.calendar.id)
        )
        if generation is None:
            return
        horizon = Timed(now - timedelta(days=35), now + self._horizon)
        mirror = Mirror(session, task.calendar, generation=generation, horizon=horizon)
        batch = Batch()
        if event is not None:
            batch.events[event.id] = event
        else:
            ours = select(MirrorEvent.event_id).where(
                MirrorEvent.calendar_id == task.calendar.id, MirrorEvent.key == task.write.key
            )
            batch.gone.update((await session.scalars(ours)).all())
        await mirror.save(batch)
        await mirror.pack()

    async def _fail(self, task: _Task, error: ProviderError) -> None:
        now = self._clock()
        async with transaction(self._sessions, task.connection.account_id) as session:
            write = await _still_ours(session, task, last_error=error.code)
            if write is None:
                return
            if isinstance(error, ReauthRequired | AuthExpired):
                reason = error.provider_code or "token_revoked"
                await mark_broken(session, write.account_id, task.connection.id, reason=reason, now=now)
            elif isinstance(error, _WORTH_TRYING_AGAIN):
                delay = _wait(write.attempts, error)
                await enqueue(session, [Enqueued(Job.WRITE_EVENT, write.account_id, write.id, delay=delay)])
            else:
                write.status = "failed"
        log.warning("calendar_write.failed", write_id=str(task.write.id), error=error.code, operation=error.operation)


async def _put(session: CalendarSession, task: _Task, draft: EventDraft) -> Event:
    """The event as drafted: updated where it stands, made where it does not."""
    calendar_id, write = task.calendar.provider_calendar_id, task.write
    event_id, etag = write.event_id, write.etag
    if event_id is None and not task.first:
        left = await session.find_by_key(calendar_id, write.key, around=draft.when)
        event_id, etag = (None, None) if left is None else (left.id, left.etag)
    if event_id is not None:
        try:
            return await _overwrite(session, task, draft, event_id=event_id, etag=etag)
        except EventNotFound:
            pass  # somebody deleted it; the booking stands, so the event comes back
    return await session.create_event(calendar_id, draft, key=write.key, notify=Notify.NOBODY)


async def _overwrite(
    session: CalendarSession, task: _Task, draft: EventDraft, *, event_id: str, etag: str | None
) -> Event:
    """Our wish over what we know; somebody else's edit is looked at once, and then overwritten: the booking rules."""
    calendar_id, key = task.calendar.provider_calendar_id, task.write.key
    try:
        return await session.update_event(calendar_id, event_id, draft, key=key, if_match=etag, notify=Notify.NOBODY)
    except EditConflict:
        current = await session.get_event(calendar_id, event_id)
        if current is None or current.cancelled:
            raise EventNotFound(operation="update_event") from None
        return await session.update_event(
            calendar_id, event_id, draft, key=key, if_match=current.etag, notify=Notify.NOBODY
        )


def _wait(attempts: int, error: ProviderError) -> timedelta:
    longest: timedelta = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempts - 1, _MOST_DOUBLINGS))
    jittered = longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter
    return max(jittered, timedelta(seconds=error.retry_after or 0))


async def _lock(session: AsyncSession, write_id: UUID) -> tuple[CalendarWrite, Calendar, Connection] | None:
    row = (
        await session.execute(
            select(CalendarWrite, Calendar, Connection)
            .join(
                Calendar,
                (Calendar.account_id == CalendarWrite.account_id) & (Calendar.id == CalendarWrite.calendar_id),
            )
            .join(
                Connection,
                (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id),
            )
            .where(CalendarWrite.id == write_id, Connection.disconnected_at.is_(None))
            .with_for_update(of=CalendarWrite)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def _still_ours(session: AsyncSession, task: _Task, **values: object) -> CalendarWrite | None:
    """The row, updated and released, if no other run has claimed it since."""
    return await session.scalar(
        update(CalendarWrite)
        .where(CalendarWrite.id == task.write.id, CalendarWrite.fence == task.fence)
        .values(lease_until=None, **values)
        .returning(CalendarWrite)
        .execution_options(populate_existing=True)
    )
