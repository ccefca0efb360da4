"""Asking the provider itself whether a slot is still free, moments before it is booked (P1).

The one rule: an answer in time decides; without one, a mirror that is young enough does; without that, nobody books.
Our own events do not count: reservations speak for them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import AllDay, Busy, Clock, Event, Timed
from app.connections.access import CalendarAccess
from app.models.connections import Calendar, CalendarSync, Connection
from app.providers.base import CalendarSession, ProviderError
from app.sync.busy import seconds_of, zone_or_utc
from app.timespan import Span, overlaps

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What is known of a slot."""

    FREE = "free"
    BUSY = "busy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Watched:
    """An availability calendar, and when its mirror was last true."""

    account_id: UUID
    connection_id: UUID
    provider: str
    calendar_id: UUID
    provider_calendar_id: str
    time_zone: str
    synced_at: datetime | None


async def watched_calendars(session: AsyncSession, host_id: UUID) -> list[Watched]:
    """The calendars that are checked for the host."""
    rows = await session.execute(
        select(Calendar, Connection.provider, CalendarSync.last_succeeded_at)
        .join(Connection, (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id))
        .outerjoin(
            CalendarSync,
            (CalendarSync.account_id == Calendar.account_id) & (CalendarSync.calendar_id == Calendar.id),
        )
        .where(Connection.user_id == host_id, Connection.disconnected_at.is_(None), Calendar.checked)
    )
    return [
        Watched(
            account_id=calendar.account_id,
            connection_id=calendar.connection_id,
            provider=provider,
            calendar_id=calendar.id,
            provider_calendar_id=calendar.provider_calendar_id,
            time_zone=calendar.time_zone,
            synced_at=synced_at,
        )
        for calendar, provider, synced_at in rows
    ]


class LiveCheck:
    """Asks providers about one slot."""

    def __init__(
        self, access: CalendarAccess, clock: Clock, *, timeout_seconds: float, mirror_trusted_seconds: int
    ) -> None:
        self._access = access
        self._clock = clock
        self._timeout = timeout_seconds
        self._trusted = timedelta(seconds=mirror_trusted_seconds)

    async def check(self, calendars: Sequence[Watched], slot: Span, *, tentative_blocks: bool) -> Verdict:
        """The verdict over all calendars; the mirror has already said the slot is free."""
        try:
            async with asyncio.timeout(self._timeout):
                verdicts = await asyncio.gather(
                    *(self._ask(group, slot, tentative_blocks) for group in _by_connection(calendars))
                )
        except TimeoutError:
            verdicts = [Verdict.UNKNOWN]
        if Verdict.BUSY in verdicts:
            return Verdict.BUSY
        if Verdict.UNKNOWN in verdicts and not self._mirror_is_young(calendars):
            return Verdict.UNKNOWN
        return Verdict.FREE

    def _mirror_is_young(self, calendars: Sequence[Watched]) -> bool:
        oldest = self._clock() - self._trusted
        return all(calendar.synced_at is not None and calendar.synced_at >= oldest for calendar in calendars)

    async def _ask(self, calendars: list[Watched], slot: Span, tentative_blocks: bool) -> Verdict:
        first = calendars[0]
        session = self._access.open(first.account_id, first.connection_id, first.provider)
        window = Timed(datetime.fromtimestamp(slot[0], UTC), datetime.fromtimestamp(slot[1], UTC))
        try:
            answers = await session.free_busy([calendar.provider_calendar_id for calendar in calendars], window)
            verdict = Verdict.FREE
            for calendar in calendars:
                times = answers.get(calendar.provider_calendar_id)
                if times is None or not times.known:
                    verdict = Verdict.UNKNOWN
                elif any(item.start < window.end and window.start < item.end for item in times.spans) and (
                    await self._really_busy(session, calendar, window, tentative_blocks)
                ):
                    return Verdict.BUSY
        except ProviderError as error:
            log.warning("live_check.failed", connection_id=str(first.connection_id), error=error.code)
            return Verdict.UNKNOWN
        return verdict

    @staticmethod
    async def _really_busy(session: CalendarSession, calendar: Watched, window: Timed, tentative_blocks: bool) -> bool:
        """Whether an event that is not ours blocks the window: free/busy cannot tell ours from others."""
        slot = int(window.start.timestamp()), int(window.end.timestamp())
        zone = zone_or_utc(calendar.time_zone)
        async for event in session.list_instances(calendar.provider_calendar_id, window):
            if _blocks(event, tentative_blocks) and overlaps([seconds_of(event.when, zone)], slot):
                return True
        return False


def _blocks(event: Event, tentative_blocks: bool) -> bool:
    if event.cancelled or event.busy is Busy.FREE or _is_ours(event):
        return False
    return tentative_blocks or event.busy is not Busy.TENTATIVE


def _is_ours(event: Event) -> bool:
    return event.key is not None and not isinstance(event.when, AllDay)


def _by_connection(calendars: Sequence[Watched]) -> list[list[Watched]]:
    groups: dict[UUID, list[Watched]] = {}
    for calendar in calendars:
        groups.setdefault(calendar.connection_id, []).append(calendar)
    return list(groups.values())
