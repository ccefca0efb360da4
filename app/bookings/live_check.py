"""Asking the provider itself whether a slot is still free, moments before it is booked (P1).

The one rule: an answer in time decides; without one, a mirror that is young enough does; without that, nobody books.
Time that is said to be busy counts as free only where all of it is explained by events that do not count. Our own do
not count where we wrote them: their reservations do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.bookings.shared_answers import SharedAnswers
from app.calendar import AllDay, Busy, BusyTimes, Clock, Event, Timed
from app.connections.access import CalendarAccess
from app.connections.mirroring import ask_for_syncs
from app.database import transaction
from app.models.calendar_writes import CalendarWrite
from app.providers.base import CalendarSession, ProviderError
from app.queue import enqueue
from app.scheduling.host_time import WatchedCalendar
from app.sync.busy import seconds_of, zone_or_utc
from app.telemetry.metrics import code_of
from app.timespan import Span, Spans, clip, covering, merge, overlaps, subtract
from app.vault import MasterKeyAheadError

log = structlog.get_logger(__name__)

_SILENCE: Final = 3.0
"""Seconds in which a provider that did not answer one visitor in time is not asked for the next: each would wait as
long, and in a round robin one after the other.
"""


class Verdict(StrEnum):
    """What is known of a slot."""

    FREE = "free"
    BUSY = "busy"
    UNKNOWN = "unknown"
    LOST = "lost"
    """A calendar of the host cannot be read any more, and no mirror helps (R30)."""
    ASK = "ask"
    """One of them cannot be read, and its person lets the time be asked for."""


@dataclass(frozen=True, slots=True)
class Moving:
    """The event that shall move."""

    key: str
    ical_uid: str
    """Of the copies that its invitations have made in the calendars of those who host it together."""

    def is_it(self, event: Event) -> bool:
        """Whether this is the event, or somebody's copy of it."""
        return event.key == self.key or event.ical_uid == self.ical_uid


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a slot, and which calendars left it open."""

    verdict: Verdict
    unread: frozenset[UUID] = frozenset()
    """The calendars of which nobody knows: asked, and without a mirror or a policy that helps."""


_NOBODY_KNOWS = frozenset({Verdict.LOST, Verdict.UNKNOWN})
_WORST_FIRST = (Verdict.BUSY, Verdict.LOST, Verdict.UNKNOWN, Verdict.ASK, Verdict.FREE)


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
        self._busy_times = SharedAnswers[Mapping[str, BusyTimes]]()
        self._events = SharedAnswers[list[Event]]()
        self._silent_until: dict[UUID, float] = {}
        """Connections whose provider has let somebody wait in vain a moment ago, and the loop's time until then."""

    async def check(self, calendars: Sequence[WatchedCalendar], slot: Span, *, moving: Moving | None = None) -> Checked:
        """The verdict over all calendars. The mirror said the slot is free: unless the answer is that too, they are
        synced soon.

        `slot` comes with its buffers. `moving` is the event that shall move to it: that one is never in its own way.
        What is done without (R30) is not asked: the slots leave it out as well.
        """
        counting = [calendar for calendar in calendars if calendar.gap != "ignore"]
        checked = await self._checked(counting, slot, moving)
        if checked.verdict is not Verdict.FREE:
            await self._sync_soon(counting)
        return checked

    async def _checked(self, calendars: Sequence[WatchedCalendar], slot: Span, moving: Moving | None) -> Checked:
        groups = _by_connection(calendars)
        questions = (_Question(slot, group[0].tentative_blocks, moving) for group in groups)  # each of one person
        asked = await asyncio.gather(*map(self._ask, groups, questions))
        told = zip(chain.from_iterable(groups), chain.from_iterable(asked), strict=True)
        verdicts = {calendar.calendar_id: self._without_answer(calendar, verdict) for calendar, verdict in told}
        worst = next(each for each in _WORST_FIRST if each in verdicts.values() or each is Verdict.FREE)
        return Checked(worst, frozenset(name for name, each in verdicts.items() if each in _NOBODY_KNOWS))

    def _without_answer(self, calendar: WatchedCalendar, verdict: Verdict) -> Verdict:
        """What to do without an answer: a young mirror is as good as one, and then the calendar's policy decides."""
        if verdict not in _NOBODY_KNOWS:
            return verdict
        synced_at = calendar.synced_at
        if verdict is Verdict.UNKNOWN and synced_at is not None and synced_at >= self._clock() - self._trusted:
            return Verdict.FREE
        if calendar.policy == "ignore" or (calendar.policy == "last_known" and synced_at is not None):
            return Verdict.FREE
        return Verdict.ASK if calendar.policy == "request_only" else verdict

    async def _sync_soon(self, calendars: Sequence[WatchedCalendar]) -> None:
        if calendars:
            account_id = calendars[0].account_id
            async with transaction(self._sessions, account_id) as session:
                wanted = [calendar.calendar_id for calendar in calendars]
                await enqueue(session, await ask_for_syncs(session, account_id, wanted, now=self._clock()))

    async def _ask(self, calendars: list[WatchedCalendar], question: "_Question") -> list[Verdict]:
        """What each calendar of one connection says, in time: what is late, or fails, takes nothing back that was said
        before.
        """
        first = calendars[0]
        session = self._access.open(first.account_id, first.connection_id, first.provider)
        told, answers = [Verdict.UNKNOWN] * len(calendars), None
        if self._silent_until.get(first.connection_id, 0.0) > asyncio.get_running_loop().time():
            return told
        try:
            async with asyncio.timeout(self._timeout):
                answers = await self._free_busy(session, calendars, question)
                self._silent_until.pop(first.connection_id, None)
                times = [answers.get(item.provider_calendar_id) for item in calendars]
                told = [question.first_word(each) for each in times]
                for number, (calendar, each) in enumerate(zip(calendars, times, strict=True)):
                    if told[number] is Verdict.BUSY and await self._is_explained(session, calendar, each, question):
                        told[number] = Verdict.FREE
        except TimeoutError:
            if answers is None:  # else it has said something, and says so again
                self._remember_silence(first.connection_id)
            log.warning("live_check.failed", connection_id=str(first.connection_id), error="timed_out")
        except (ProviderError, MasterKeyAheadError) as error:
            log.warning("live_check.failed", connection_id=str(first.connection_id), error=code_of(error))
        return told

    def _remember_silence(self, connection_id: UUID) -> None:
        now = asyncio.get_running_loop().time()
        lasting = {other: until for other, until in self._silent_until.items() if until > now}
        self._silent_until = {**lasting, connection_id: now + _SILENCE}

    async def _free_busy(
        self, session: CalendarSession, calendars: list[WatchedCalendar], question: "_Question"
    ) -> Mapping[str, BusyTimes]:
        """The same for all who ask about the slot now, whatever shall move there."""
        names = [item.provider_calendar_id for item in calendars]
        asked = question.slot, calendars[0].connection_id, *names
        return await self._busy_times.ask(asked, lambda: session.free_busy(names, question.window))

    async def _instances(
        self, session: CalendarSession, calendar: WatchedCalendar, question: "_Question"
    ) -> list[Event]:
        """The same of the events in it."""
        name = calendar.provider_calendar_id

        async def listed() -> list[Event]:
            return [event async for event in session.list_instances(name, question.window)]

        return await self._events.ask((question.slot, calendar.calendar_id, name), listed)

    async def _is_explained(
        self, session: CalendarSession, calendar: WatchedCalendar, times: BusyTimes | None, question: "_Question"
    ) -> bool:
        """Whether all that is said to be busy is so by events that do not count."""
        explained = await self._explained(session, calendar, question)
        return explained is not None and len(subtract(question.taken(times), explained)) == 0

    async def _explained(
        self, session: CalendarSession, calendar: WatchedCalendar, question: "_Question"
    ) -> Spans | None:
        """The time of events that do not count; None when one counts. Free/busy cannot tell ours from others."""
        zone = zone_or_utc(calendar.time_zone)
        ours: list[Event] = []
        passed: list[Span] = []
        for event in await self._instances(session, calendar, question):
            passed.append(seconds_of(event.when, zone))
            if not question.blocked_by(event, zone):
                continue
            if event.key is None or isinstance(event.when, AllDay):
                return None
            ours.append(event)
        return None if ours and await self._moved_by_hand(calendar, ours) else merge(passed)

    async def _moved_by_hand(self, calendar: WatchedCalendar, ours: list[Event]) -> bool:
        """Whether one of our events stands where we did not put it; while a write is under way nobody can tell."""
        async with transaction(self._sessions, calendar.account_id) as session:
            rows = await session.scalars(
                select(CalendarWrite).where(
                    CalendarWrite.key.in_([event.key for event in ours]),
                    CalendarWrite.booking_id.is_not(None),  # nothing is reserved for a meeting of the CRM
                    CalendarWrite.calendar_id == calendar.calendar_id,  # a colleague's booking is as busy as any event
                )
            )
            writes = {row.key: row for row in rows}
        return any(_moved(event, writes.get(event.key or "")) for event in ours)


@dataclass(frozen=True, slots=True)
class _Question:
    """Which slot is asked about, and what counts."""

    slot: Span
    tentative_blocks: bool
    moving: Moving | None

    @property
    def window(self) -> Timed:
        """The slot as instants."""
        return Timed(datetime.fromtimestamp(self.slot[0], UTC), datetime.fromtimestamp(self.slot[1], UTC))

    def taken(self, times: BusyTimes | None) -> Spans:
        """What free/busy says is taken of the slot."""
        spans = () if times is None else times.spans
        return clip((covering(span.start, span.end) for span in spans), self.slot)

    def first_word(self, times: BusyTimes | None) -> Verdict:
        """What free/busy alone says."""
        if times is None or not times.known:
            return Verdict.LOST if times is not None and times.refused else Verdict.UNKNOWN
        return Verdict.BUSY if len(self.taken(times)) else Verdict.FREE

    def blocked_by(self, event: Event, zone: ZoneInfo) -> bool:
        """Whether the event takes time of the slot."""
        if event.cancelled or event.busy is Busy.FREE or (self.moving is not None and self.moving.is_it(event)):
            return False
        if event.busy is Busy.TENTATIVE and not self.tentative_blocks:
            return False
        return overlaps([seconds_of(event.when, zone)], self.slot)


def _moved(event: Event, write: CalendarWrite | None) -> bool:
    if write is None:
        return True  # somebody else's, or of a connection that is gone: nothing holds its time but the event
    assert isinstance(event.when, Timed)
    settled = write.written_seq == write.desired_seq
    return settled and (event.when.start, event.when.end) != (write.written_start, write.written_end)


def _by_connection(calendars: Sequence[WatchedCalendar]) -> list[list[WatchedCalendar]]:
    groups: dict[UUID, list[WatchedCalendar]] = {}
    for calendar in calendars:
        groups.setdefault(calendar.connection_id, []).append(calendar)
    return list(groups.values())
