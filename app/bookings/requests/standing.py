"""Whether the time of a meeting request can be had now.

The one rule: what the host is shown is what accepting is judged by. Only what is taken counts: the hours
and limits of the page may have changed since, and whoever accepts knows. Where nobody looks, the limits count as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.offer import alternatives, page_time_around
from app.models.bookings import MeetingRequest
from app.scheduling.availability import Mode, PageTime, Seating
from app.scheduling.slots.caps import days_with_room
from app.scheduling.slots.zones import civil_day
from app.timespan import overlaps


@dataclass(frozen=True, slots=True)
class Look:
    """A request, and what is known of its time."""

    request: MeetingRequest
    clashes: bool | None
    """None while nobody can tell."""
    alternatives: Sequence[dict[str, Any]] = ()
    """Where it clashes: the nearest times that are open."""


def is_open(request: MeetingRequest, now: datetime) -> bool:
    """Whether it still waits for an answer."""
    return request.status == "pending" and request.expires_at > now


async def page_time_of_request(session: AsyncSession, request: MeetingRequest) -> PageTime:
    """The page, which may have been deleted since, and its host's time around the request."""
    return await page_time_around(session, request.page_id, request.start, request.duration_minutes)


def as_asked(request: MeetingRequest, page: PageTime) -> PageTime:
    """The page as mails about the request tell of it: first comes who was asked, of a round robin perhaps a member."""
    hosts = sorted(page.hosts, key=lambda item: item.host.id != request.host_id)
    return replace(page, hosts=tuple(hosts))


def free_seatings(request: MeetingRequest, page: PageTime) -> list[Seating]:
    """Who could host it and has nothing else then."""
    wanted = page.rules(request.duration_minutes).buffered(request.start)
    return [item for item in page.seatings() if not overlaps(item.busy, wanted) and not overlaps(item.reserved, wanted)]


def clashes(request: MeetingRequest, page: PageTime) -> bool | None:
    """Whether its time is taken; None while nobody can tell."""
    if page.mode is Mode.OFFLINE or page.unavailable:
        return None
    return not free_seatings(request, page)


def is_within_limits(request: MeetingRequest, page: PageTime) -> bool:
    """Whether its day and its week have room for one more meeting of the page (R32)."""
    rules = page.rules(request.duration_minutes)
    zone = rules.hours.zone
    return days_with_room(rules.caps, zone, page.booked_starts)(civil_day(zone, request.start))


async def look_at(session: AsyncSession, request: MeetingRequest, *, now: datetime) -> Look:
    """What is known of its time now; once it is answered, what was known then."""
    if not is_open(request, now):
        return Look(request, request.clashes)
    page = await page_time_of_request(session, request)
    taken = clashes(request, page)
    if not taken:
        return Look(request, taken)
    minutes, second = request.duration_minutes, int(now.timestamp())
    return Look(request, taken, alternatives(page, minutes, start=request.start, now=second))
