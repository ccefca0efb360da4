"""A visitor's own booking.

The one rule: a wrong token, somebody else's booking and one that never was answer the same.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings import repository
from app.bookings.change import Changed
from app.bookings.event import owner_of_event
from app.bookings.offer import page_time_around
from app.bookings.tokens import BookingTokens
from app.calendar_writes.service import find_write
from app.database import enter_account
from app.errors import BookingTokenInvalid
from app.models.directory import Directory
from app.scheduling import repository as directory

_NO_HASH = bytes(32)
_KEPT = timedelta(days=90)
"""How long after a meeting its links can still be opened."""


async def find_visitor_booking(
    session: AsyncSession, tokens: BookingTokens, booking_id: UUID, token: str, *, now: datetime
) -> Changed:
    """The booking, its page and its event. Raises: BookingTokenInvalid."""
    entry = await directory.look_up(session, Directory.BOOKING, booking_id.hex)
    booking = None
    if entry is not None:
        await enter_account(session, entry.account_id)
        booking = await repository.find_booking(session, booking_id)
    matches = tokens.match(token, booking_id, _NO_HASH if booking is None else booking.token_hash)
    if booking is None or not matches or booking.ends_at + _KEPT < now:
        raise BookingTokenInvalid
    minutes = int((booking.ends_at - booking.starts_at).total_seconds()) // 60
    start = int(booking.starts_at.timestamp())
    page = await page_time_around(session, booking.page_id, start, minutes, excluding=booking_id)
    return Changed(booking, page, await find_write(session, owner_of_event(booking_id)))
