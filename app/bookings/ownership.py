"""Whose a booking or a meeting request is: who of the account reads, answers and changes it.

The one rule: its hosts, the owner of the page it was made on, and a service that may book (R50) do the same with it,
in lists and one by one; to everybody else it is as if it did not exist.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.bookings import repository
from app.errors import NotFound
from app.models.bookings import Booking, MeetingRequest
from app.models.calendar_writes import CalendarWrite


@dataclass(frozen=True, slots=True)
class Held:
    """A booking, and its event, as read for somebody who was shown to have it."""

    booking: Booking
    write: CalendarWrite | None


async def concerns(session: AsyncSession, made: Booking | MeetingRequest, user_id: UUID | None) -> bool:
    """Whether it is this user's; None: a service of the account, which may do what its users may."""
    if user_id is None or user_id in made.host_ids:
        return True
    return await repository.owner_of_page(session, made.page_id) == user_id


async def get_own_booking(session: AsyncSession, principal: Principal, booking_id: UUID) -> Held:
    """The caller's booking. Raises: NotFound."""
    found = await repository.find_with_event(session, booking_id)
    if found is None or not await concerns(session, found[0], principal.user_id):
        raise NotFound
    return Held(*found)


async def get_own_request(session: AsyncSession, principal: Principal, request_id: UUID) -> MeetingRequest:
    """The caller's meeting request. Raises: NotFound."""
    request = await repository.find_request(session, request_id)
    if request is None or not await concerns(session, request, principal.user_id):
        raise NotFound
    return request
