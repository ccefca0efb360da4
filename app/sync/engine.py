"""Keeping one calendar's mirror true.

    claim [transaction]  lease, fence, the dirty_seq of before the fetch
    read  [none open]    pages of changes; every touched series anew, whole
    save  [transaction]  mirror, busy months, cursor, synced_seq, what is to be followed: all or nothing
    then                 the features it concerns follow

The one rule: the cursor is saved with the changes it accounts for, by the run that holds the fence. A full listing
sweeps what it did not see after it has seen everything, never before.
"""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock, Timed, Unreadable, normalised
from app.connections import mirroring
from app.connections import repository as connections
from app.connections.access import CalendarAccess
from app.connections.health import mark_broken
from app.database import transaction
from app.failpoints import Failpoint, reached
from app.models.connections import Calendar, CalendarSync, Connection
from app.providers.base import CalendarSession, CursorExpired, ProtocolError, ProviderError, UnreadableEvent
from app.queue import enqueue
from app.sync import repository
from app.sync.backoff import OwnFault, verdict
from app.sync.batch import Batch
from app.sync.changes import ChangeLog, Follow, Topic
from app.sync.expanding import read_series
from app.sync.mirror import BEHIND, Mirror
from app.sync.pace import Kin, Paces
from app.sync.people import AddressBook
from app.sync.polling import next_poll, spread
from app.sync.reading import pages_ahead, read_page
from app.sync.relisting import listing_after, next_listing
from app.sync.run import End, Run, declare_inactive, readable_again, succeeded, was_told
from app.telemetry.metrics import SYNCS

LEASE = timedelta(minutes=2)
_HOLD_AGAIN_AFTER = LEASE / 4
_EXPAND_AGAIN_BELOW = timedelta(days=30)
_SAVE_ROWS = 2000
_MOST_REPEATS = 5

log = structlog.get_logger(__name__)


class _FencedOff(Exception):
    """Another run has taken over; whatever this one knows is old."""


class _ZoneMoved(Exception):
    """The calendar has another zone than we believed: its all-day events block other hours."""

    def __init__(self, time_zone: str) -> None:
        super().__init__(time_zone)
        self.time_zone = time_zone


class SyncEngine:
    """Runs `sync_calendar`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access: CalendarAccess,
        people: AddressBook,
        clock: Clock,
        *,
        horizon_days: int,
        poll_seconds: int,
        push_poll_seconds: int,
        followers: Mapping[Topic, Follow],
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._people = people
        self._clock = clock
        self._horizon = timedelta(days=horizon_days)
        self._poll = timedelta(seconds=poll_seconds)
        self._behind_watch = timedelta(seconds=push_poll_seconds)
        self._followers = followers
        self._paces = Paces()

    async def run(self, account_id: UUID, calendar_id: UUID) -> None:
        """Bring the mirror up to date and have it followed; again while signals came in meanwhile.

        Should it die before what it found is followed, its job comes back, and finds that waiting.
        """
        for _ in range(_MOST_REPEATS):
            end = await self._run_once(account_id, calendar_id)
            for topic in end.topics:
                await self._followers[topic](account_id, calendar_id)
            if not end.again:
                return

    async def _run_once(self, account_id: UUID, calendar_id: UUID) -> End:
        run = await self._claim(account_id, calendar_id)
        if run is None:
            return End()
        try:
            await self._read_changes(run)
            await self._read_series(run)
            return await self._finish(run)
        except _FencedOff:
            _count(run, "fenced_off")
            log.info("sync.fenced_off", calendar_id=str(calendar_id))
        except _ZoneMoved as moved:
            return End(again=await self._move(run, moved.time_zone))
        except CursorExpired as expired:
            return End(again=await self._restart(run, expired))
        except ProviderError as error:
            await self._fail(run, error)
        except Exception:  # its row says when to look again; were the job to come back too, each signal left one more
            log.exception("sync.own_fault", calendar_id=str(calendar_id))
            await self._fail(run, OwnFault(operation="sync"))
        return End()

    async def _claim(self, account_id: UUID, calendar_id: UUID) -> Run | None:
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            found = await repository.lock_sync(session, calendar_id)
            if found is None:
                await mirroring.remove_due(session, calendar_id)
                return None
            sync, calendar, connection = found
            sync.asked = False  # whatever is told from here on asks anew
            if connection.status != "active" or sync.state == "paused":
                await session.refresh(connection)  # whoever broke or healed it may have held the row we waited for
                if connection.status != "active":
                    await mirroring.pause(session, sync)
                    return None
            held = max((until for until in (sync.lease_until, sync.not_before) if until is not None), default=now)
            if held > now:  # a run is under way, which may have died; or the provider has said when to come back
                await mirroring.set_due(session, account_id, calendar_id, at=held)
                return None
            if await self._put_off(session, sync, connection, now):
                return None
            if sync.state == "running":
                sync.failures += 1  # its last run died without a word
            sync.state, sync.last_started_at, sync.lease_until = "running", now, now + LEASE
            sync.fence += 1
            sync.generation += 1 if sync.cursor is None else 0
            await mirroring.set_due(session, account_id, calendar_id, at=now + LEASE)
            at_provider = await self._access.open_in(session, connection)
            run = self._begin(sync, calendar, connection, at_provider, now)
            run.batch.untold = await self._mirror(session, run).untold()
            return run

    async def _put_off(self, session: AsyncSession, sync: CalendarSync, connection: Connection, now: datetime) -> bool:
        """Whether the provider is to be left alone for now: it refuses, or does not answer, much of what we ask."""
        interval = self._interval(sync, now)
        since = None if was_told(sync) else sync.last_succeeded_at
        lag = None if since is None else (now - since) / interval
        wait = self._paces.put_off(self._kin(connection), now=now, lag=lag, interval=interval)
        if wait is not None:
            await mirroring.set_due(session, sync.account_id, sync.calendar_id, at=now + wait)
        return wait is not None

    def _kin(self, connection: Connection) -> Kin:
        shared = self._access.one_service(connection.provider)
        return Kin(connection.provider, connection.account_id, connection.id, shared=shared)

    def _interval(self, sync: CalendarSync, now: datetime, *, whole: bool = False) -> timedelta:
        return next_poll(
            self._poll,
            now=now,
            watched_until=sync.watched_until,
            changed_at=sync.changed_at,
            behind_watch=self._behind_watch,
            whole=whole,
        )

    def _begin(
        self,
        sync: CalendarSync,
        calendar: Calendar,
        connection: Connection,
        at_provider: CalendarSession,
        now: datetime,
    ) -> Run:
        until = sync.expanded_until
        expand_all = until is None or until - now < self._horizon - _EXPAND_AGAIN_BELOW
        return Run(
            calendar=calendar,
            connection=connection,
            session=at_provider,
            fence=sync.fence,
            generation=sync.generation,
            dirty_seq=sync.dirty_seq,
            cursor=sync.cursor,
            horizon=Timed(now - BEHIND, now + self._horizon if until is None or expand_all else until),
            expand_all=expand_all,
            batch=Batch(),
            full=sync.cursor is None,
            kin=self._kin(connection),
            told=was_told(sync),
            first=sync.last_succeeded_at is None,
            own=(normalised(connection.email),),
            held_at=now,
            listed_at=sync.listed_at,
            last_error=sync.last_error,
            failing_since=sync.failing_since,
            failures=sync.failures,
        )

    async def _read_changes(self, run: Run) -> None:
        """Every page; the new cursor comes with the last. Much is saved on the way, without a cursor."""
        cursor, first = None, True
        async with aclosing(pages_ahead(partial(read_page, run))) as pages:
            async for page in pages:
                reached(Failpoint.SYNC_PAGE)
                if first and page.time_zone is not None and page.time_zone != run.calendar.time_zone:
                    raise _ZoneMoved(page.time_zone)
                if page.full and not run.full:
                    await self._list_whole(run)
                run.batch.add(page.changes)
                run.changed = run.changed or (bool(page.changes) and not run.full)
                if run.batch.rows >= _SAVE_ROWS or page.next_page is not None:
                    await self._save_progress(run)
                cursor, first = page.cursor, False
        if cursor is None:
            raise ProtocolError("the last page came without a cursor", operation="sync_page")
        run.cursor = cursor
        await self._look_at_untold(run)

    async def _list_whole(self, run: Run) -> None:
        """No changes are told of this calendar: the cursor led to a full listing, which sweeps what it does not see."""
        async with transaction(self._sessions, run.calendar.account_id) as session:
            sync = await self._hold(session, run, generation=CalendarSync.generation + 1)
        run.full, run.whole, run.generation = True, True, sync.generation

    @staticmethod
    async def _look_at_untold(run: Run) -> None:
        """Exchange does not tell of what came and went between two listings."""
        for event_id in sorted(run.batch.untold):
            try:
                event = await run.session.get_event(run.calendar.provider_calendar_id, event_id)
            except UnreadableEvent:
                run.batch.add([Unreadable(event_id)])
            else:
                run.batch.look_at(event_id, event)

    async def _read_series(self, run: Run) -> None:
        """Every touched series, whole: no delta can be trusted to tell which of its instances are left."""
        wanted = run.batch.touched | await self._others(run)
        run.batch.touched = set()
        async with aclosing(read_series(run, wanted)) as read:
            async for some in read:
                run.batch.series.update(some)
                await self._save_in_time(run)

    async def _others(self, run: Run) -> set[str]:
        """The series that are to be expanded further, although no page named them."""
        if run.full or not run.expand_all:
            return set()
        async with transaction(self._sessions, run.calendar.account_id) as session:
            known = await self._mirror(session, run).known_series()
        return known - run.batch.touched - run.batch.gone - run.batch.events.keys()

    async def _save_in_time(self, run: Run) -> None:
        """Many a series has few rows: the lease has to be held however little there is to save."""
        if run.batch.rows >= _SAVE_ROWS or self._clock() - run.held_at >= _HOLD_AGAIN_AFTER:
            await self._save_progress(run)

    async def _save_progress(self, run: Run) -> None:
        """Save what is known so far and stay alive; the cursor stays where it was."""
        run.held_at = self._clock()
        async with transaction(self._sessions, run.calendar.account_id) as session:
            await self._hold(session, run, lease_until=run.held_at + LEASE)
            changes = self._changes(session, run)
            mirror = self._mirror(session, run, changes)
            await mirror.save(run.batch)
            if not run.full:
                await mirror.pack()  # else page after page would pack the same months
            run.changed = run.changed or (run.full and mirror.differs)
            await enqueue(session, changes.jobs())
        run.batch.saved()

    async def _finish(self, run: Run) -> End:
        """The last of the changes and the cursor that accounts for them."""
        now = self._clock()
        async with transaction(self._sessions, run.calendar.account_id) as session:
            if run.calendar.inactive_reason is not None:  # its row is written: in the order of those who list calendars
                await connections.lock_connection(session, run.calendar.connection_id)
            listed, listing = next_listing(run, now)
            sync = await self._hold(session, run, **succeeded(run, now), **listed)
            changes = self._changes(session, run)
            mirror = self._mirror(session, run, changes)
            if run.expand_all or run.full:
                mirror.touch(run.horizon)  # it moved, and what was beyond it comes into view; or nothing is packed yet
            await mirror.save(run.batch)
            if run.full:
                await mirror.sweep()
                sync.changed_at = now if mirror.differs or run.first else sync.changed_at
            if run.expand_all:
                await mirror.forget_past()  # else a calendar that is read by its changes would only ever grow
            await mirror.pack()
            again = sync.dirty_seq != run.dirty_seq
            pause = mirroring.LOOK_AGAIN if again else spread(self._interval(sync, now, whole=run.whole))
            await mirroring.set_due(session, sync.account_id, sync.calendar_id, at=now + pause, synced_at=now)
            topics, jobs = await changes.hand_over()
            jobs += [*listing, *await readable_again(session, run, now)]
            await enqueue(session, jobs)
            reached(Failpoint.SYNC_BEFORE_CURSOR)
        self._paces.succeeded(run.kin, now=now)
        _count(run, "ok")
        return End(again, topics)

    def _changes(self, session: AsyncSession, run: Run) -> ChangeLog:
        return ChangeLog(session, run.calendar, self._people, own=run.own, now=self._clock())

    def _mirror(self, session: AsyncSession, run: Run, changes: ChangeLog | None = None) -> Mirror:
        return Mirror(session, run.calendar, generation=run.generation, horizon=run.horizon, changes=changes)

    async def _restart(self, run: Run, expired: CursorExpired) -> bool:
        """The provider forgot our cursor: list everything. A listing that expires itself is a failure like others."""
        if run.cursor is None:
            await self._fail(run, expired)
            return False
        async with transaction(self._sessions, run.calendar.account_id) as session:
            held = await self._forget_cursor(session, run)
        _count(run, "cursor_expired")
        log.info("sync.cursor_expired", calendar_id=str(run.calendar.id))
        return held

    async def _move(self, run: Run, time_zone: str) -> bool:
        """The calendar's zone is another: list everything again, as it is there."""
        async with transaction(self._sessions, run.calendar.account_id) as session:
            held = await self._forget_cursor(session, run)
            if held:
                calendar = await session.merge(run.calendar, load=False)
                calendar.time_zone = time_zone
        _count(run, "zone_moved")
        log.info("sync.zone_moved", calendar_id=str(run.calendar.id))
        return held

    @staticmethod
    async def _forget_cursor(session: AsyncSession, run: Run) -> bool:
        values = {"cursor": None, "lease_until": None, "state": "idle"}
        return await repository.still_ours(session, run.calendar.id, run.fence, **values) is not None

    async def _fail(self, run: Run, error: ProviderError) -> None:
        now = self._clock()
        self._paces.failed(run.kin, error, now=now)
        _count(run, error.code)
        async with transaction(self._sessions, run.calendar.account_id) as session:
            # A dead grant is learnt by all calendars of a connection at once, and told to all of them: its lock is
            # taken before any of their rows', else they wait for each other.
            await connections.lock_connection(session, run.calendar.connection_id)
            sync = await repository.still_ours(session, run.calendar.id, run.fence, lease_until=None)
            if sync is None:
                return
            if sync.failing_since is None or sync.last_error != error.code:
                sync.failing_since = now
            sync.last_error = error.code
            sync.failures += 1
            sync.not_before = None if error.retry_after is None else now + timedelta(seconds=error.retry_after)
            decision = verdict(error, failures=sync.failures, failing_since=sync.failing_since, now=now)
            sync.state = decision.state
            calendar = await session.merge(run.calendar, load=False)
            if decision.inactive_reason is not None:
                await declare_inactive(session, calendar, decision.inactive_reason, now=now)
            wait = decision.wait
            if decision.broken:
                reason = error.provider_code or "token_revoked"
                if not await mark_broken(session, run.connection, reason=reason, now=now):
                    sync.state, wait = "idle", mirroring.LOOK_AGAIN
            if wait is not None:
                await mirroring.set_due(session, calendar.account_id, calendar.id, at=now + wait)
            listing = listing_after(error, sync, calendar, now=now)
            await enqueue(session, listing)
        log.warning("sync.failed", calendar_id=str(run.calendar.id), error=error.code, operation=error.operation)

    async def _hold(self, session: AsyncSession, run: Run, **values: object) -> CalendarSync:
        sync = await repository.still_ours(session, run.calendar.id, run.fence, **values)
        if sync is None:
            raise _FencedOff
        return sync


def _count(run: Run, outcome: str) -> None:
    SYNCS.labels(run.kin.provider, "full" if run.full else "changes", outcome).inc()
