"""Carrying out wishes (see `service.py`): one event, at the provider, exactly once.

    claim [transaction]  lease, fence, the wish as it is now
    write [none open]    create, update or cancel; after an unknown result the event is looked for by its key
    save  [transaction]  what stands there now, in the row and in the mirror

The one rule: a run writes well inside its lease. One that was overtaken all the same, and may have written, has the
winner look again.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import find_user
from app.calendar import Clock, Event, Timed
from app.calendar_writes.observing import nothing_stands, observe
from app.calendar_writes.patience import Verdict, verdict
from app.calendar_writes.permits import Permits, why_not_now
from app.calendar_writes.placing import ClaimedWrite, FencedOff, Outcome, Placing
from app.calendar_writes.service import draft_from_json, draft_to_json, to_be_shown
from app.calendar_writes.standing import dates_of_series, removed_by
from app.connections.access import CalendarAccess
from app.connections.health import mark_broken
from app.database import transaction
from app.failpoints import Failpoint, reached
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, CalendarSync, Connection
from app.outbound.post import post_event_unwritten
from app.providers.base import AmbiguousOutcome, ProviderError
from app.queue import Enqueued, Job, enqueue
from app.sync.backoff import OwnFault
from app.sync.batch import Batch
from app.sync.busy import seconds_of, zone_or_utc
from app.sync.changes import note_one
from app.sync.mirror import BEHIND, UNTOLD, Mirror
from app.sync.repository import read_once_more
from app.telemetry.metrics import WRITES
from app.timespan import to_moment

LEASE = timedelta(seconds=60)
_WRITE_SECONDS = 45
_LOOK_AGAIN = timedelta(minutes=3)
"""When a write that nobody saw the end of has landed, or never will."""

log = structlog.get_logger(__name__)


class EventWriter:
    """Runs `write_event`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access: CalendarAccess,
        clock: Clock,
        permits: Permits,
        *,
        horizon_days: int,
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._clock = clock
        self._permits = permits
        self._horizon = timedelta(days=horizon_days)

    async def run(self, account_id: UUID, write_id: UUID) -> None:
        """Make the wish true; again while it changes meanwhile."""
        again = True
        while again:
            claimed = await self._claim(account_id, write_id)
            again = claimed is not None and await self._try(claimed)

    async def repack(self, account_id: UUID, write_id: UUID) -> None:
        """Pack the months of a moved event again: the reservation holds its time, so the mirror must leave it out."""
        async with transaction(self._sessions, account_id) as session:
            found = await _find(session, write_id)
            if found is None:
                return
            write, calendar, _ = found
            mirror = await self._mirror(session, calendar)
            if mirror is not None and write.written_start is not None and write.written_end is not None:
                mirror.touch(Timed(write.written_start, write.written_end))
                await mirror.pack()

    async def _try(self, claimed: ClaimedWrite) -> bool:
        """One try; whether the wish has changed meanwhile."""
        try:
            return await self._finish(claimed, await self._write(claimed))
        except FencedOff:
            _count(claimed, "fenced_off")
            log.info("calendar_write.fenced_off", write_id=str(claimed.write.id))
        except ProviderError as error:
            await self._fail(claimed, error)
        except Exception:
            await self._fail(claimed, OwnFault(operation="write_event"), comes_back=True)
            raise
        return False

    async def _claim(self, account_id: UUID, write_id: UUID) -> ClaimedWrite | None:
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            found = await _find(session, write_id, lock=True)
            if found is None:
                return None
            write, calendar, connection = found
            looking = write.written_seq == write.desired_seq
            if connection.status != "active" or not _is_work(write, now):
                return None  # done, given up, or waiting for the person; a healed connection resumes it
            if write.lease_until is not None and write.lease_until > now:
                wait = write.lease_until - now + timedelta(seconds=1)
                await enqueue(session, [Enqueued(Job.WRITE_EVENT, account_id, write_id, delay=wait)])
                return None
            if not looking and (reason := await self._why_not(session, write, connection, now)):
                write.status, write.last_error, write.failing_since = "failed", reason, None
                await enqueue(session, _to_be_recorded(write))
                return None
            first = write.attempts == 0 and write.fence == 0
            write.fence += 1
            write.attempts += 1
            write.lease_until = now + LEASE
            draft = None if write.draft is None else draft_from_json(write.draft)
            return ClaimedWrite(
                write=write,
                calendar=calendar,
                connection=connection,
                draft=draft,
                fence=write.fence,
                seq=write.desired_seq,
                first=first,
                looking=looking,
                dates=await dates_of_series(session, write) if draft is None else None,
            )

    async def _why_not(
        self, session: AsyncSession, write: CalendarWrite, connection: Connection, now: datetime
    ) -> str | None:
        mails_guests = self._access.mails_guests(connection.provider)
        return await why_not_now(session, write, connection, self._permits, mails_guests=mails_guests, now=now)

    async def _write(self, claimed: ClaimedWrite) -> Outcome:
        """One try, ended before its lease ends: what it has sent by then may have landed or not."""
        connection, now = claimed.connection, self._clock()
        placing = Placing(
            self._access.open(connection.account_id, connection.id, connection.provider),
            claimed,
            still_ours=partial(self._is_ours, claimed),
            anywhere=Timed(now, now + self._horizon),
        )
        reached(Failpoint.WRITE_BEFORE_APPLIED)
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                outcome = await placing.run()
        except TimeoutError as error:
            raise AmbiguousOutcome("the lease would have ended", operation="write_event") from error
        reached(Failpoint.WRITE_AFTER_APPLIED)
        return outcome

    async def _is_ours(self, claimed: ClaimedWrite) -> bool:
        async with transaction(self._sessions, claimed.connection.account_id) as session:
            fence = await session.scalar(select(CalendarWrite.fence).where(CalendarWrite.id == claimed.write.id))
            return fence == claimed.fence

    async def _finish(self, claimed: ClaimedWrite, outcome: Outcome) -> bool:
        """Save what stands there; whether the wish has changed meanwhile."""
        event, now = outcome.event, self._clock()
        more = event is not None and _has_more_to_tell(claimed, event, outcome)
        async with transaction(self._sessions, claimed.connection.account_id) as session:
            write = await _still_ours(
                session,
                claimed,
                written_seq=claimed.seq,
                ical_uid=(None if event is None else event.ical_uid) or claimed.write.ical_uid,
                video_url=None if event is None else event.video_url,
                last_error=None,
                failing_since=None,
                look_again_at=None,
            )
            if write is None:
                await _have_winner_look(session, claimed)
                return False
            if event is None:
                nothing_stands(write)
            else:
                span = _span_of(event, claimed.calendar)
                observe(write, event.id, None if more else event.etag, span=(span.start, span.end))
            write.extra_event_ids = [i for i in write.extra_event_ids if i not in claimed.write.extra_event_ids]
            if write.desired_seq == claimed.seq:
                write.status, write.attempts = "written", 0
            await self._observe(session, claimed, event)
            await session.flush()
            jobs = _to_be_recorded(write, before=claimed.write)
            if event is not None and more:
                jobs.append(await note_one(session, claimed.calendar, event, now=now))
            await enqueue(session, jobs)
            if not (outcome.sure or claimed.looking):
                await self._look_again(session, write)
            _count(claimed, "written")
            return write.desired_seq != claimed.seq

    async def _look_again(self, session: AsyncSession, write: CalendarWrite) -> None:
        """A write of an earlier try may land after we have looked, and nobody would remove what it made."""
        write.look_again_at = self._clock() + _LOOK_AGAIN
        await session.flush()
        wait = _LOOK_AGAIN + timedelta(seconds=1)
        await enqueue(session, [Enqueued(Job.WRITE_EVENT, write.account_id, write.id, delay=wait)])

    async def _observe(self, session: AsyncSession, claimed: ClaimedWrite, event: Event | None) -> None:
        """Tell the mirror, so that the freed or taken time shows before the next sync does."""
        mirror = await self._mirror(session, claimed.calendar)
        if mirror is None:
            return
        await read_once_more(session, claimed.calendar.id, now=self._clock())
        batch = Batch()
        if event is not None:
            batch.events[event.id] = event
        else:
            batch.gone.update(await removed_by(session, claimed))
        await mirror.save(batch)
        await mirror.pack()

    async def _mirror(self, session: AsyncSession, calendar: Calendar) -> Mirror | None:
        """The calendar's mirror, if it has one.

        Under the lock of its sync: two that pack the same month at once would each lose what the other saw.
        """
        now = self._clock()
        found = await session.scalar(
            select(CalendarSync.calendar_id).where(CalendarSync.calendar_id == calendar.id).with_for_update()
        )
        if found is None:
            return None
        horizon = Timed(now - BEHIND, now + self._horizon)
        return Mirror(session, calendar, generation=UNTOLD, horizon=horizon)

    async def _fail(self, claimed: ClaimedWrite, error: ProviderError, *, comes_back: bool = False) -> None:
        """Save what became of the try; `comes_back`: its job will, by itself."""
        now = self._clock()
        async with transaction(self._sessions, claimed.connection.account_id) as session:
            write = await _still_ours(session, claimed)
            if write is None:
                if isinstance(error, AmbiguousOutcome):
                    await _have_winner_look(session, claimed)
                return
            write.failing_since = write.failing_since or now
            decision = verdict(
                error, attempts=write.attempts, failing_since=write.failing_since, ends_at=write.ends_at, now=now
            )
            if not claimed.looking:
                write.last_error = error.code
            wait = await self._carry_out(session, claimed, write, error, decision, now=now)
            if decision.tell and not claimed.looking:
                await _tell_host(session, write, error.code)
            jobs = _to_be_recorded(write)
            if wait is not None and not comes_back:
                jobs.append(Enqueued(Job.WRITE_EVENT, write.account_id, write.id, delay=wait))
            await enqueue(session, jobs)
        _count(claimed, error.code)
        log.warning(
            "calendar_write.failed", write_id=str(claimed.write.id), error=error.code, operation=error.operation
        )

    @staticmethod
    async def _carry_out(
        session: AsyncSession,
        claimed: ClaimedWrite,
        write: CalendarWrite,
        error: ProviderError,
        decision: Verdict,
        *,
        now: datetime,
    ) -> timedelta | None:
        """When it is tried again; at once, where the connection was healed meanwhile."""
        if decision.broken:
            reason = error.provider_code or "token_revoked"
            broken = await mark_broken(session, claimed.connection, reason=reason, now=now)
            return None if broken else timedelta()
        if decision.given_up and claimed.looking:
            write.look_again_at = None
        elif decision.given_up:
            write.status = "failed"
        return decision.wait


def _span_of(event: Event, calendar: Calendar) -> Timed:
    """When it is; days are those of the calendar's zone."""
    if isinstance(event.when, Timed):
        return event.when
    start, end = seconds_of(event.when, zone_or_utc(calendar.time_zone))
    return Timed(to_moment(start), to_moment(end))


def _count(claimed: ClaimedWrite, outcome: str) -> None:
    WRITES.labels(claimed.connection.provider, outcome).inc()


def _is_work(write: CalendarWrite, now: datetime) -> bool:
    """A wish that has not come true and is not given up, or one whose place is to be looked at once more."""
    if write.written_seq == write.desired_seq:
        return write.look_again_at is not None and write.look_again_at <= now
    return write.status != "failed"


def _has_more_to_tell(claimed: ClaimedWrite, event: Event, outcome: Outcome) -> bool:
    """Whether the event is to be read again: it is not known as it stands, or its video call is still to be made."""
    awaited = claimed.draft is not None and claimed.draft.video and event.video_url is None
    return awaited or not outcome.known


def _to_be_recorded(write: CalendarWrite, *, before: CalendarWrite | None = None) -> list[Enqueued]:
    """A booking's state is read from its write, and its timeline shows two things that may be news since `before`: its
    video link, and what became of an invitation of the provider's. Meetings and tasks have a state of their own.
    """
    linked = write.video_url is not None and (before is None or write.video_url != before.video_url)
    invited = write.invites and (write.status == "failed" or (before is not None and before.event_id is None))
    if write.booking_id is not None and not (linked or invited):
        return []
    return [to_be_shown(write.account_id, write.id, write.booking_id)]


async def _tell_host(session: AsyncSession, write: CalendarWrite, error: str) -> None:
    """By mail of a booking; of everything else its own state tells."""
    booking = await session.scalar(select(Booking).where(Booking.id == write.booking_id))
    if booking is None:
        return
    host = await find_user(session, booking.host_id)
    if host is not None and host.active and write.failing_since is not None:
        await post_event_unwritten(
            session, host, booking, removing=write.draft is None, error=error, unless_since=write.failing_since
        )


async def _have_winner_look(session: AsyncSession, claimed: ClaimedWrite) -> None:
    """We have lost our turn, and what we sent may have landed after what the winner wrote: it writes once more."""
    write = await session.scalar(
        update(CalendarWrite)
        .where(CalendarWrite.id == claimed.write.id)
        .values(desired_seq=CalendarWrite.desired_seq + 1, status="pending")
        .returning(CalendarWrite)
        .execution_options(populate_existing=True)
    )
    if write is not None:
        if write.draft is not None and claimed.draft is not None:
            draft = draft_from_json(write.draft)
            write.draft = draft_to_json(replace(draft, keeps=draft.keeps & claimed.draft.keeps))
        await enqueue(session, [Enqueued(Job.WRITE_EVENT, claimed.write.account_id, write.id)])
    _count(claimed, "overtaken")
    log.warning("calendar_write.overtaken", write_id=str(claimed.write.id))


async def _find(
    session: AsyncSession, write_id: UUID, *, lock: bool = False
) -> tuple[CalendarWrite, Calendar, Connection] | None:
    query = (
        select(CalendarWrite, Calendar, Connection)
        .join(
            Calendar,
            (Calendar.account_id == CalendarWrite.account_id) & (Calendar.id == CalendarWrite.calendar_id),
        )
        .join(Connection, ON_CONNECTION)
        .where(CalendarWrite.id == write_id, Connection.disconnected_at.is_(None))
    )
    row = (await session.execute(query.with_for_update(of=CalendarWrite) if lock else query)).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def _still_ours(session: AsyncSession, claimed: ClaimedWrite, **values: object) -> CalendarWrite | None:
    """The row, updated and released, if no other run has claimed it since."""
    return await session.scalar(
        update(CalendarWrite)
        .where(CalendarWrite.id == claimed.write.id, CalendarWrite.fence == claimed.fence)
        .values(lease_until=None, **values)
        .returning(CalendarWrite)
        .execution_options(populate_existing=True)
    )
