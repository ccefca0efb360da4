"""What is taken of hosts' time and by what: each calendar and each booking by itself, where slots only see the sum.

The one rule: only what bears on slots is in it. A calendar that its owner does without while it cannot be read is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.scheduling.availability import PageTime
from app.scheduling.host_time import HostTime
from app.scheduling.report.obstacles import Rule, Taken
from app.timespan import Span, Spans, covering, merge, reaching_into, subtract, unpack

_AROUND = timedelta(days=3)  # a meeting of a day, and its buffers
_TAKEN = """
SELECT c.id AS calendar_id, c.name, c.is_primary,
       ARRAY(SELECT m.busy FROM busy_months m
              WHERE m.account_id = c.account_id AND m.calendar_id = c.id AND m.month BETWEEN $4 AND $5) AS firm,
       ARRAY(SELECT m.tentative FROM busy_months m
              WHERE m.account_id = c.account_id AND m.calendar_id = c.id AND m.month BETWEEN $4 AND $5) AS tentative,
       NULL::uuid AS host_id, NULL::uuid AS booking_id, NULL::timestamptz AS begins, NULL::timestamptz AS ends,
       NULL::timestamptz AS starts_at, NULL::timestamptz AS ends_at
  FROM calendars c
 WHERE c.account_id = $1 AND c.id = ANY ($2)
 UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL,
       r.host_id, r.booking_id, lower(r.during), upper(r.during), b.starts_at, b.ends_at
  FROM reservations r
  LEFT JOIN bookings b ON b.account_id = r.account_id AND b.id = r.booking_id
 WHERE r.account_id = $1 AND r.host_id = ANY ($3) AND r.until > $6 AND r.during && tstzrange($6, $7)
   AND (r.expires_at IS NULL OR r.expires_at > now())
"""
"""A row for each calendar, and one for each time that a host is booked for, or held: one round trip."""

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
    rows = await _read(await session.connection(), page, early, late)
    calendars = _calendars([row for row in rows if row.calendar_id is not None], covering(early, late))
    taken: dict[UUID, list[Taken]] = {host.host.id: [] for host in page.hosts}
    events: dict[UUID, list[Span]] = {host.host.id: [] for host in page.hosts}
    for booked in map(_booked, (row for row in rows if row.host_id is not None)):
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


async def _read(connection: AsyncConnection, page: PageTime, early: datetime, late: datetime) -> Sequence[Row[Any]]:
    calendars = [calendar.calendar_id for calendar in page.watched]
    hosts = [host.host.id for host in page.hosts]
    months: tuple[date, date] = early.date().replace(day=1), late.date()
    result = await connection.exec_driver_sql(_TAKEN, (page.account_id, calendars, hosts, *months, early, late))
    return result.all()


def _calendars(rows: Sequence[Row[Any]], around: Span) -> Mapping[UUID, CalendarTime]:
    return {
        row.calendar_id: CalendarTime(row.name, _together(row.firm, around), _together(row.tentative, around))
        for row in sorted(rows, key=lambda row: (not row.is_primary, row.name, row.calendar_id))
    }


def _together(months: Sequence[bytes], around: Span) -> Spans:
    return reaching_into(merge(*map(unpack, months)), around)


def _booked(row: Row[Any]) -> _Booked:
    """What a host is booked for, or held."""
    during = merge([covering(row.begins, row.ends)])
    if row.booking_id is None:
        return _Booked(Taken(Rule.HELD, row.host_id, during), ())
    taken = Taken(Rule.BOOKED, row.host_id, during, booking_id=row.booking_id)
    return _Booked(taken, [covering(row.starts_at, row.ends_at)])
