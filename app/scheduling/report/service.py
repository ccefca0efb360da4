"""`getAvailabilityReport`: why each time of a page is or is not offered.

    page_time     [query]  the page, its rules and its hosts, as slots are made of them
    taken         [query]  each calendar and each booking by itself
    explanation   [pure]   a verdict on each time
    rendering     [pure]   what is told of it

The one rule: the report says what visitors would be offered, and why; it decides nothing by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.ids import encode_id
from app.scheduling.availability import Mode, PageTime
from app.scheduling.host_slots import own_page_time
from app.scheduling.host_time import HostTime
from app.scheduling.public import SlotQuery, check_duration
from app.scheduling.report.explanation import explain
from app.scheduling.report.obstacles import Obstacle, Rule, Seating, Whose
from app.scheduling.report.rendering import Item, ReportRendering
from app.scheduling.report.taken import CalendarTime, HostTaken, load_taken
from app.scheduling.slots.grid import working_day


async def availability_report(
    session: AsyncSession, principal: Principal, page_id: UUID, query: SlotQuery, *, now: datetime
) -> bytes:
    """The answer, rendered. Raises: NotFound, ValidationFailed."""
    page = await own_page_time(session, principal, page_id, query)
    check_duration(page, query)
    taken = await load_taken(session, page, query.between())
    report = {
        "time_zone": query.time_zone,
        "duration_minutes": query.duration_minutes,
        "mode": page.mode.value,
        "host_available": not page.unavailable,
        "turned_off": page.turned_off,
        "hosts": [_host(host, taken.calendars, reader=principal.user) for host in page.hosts],
        "items": list(
            _items(page, taken.by_host, query, reader=principal.user, now=int(now.astimezone(UTC).timestamp()))
        ),
    }
    return msgspec.json.encode(report)


def _items(page: PageTime, taken: HostTaken, query: SlotQuery, *, reader: UUID, now: int) -> Iterator[Item]:
    rules = page.rules(query.duration_minutes)
    rendering = ReportRendering(query.time_zone, query.duration_minutes, reader=reader)
    verdicts = explain(
        rules,
        seatings(page, taken),
        booked_starts=page.booked_starts,
        now=now,
        between=query.between(),
        daily=working_day(rules.hours),
    )
    return map(rendering.item, verdicts)


def seatings(page: PageTime, taken: HostTaken) -> Sequence[Seating]:
    """Who could host a meeting, and what of their time is in the way; those who are not to be had, too."""
    if not page.is_round_robin or page.mode is Mode.OFFLINE:
        return [_seating(page, page.hosts, taken)]
    return [_seating(page, [host], taken) for host in page.hosts]


def _seating(page: PageTime, hosts: Sequence[HostTime], taken: HostTaken) -> Seating:
    offline = page.mode is Mode.OFFLINE
    return Seating(
        always=[] if offline else [obstacle for host in hosts for obstacle in _unknown(host)],
        taken=[item for host in hosts for item in taken[host.host.id]],
        known_until=[(host.host.id, host.known_until) for host in hosts if host.known_until is not None],
        asks_only=offline or any(host.asks_only for host in hosts),
    )


def _unknown(host: HostTime) -> Iterator[Obstacle]:
    """Why it is not known when a host is free."""
    if not host.connected:
        yield Obstacle(Rule.CALENDAR_NOT_CONNECTED, Whose(host.host.id))
    elif not host.readable:
        lost = [calendar.calendar_id for calendar in host.watched if calendar.gap == "block"]
        yield from (Obstacle(Rule.CALENDAR_UNREACHABLE, Whose(host.host.id, calendar_id)) for calendar_id in lost)
        if not lost:  # the connection is broken, and no calendar of it is known yet
            yield Obstacle(Rule.CALENDAR_UNREACHABLE, Whose(host.host.id))


def _host(host: HostTime, calendars: Mapping[UUID, CalendarTime], *, reader: UUID) -> Item:
    return {
        "user_id": encode_id("usr", host.host.id),
        "name": host.host.name,
        "status": _status(host),
        "calendars": list(_calendars(host, calendars)) if host.host.id == reader else [],
    }


def _status(host: HostTime) -> str:
    if not host.connected:
        return "no_calendar"
    if not host.readable:
        return "unavailable"
    return "request_only" if host.asks_only else "ready"


def _calendars(host: HostTime, calendars: Mapping[UUID, CalendarTime]) -> Iterator[Item]:
    watched = {calendar.calendar_id: calendar for calendar in host.watched}
    for calendar_id, calendar in calendars.items():
        if calendar_id in watched:
            yield {
                "calendar_id": encode_id("cal", calendar_id),
                "name": calendar.name,
                "readable": watched[calendar_id].gap is None,
                "unreachable_policy": watched[calendar_id].policy,
            }
