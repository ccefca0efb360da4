"""A visitor's own booking or meeting request.

The one rule: a wrong token, somebody else's booking and one that never existed are answered alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings import repository
from app.bookings.change import Changed
from app.bookings.offer import page_time_of_booking
from app.bookings.ownership import Held
from app.bookings.requests.standing import page_time_of_request
from app.bookings.tokens import BookingTokens
from app.database import enter_by_link
from app.errors import BookingTokenInvalid
from app.models.bookings import Booking, MeetingRequest
from app.models.directory import Directory
from app.scheduling.availability import PageTime

_NO_HASH = bytes(32)
_KEPT = timedelta(days=90)
"""How long after a meeting its links can still be opened."""

Made = TypeVar("Made", Booking, MeetingRequest)


@dataclass(frozen=True, slots=True)
class Asked:
    """A meeting request, as read for its visitor, and the page it was made on."""

    request: MeetingRequest
    page: PageTime


async def get_held_booking(
    session: AsyncSession, tokens: BookingTokens, booking_id: UUID, token: str, *, now: datetime
) -> Held:
    """The booking of whoever holds its token. Raises: BookingTokenInvalid."""
    enter_by_link(session, Directory.BOOKING, booking_id)
    found = await repository.find_with_event(session, booking_id)
    booking, write = found or (None, None)
    return Held(_shown(tokens, token, booking_id, booking, now=now), write)


async def get_visitor_booking(
    session: AsyncSession, tokens: BookingTokens, booking_id: UUID, token: str, *, now: datetime
) -> Changed:
    """The booking, its page and its event. Raises: BookingTokenInvalid, NotFound."""
    held = await get_held_booking(session, tokens, booking_id, token, now=now)
    return Changed(held.booking, await page_time_of_booking(session, held.booking), held.write)


async def get_visitor_request(
    session: AsyncSession, tokens: BookingTokens, request_id: UUID, token: str, *, now: datetime
) -> Asked:
    """The meeting request and its page. Raises: BookingTokenInvalid, NotFound."""
    enter_by_link(session, Directory.MEETING_REQUEST, request_id)
    found = await repository.find_request(session, request_id)
    request = _shown(tokens, token, request_id, found, now=now)
    return Asked(request, await page_time_of_request(session, request))


def _shown(tokens: BookingTokens, token: str, subject_id: UUID, found: Made | None, *, now: datetime) -> Made:
    """What was found, to whoever holds its token."""
    matches = tokens.match(token, subject_id, _NO_HASH if found is None else found.token_hash)
    if found is None or not matches or found.ends_at + _KEPT < now:
        raise BookingTokenInvalid
    return found
