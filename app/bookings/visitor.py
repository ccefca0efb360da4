"""A visitor's own booking or meeting request.

The one rule: a wrong token, somebody else's booking and one that never existed are answered alike.
"""

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings import repository
from app.bookings.change import Changed
from app.bookings.event import owner_of_event
from app.bookings.offer import page_time_of_booking
from app.bookings.tokens import BookingTokens
from app.calendar_writes.service import find_write
from app.errors import BookingTokenInvalid
from app.models.bookings import Booking, MeetingRequest
from app.models.directory import Directory
from app.scheduling import repository as directory

_NO_HASH = bytes(32)
_KEPT = timedelta(days=90)
"""How long after a meeting its links can still be opened."""

Made = TypeVar("Made", Booking, MeetingRequest)


async def get_booking_by_token(
    session: AsyncSession, tokens: BookingTokens, booking_id: UUID, token: str, *, now: datetime
) -> Booking:
    """The booking of whoever holds its token. Raises: BookingTokenInvalid."""
    known = await directory.enter(session, Directory.BOOKING, booking_id)
    found = None if known is None else await repository.find_booking(session, booking_id)
    return _shown(tokens, token, booking_id, found, now=now)


async def get_visitor_booking(
    session: AsyncSession, tokens: BookingTokens, booking_id: UUID, token: str, *, now: datetime
) -> Changed:
    """The booking, its page and its event. Raises: BookingTokenInvalid."""
    booking = await get_booking_by_token(session, tokens, booking_id, token, now=now)
    page = await page_time_of_booking(session, booking)
    return Changed(booking, page, await find_write(session, owner_of_event(booking_id)))


async def get_visitor_request(
    session: AsyncSession, tokens: BookingTokens, request_id: UUID, token: str, *, now: datetime
) -> MeetingRequest:
    """The meeting request. Raises: BookingTokenInvalid."""
    known = await directory.enter(session, Directory.MEETING_REQUEST, request_id)
    found = None if known is None else await repository.find_request(session, request_id)
    return _shown(tokens, token, request_id, found, now=now)


def _shown(tokens: BookingTokens, token: str, subject_id: UUID, found: Made | None, *, now: datetime) -> Made:
    """What was found, to whoever holds its token."""
    matches = tokens.match(token, subject_id, _NO_HASH if found is None else found.token_hash)
    if found is None or not matches or found.ends_at + _KEPT < now:
        raise BookingTokenInvalid
    return found
