"""Writing down that the visitor did not come.

The one rule: only a meeting that has begun can be missed; nothing is mailed, the calendar's event stays as it is, and
whatever was done to it is no question any more.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.bookings import repository
from app.bookings.drift import ledger
from app.bookings.drift.news import supersede
from app.bookings.news import tell_of_booking
from app.bookings.ownership import get_own_booking
from app.calendar import Clock
from app.errors import AlreadyCancelled, BookingNotBegun, NotFound, require_version
from app.events.types import EventType
from app.models.bookings import Booking
from app.queue import enqueue


async def mark_no_show(
    session: AsyncSession, principal: Principal, booking_id: UUID, *, if_match: int | None, clock: Clock
) -> Booking:
    """The booking as a no-show; one that is so already stays as it is.

    Raises: NotFound, AlreadyCancelled, BookingNotBegun, VersionMismatch.
    """
    held = await get_own_booking(session, principal, booking_id)
    await repository.lock_hosts_of(session, held.booking)
    booking, now = await repository.find_booking(session, booking_id, lock=True), clock()
    if booking is None:
        raise NotFound
    if booking.status == "cancelled":
        raise AlreadyCancelled
    require_version(if_match, booking.version)
    if booking.status == "no_show":
        return booking
    if booking.starts_at > now:
        raise BookingNotBegun
    booking.status, booking.updated_at = "no_show", now
    booking.version += 1
    add_audit_entry(session, booking.account_id, actor=principal.actor, action="booking.no_show", subject_id=booking_id)
    told = tell_of_booking(session, EventType.BOOKING_NO_SHOW, booking)
    told += supersede(session, (await ledger.open_entries(session, booking_id)).values(), now=now)
    await enqueue(session, told)
    return booking
