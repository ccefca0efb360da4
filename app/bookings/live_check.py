"""Asking the provider itself whether a slot is still free, moments before it is booked (P1).

The one rule: an answer in time decides; without one, a mirror that is young enough does; without that, nobody books.
Our own events do not count where we wrote them: reservations speak for them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import AllDay, Busy, Clock, Event, Timed
from app.connections.access import CalendarAccess
from app.database import transaction
from app.models.calendar_writes import CalendarWrite
from app.providers.base import CalendarSession, ProviderError
from app.queue import Enqueued, Job, enqueue
from app.scheduling.availability import WatchedCalendar
from app.sync.busy import seconds_of, zone_or_utc
from app.timespan import Span, overlaps

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What is known of a slot."""

    FREE = "free"
    BUSY = "busy"
    UNKNOWN = "unknown"


class LiveCheck:
    """Asks providers about one slot."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access: CalendarAccess,
        clock: Clock,
        *,
        timeout_seconds: float,
        mirror_trusted_seconds: int,
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._clock = clock
        self._timeout = timeout_seconds
        self._trusted = timedelta(seconds=mirror_trusted_seconds)

    async def check(
        self, calendars: Sequence[WatchedCalendar], slot: Span, *, tentative_blocks: bool, moving: str | None = None
    ) -> Verdict:
        """The verdict over all calendars; the mirror has already said the slot is free, so it is synced if it is not.

        `moving` is the key of the event that shall move to the slot: that one is never in its own way.
        """
        question = _Question(slot, tentative_blocks, moving)
        verdict = await self._verdict(calendars, question)
        if verdict is not Verdict.FREE:
            await self._sync_soon(calendars)
        return verdict

    async def _verdict(self, calendars: Sequence[WatchedCalendar], question: "_Question") -> Verdict:
        try:
            async with asyncio.timeout(self._timeout):
                verdicts = await asyncio.gather(*(self._ask(group, question) for group in _by_connection(calendars)))
        except TimeoutError:
            verdicts = [Verdict.UNKNOWN]
        if Verdict.BUSY in verdicts:
            return Verdict.BUSY
        if Verdict.UNKNOWN in verdicts and not self._mirror_is_young(calendars):
            return Verdict.UNKNOWN
        return Verdict.FREE

    def _mirror_is_young(self, calendars: Sequence[WatchedCalendar]) -> bool:
        oldest = self._clock() - self._trusted
        return all(calendar.synced_at is not None and calendar.synced_at >= oldest for calendar in calendars)

    async def _sync_soon(self, calendars: Sequence[WatchedCalendar]) -> None:
        if calendars:
            account_id = calendars[0].account_id
            async with transaction(self._sessions, account_id) as session:
                jobs = [Enqueued(Job.SYNC_CALENDAR, account_id, calendar.calendar_id) for calendar in calendars]
                await enqueue(session, jobs)

    async def _ask(self, calendars: list[WatchedCalendar], question: "_Question") -> Verdict:
        first = calendars[0]
        session = self._access.open(first.account_id, first.connection_id, first.provider)
        window = question.window
        try:
            answers = await session.free_busy([calendar.provider_calendar_id for calendar in calendars], window)
            verdict = Verdict.FREE
            for calendar in calendars:
                times = answers.get(calendar.provider_calendar_id)
                if times is None or not times.known:
                    verdict = Verdict.UNKNOWN
                elif any(item.start < window.end and window.start < item.end for item in times.spans) and (
                    await self._really_busy(session, calendar, question)
                ):
                    return Verdict.BUSY
        except ProviderError as error:
            log.warning("live_check.failed", connection_id=str(first.connection_id), error=error.code)
            return Verdict.UNKNOWN
        return verdict

    async def _really_busy(self, session: CalendarSession, calendar: WatchedCalendar, question: "_Question") -> bool:
        """Whether an event that is not ours blocks the window: free/busy cannot tell ours from others."""
        zone = zone_or_utc(calendar.time_zone)
        ours: list[Event] = []
        async for event in session.list_instances(calendar.provider_calendar_id, question.window):
            if not question.blocked_by(event, zone):
                continue
            if event.key is None or isinstance(event.when, AllDay):
                return True
            ours.append(event)
        return bool(ours) and await self._moved_by_hand(calendar.account_id, ours)

    async def _moved_by_hand(self, account_id: UUID, ours: list[Event]) -> bool:
        """Whether one of our events stands where we did not put it; while a write is under way nobody can tell."""
        async with transaction(self._sessions, account_id) as session:
            rows = await session.scalars(select(CalendarWrite).where(CalendarWrite.key.in_([e.key for e in ours])))
            writes = {row.key: row for row in rows}
        return any(_moved(event, writes.get(event.key or "")) for event in ours)


@dataclass(frozen=True, slots=True)
class _Question:
    """Which slot is asked about, and what counts."""

    slot: Span
    tentative_blocks: bool
    moving: str | None

    @property
    def window(self) -> Timed:
        """The slot as instants."""
        return Timed(datetime.fromtimestamp(self.slot[0], UTC), datetime.fromtimestamp(self.slot[1], UTC))

    def blocked_by(self, event: Event, zone: ZoneInfo) -> bool:
        """Whether the event takes time of the slot."""
        if event.cancelled or event.busy is Busy.FREE or (event.key is not None and event.key == self.moving):
            return False
        if event.busy is Busy.TENTATIVE and not self.tentative_blocks:
            return False
        return overlaps([seconds_of(event.when, zone)], self.slot)


def _moved(event: Event, write: CalendarWrite | None) -> bool:
    if write is None:
        return True  # of a connection that is gone: nothing holds its time but the event
    assert isinstance(event.when, Timed)
    settled = write.written_seq == write.desired_seq
    return settled and (event.when.start, event.when.end) != (write.written_start, write.written_end)


def _by_connection(calendars: Sequence[WatchedCalendar]) -> list[list[WatchedCalendar]]:
    groups: dict[UUID, list[WatchedCalendar]] = {}
    for calendar in calendars:
        groups.setdefault(calendar.connection_id, []).append(calendar)
    return list(groups.values())
