"""Where a booking can be moved to.

The one rule: what is listed is judged as the move itself is: by the booking's own length and hosts, as if the booking
took no time, whatever has become of its page.
"""

from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.models.bookings import Booking
from app.scheduling.availability import PageTime, load_page_time
from app.scheduling.public import SlotQuery, rendered


async def list_moves(
    session: AsyncSession, booking: Booking, time_zone: str, days: tuple[date, date], *, now: datetime
) -> bytes:
    """Other times for the booking on these days, as slots, rendered. Raises: NotFound, ValidationFailed."""
    query = SlotQuery(time_zone, *days, booking.duration_minutes)
    page = await load_page_time(session, booking.page_id, query.between(), excluding=booking.id, deleted_too=True)
    if page is None:
        raise NotFound
    second, between = int(now.astimezone(UTC).timestamp()), query.between()
    page = without(page, booking)
    starts = page.offered(query.duration_minutes, now=second, between=between) if page.host.active else []
    firm = page.confirmable(query.duration_minutes, starts, now=second, between=between)
    firm.discard(booking.start)
    return rendered(page, query, [start for start in starts if start in firm], firm)


def without(page: PageTime, booking: Booking) -> PageTime:
    """The page as if the booking, whose reservations it lacks, stood in nobody's calendar."""
    return page.moving(booking.span) if booking.co_hosts else page
