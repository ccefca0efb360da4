"""What is taken of hosts' time and by what: each calendar and each booking by itself, where slots only see the sum.

The one rule: only what bears on slots is in it. A calendar that its owner does without while it cannot be read is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.bookings import Booking, Reservation
from app.models.mirror import BusyMonth
from app.scheduling.availability import PageTime
from app.scheduling.host_time import HostTime
from app.scheduling.report.obstacles import Rule, Taken
from app.timespan import Span, Spans, covering, merge, subtract, unpack

_AROUND = timedelta(days=3)  # a meeting of a day, and its buffers

HostTaken = Mapping[UUID, Sequence[Taken]]
"""By host."""


async def load_taken(session: AsyncSession, page: PageTime, between: Span) -> HostTaken:
    """Everything that is taken of the page's hosts around a span."""
    start, end = (datetime.fromtimestamp(second, UTC) for second in between)
    early, late = start - _AROUND, end + _AROUND
    busy = await _busy(session, page, early, late)
    taken: dict[UUID, list[Taken]] = {host.host.id: [] for host in page.hosts}
    events: dict[UUID, list[Span]] = {host.host.id: [] for host in page.hosts}
    for booked, event in await _booked(session, page, early, late):
        taken[booked.host_id].append(booked)
        events[booked.host_id] += event
    for host in page.hosts:
        taken[host.host.id] += _by_calendars(host, busy, merge(events[host.host.id]))
    return taken


def _by_calendars(host: HostTime, busy: Mapping[UUID, tuple[Spans, Spans]], events: Spans) -> Iterator[Taken]:
    """What is taken in a host's calendars; the events of what they are booked for are told as that, not twice."""
    home = None if host.destination is None else host.destination.calendar_id
    for calendar in host.watched:
        if calendar.gap == "ignore" or calendar.calendar_id not in busy:
            continue
        firm, tentative = busy[calendar.calendar_id]
        if calendar.calendar_id == home:
            firm, tentative = subtract(firm, events), subtract(tentative, events)
        yield Taken(Rule.BUSY, host.host.id, firm, calendar.calendar_id)
        if host.tentative_blocks:
            yield Taken(Rule.TENTATIVE, host.host.id, tentative, calendar.calendar_id)


async def _busy(
    session: AsyncSession, page: PageTime, early: datetime, late: datetime
) -> Mapping[UUID, tuple[Spans, Spans]]:
    """By calendar: what is busy, and what is tentative and nothing more."""
    rows = await session.execute(
        select(BusyMonth.calendar_id, func.array_agg(BusyMonth.busy), func.array_agg(BusyMonth.tentative))
        .where(
            BusyMonth.account_id == page.account_id,
            BusyMonth.calendar_id.in_([calendar.calendar_id for calendar in page.watched]),
            BusyMonth.month.between(early.date().replace(day=1), late.date()),
        )
        .group_by(BusyMonth.calendar_id)
    )
    return {
        calendar_id: (merge(*map(unpack, firm)), merge(*map(unpack, tentative)))
        for calendar_id, firm, tentative in rows
    }


async def _booked(
    session: AsyncSession, page: PageTime, early: datetime, late: datetime
) -> Sequence[tuple[Taken, Sequence[Span]]]:
    """What the hosts are booked for, or held, with the span of its event."""
    rows = await session.execute(
        select(Reservation.host_id, Reservation.during, Reservation.booking_id, Booking.starts_at, Booking.ends_at)
        .outerjoin(Booking, (Booking.account_id == Reservation.account_id) & (Booking.id == Reservation.booking_id))
        .where(
            Reservation.account_id == page.account_id,
            Reservation.host_id.in_([host.host.id for host in page.hosts]),
            Reservation.during.overlaps(Range(early, late)),
            or_(Reservation.expires_at.is_(None), Reservation.expires_at > func.now()),
        )
    )
    found: list[tuple[Taken, Sequence[Span]]] = []
    for row in rows:
        rule, event = Rule.HELD, []
        if row.booking_id is not None:
            rule, event = Rule.BOOKED, [covering(row.starts_at, row.ends_at)]
        during = merge([covering(row.during.lower, row.during.upper)])
        found.append((Taken(rule, row.host_id, during, booking_id=row.booking_id), event))
    return found
