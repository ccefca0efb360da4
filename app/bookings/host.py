"""A host's own bookings and meeting requests.

The one rule: they are found through the caller's own user; somebody else's answer like none at all.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.bookings import repository
from app.errors import NotFound
from app.models.bookings import Booking, MeetingRequest


async def get_own_booking(session: AsyncSession, principal: Principal, booking_id: UUID) -> Booking:
    """The caller's booking. Raises: NotFound."""
    booking = await repository.find_booking(session, booking_id)
    if booking is None or principal.user not in booking.host_ids:
        raise NotFound
    return booking


async def get_own_request(session: AsyncSession, principal: Principal, request_id: UUID) -> MeetingRequest:
    """The caller's meeting request. Raises: NotFound."""
    request = await repository.find_request(session, request_id)
    if request is None or request.host_id != principal.user:
        raise NotFound
    return request
