"""What is taken of hosts' time and by what: each calendar and each booking by itself, where slots only see the sum.

The one rule: only what bears on slots is in it. A calendar that its owner does without while it cannot be read is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.scheduling.availability import PageTime
from app.scheduling.host_time import HostTime
from app.scheduling.report.obstacles import Rule, Taken
from app.timespan import Span, Spans, covering, merge, reaching_into, subtract, unpack

_AROUND = timedelta(days=3)  # a meeting of a day, and its buffers
_CALENDARS = """
SELECT c.id, c.name,
       ARRAY(SELECT m.busy FROM busy_months m
              WHERE m.account_id = c.account_id AND m.calendar_id = c.id AND m.month BETWEEN $3 AND $4) AS firm,
       ARRAY(SELECT m.tentative FROM busy_months m
              WHERE m.account_id = c.account_id AND m.calendar_id = c.id AND m.month BETWEEN $3 AND $4) AS tentative
  FROM calendars c
 WHERE c.account_id = $1 AND c.id = ANY ($2)
 ORDER BY c.is_primary DESC, c.name, c.id
"""
_BOOKED = """
SELECT r.host_id, r.booking_id, lower(r.during) AS begins, upper(r.during) AS ends, b.starts_at, b.ends_at
  FROM reservations r
  LEFT JOIN bookings b ON b.account_id = r.account_id AND b.id = r.booking_id
 WHERE r.account_id = $1 AND r.host_id = ANY ($2) AND r.during && tstzrange($3, $4)
   AND (r.expires_at IS NULL OR r.expires_at > now())
"""

HostTaken = Mapping[UUID, Sequence[Taken]]
"""By host."""


class CalendarTime(NamedTuple):
    """What one calendar says."""

    name: str
    firm: Spans
    tentative: Spans
    """Tentative and nothing more."""


@dataclass(frozen=True, slots=True)
class PageTaken:
    """What is taken of a page's hosts around a span."""

    by_host: HostTaken
    calendars: Mapping[UUID, CalendarTime]
    """The watched ones by id, each host's primary calendar first."""


class _Booked(NamedTuple):
    taken: Taken
    events: Sequence[Span]
    """The span of its event, where it has one."""


async def load_taken(session: AsyncSession, page: PageTime, between: Span) -> PageTaken:
    """Everything that is taken of the page's hosts around a span."""
    start, end = (datetime.fromtimestamp(second, UTC) for second in between)
    early, late = start - _AROUND, end + _AROUND
    connection = await session.connection()
    calendars = await _read_calendars(connection, page, early, late)
    taken: dict[UUID, list[Taken]] = {host.host.id: [] for host in page.hosts}
    events: dict[UUID, list[Span]] = {host.host.id: [] for host in page.hosts}
    for booked in await _booked(connection, page, early, late):
        taken[booked.taken.host_id].append(booked.taken)
        events[booked.taken.host_id] += booked.events
    for host in page.hosts:
        taken[host.host.id] += _by_calendars(host, calendars, merge(events[host.host.id]))
    return PageTaken(taken, calendars)


def _by_calendars(host: HostTime, calendars: Mapping[UUID, CalendarTime], events: Spans) -> Iterator[Taken]:
    """What is taken in a host's calendars; the events of what they are booked for are told as that, not twice."""
    home = None if host.destination is None else host.destination.calendar_id
    for calendar in host.watched:
        if calendar.gap == "ignore" or calendar.calendar_id not in calendars:
            continue
        _, firm, tentative = calendars[calendar.calendar_id]
        if calendar.calendar_id == home:
            firm, tentative = subtract(firm, events), subtract(tentative, events)
        yield Taken(Rule.BUSY, host.host.id, firm, calendar.calendar_id)
        if host.tentative_blocks:
            yield Taken(Rule.TENTATIVE, host.host.id, tentative, calendar.calendar_id)


async def _read_calendars(
    connection: AsyncConnection, page: PageTime, early: datetime, late: datetime
) -> Mapping[UUID, CalendarTime]:
    watched = [calendar.calendar_id for calendar in page.watched]
    months: tuple[date, date] = early.date().replace(day=1), late.date()
    rows = await connection.exec_driver_sql(_CALENDARS, (page.account_id, watched, *months))
    around = covering(early, late)
    return {
        row.id: CalendarTime(row.name, _together(row.firm, around), _together(row.tentative, around)) for row in rows
    }


def _together(months: Sequence[bytes], around: Span) -> Spans:
    return reaching_into(merge(*map(unpack, months)), around)


async def _booked(connection: AsyncConnection, page: PageTime, early: datetime, late: datetime) -> Sequence[_Booked]:
    """What the hosts are booked for, or held."""
    hosts = [host.host.id for host in page.hosts]
    found = []
    for row in await connection.exec_driver_sql(_BOOKED, (page.account_id, hosts, early, late)):
        rule, events = Rule.HELD, []
        if row.booking_id is not None:
            rule, events = Rule.BOOKED, [covering(row.starts_at, row.ends_at)]
        during = merge([covering(row.begins, row.ends)])
        found.append(_Booked(Taken(rule, row.host_id, during, booking_id=row.booking_id), events))
    return found
