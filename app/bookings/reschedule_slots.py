"""Where a booking can be moved to.

The one rule: what is listed is judged as the move itself is: by the booking's own length and hosts, as if the booking
took no time, whatever has become of its page.
"""

from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.bare import Fetch
from app.bookings.event import event_key
from app.bookings.seating import fetch_in
from app.errors import NotFound
from app.models.bookings import Booking
from app.scheduling.availability import PageTime, load_page_time
from app.scheduling.public import SlotQuery, rendered
from app.timespan import covering

_BESIDE = """
SELECT e.starts_at, e.ends_at
  FROM mirror_events e
 WHERE e.account_id = $1 AND e.calendar_id = ANY ($2) AND e.starts_at < $5 AND e.ends_at > $4
   AND (e.starts_at, e.ends_at) <> ($4, $5) AND e.key IS DISTINCT FROM $6
   AND (e.busy > 1 OR e.busy = 1 AND e.calendar_id = ANY ($3))
"""
"""What else is in these calendars while the booking is. What takes whole days reaches beyond it, and is seen there."""


async def list_moves(
    session: AsyncSession,
    booking: Booking,
    time_zone: str,
    days: tuple[date, date],
    *,
    now: datetime,
    movable: bool,
) -> bytes:
    """Other times for the booking on these days, as slots, rendered: none unless it is `movable`, as who asks is told
    of it. Raises: NotFound, ValidationFailed.
    """
    query = SlotQuery(time_zone, *days, booking.duration_minutes)
    page = await load_page_time(session, booking.page_id, query.between(), excluding=booking.id, deleted_too=True)
    if page is None:
        raise NotFound
    second, between = int(now.astimezone(UTC).timestamp()), query.between()
    page = await without(fetch_in(session), page, booking)
    open_now = movable and page.host.active
    starts = page.offered(query.duration_minutes, now=second, between=between) if open_now else []
    firm = page.confirmable(query.duration_minutes, starts, now=second, between=between)
    firm.discard(booking.start)
    return rendered(page, query, [start for start in starts if start in firm], firm, now=second)


async def without(fetch: Fetch, page: PageTime, booking: Booking) -> PageTime:
    """The page as if the booking, whose reservations it lacks, stood in nobody's calendar.

    What its hosts have beside it in that time stays. Of an event at the very same time nobody can tell it from the
    booking's invitation until the provider itself is asked.
    """
    if not booking.co_hosts:
        return page
    counting = [calendar for calendar in page.watched if calendar.gap != "ignore"]
    firm = [calendar.calendar_id for calendar in counting]
    tentative = [calendar.calendar_id for calendar in counting if calendar.tentative_blocks]
    times, key = (booking.starts_at, booking.ends_at), event_key(booking.id)
    rows = await fetch(_BESIDE, page.account_id, firm, tentative, *times, key)
    return page.moving(booking.span, beside=[covering(row["starts_at"], row["ends_at"]) for row in rows])
