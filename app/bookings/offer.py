"""Whether a slot can be had; when it cannot, the refusal with the nearest other times.

The one rule: `bookMeeting` and `listPublicSlots` judge by the same function over the same data.
"""

from bisect import bisect_left
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import FieldError, NotFound, OutsideBookingWindow, PageTurnedOff, SlotUnavailable, ValidationFailed
from app.models.bookings import Booking
from app.scheduling.availability import PageTime, load_page_time
from app.scheduling.slots.offering import Refusal
from app.timespan import Span

_ALTERNATIVES = 5
_AROUND = 7 * 86400


def around(start: int, duration_minutes: int) -> Span:
    """The span in which alternatives to a slot are looked for."""
    return start - _AROUND, start + duration_minutes * 60 + _AROUND


async def page_time_around(
    session: AsyncSession, page_id: UUID, start: int, duration_minutes: int, *, excluding: UUID | None = None
) -> PageTime:
    """The page, which may have been deleted since, and its hosts' time, a week around the slot. Raises: NotFound."""
    between = around(start, duration_minutes)
    found = await load_page_time(session, page_id, between, excluding=excluding, deleted_too=True)
    if found is None:
        raise NotFound
    return found


async def page_time_of_booking(session: AsyncSession, booking: Booking, *, at: int | None = None) -> PageTime:
    """The booking's page, which may have been deleted since, and its hosts' time without the booking itself.

    `at` is where the booking would begin, when it is to be moved. Raises: NotFound.
    """
    start = booking.start if at is None else at
    return await page_time_around(session, booking.page_id, start, booking.duration_minutes, excluding=booking.id)


def check_open(page: PageTime, duration_minutes: int) -> None:
    """Raises: PageTurnedOff, ValidationFailed (a duration that is not the page's)."""
    if page.turned_off:
        raise PageTurnedOff
    if duration_minutes not in page.configuration.durations_minutes:
        raise ValidationFailed(errors=[FieldError("/duration_minutes", "not_allowed")])


def check_offered(page: PageTime, duration_minutes: int, *, start: int, now: int) -> None:
    """Raises: OutsideBookingWindow, SlotUnavailable with alternatives."""
    match page.refusal(duration_minutes, start=start, now=now):
        case None:
            return
        case Refusal.OUTSIDE_BOOKING_WINDOW:
            raise OutsideBookingWindow
        case _:
            raise slot_taken(page, duration_minutes, start=start, now=now)


def slot_taken(page: PageTime, duration_minutes: int, *, start: int, now: int) -> SlotUnavailable:
    """The refusal, naming the nearest open slots."""
    return SlotUnavailable(extra={"alternatives": alternatives(page, duration_minutes, start=start, now=now)})


def alternatives(
    page: PageTime, duration_minutes: int, *, start: int, now: int, itself: bool = False
) -> list[dict[str, Any]]:
    """Up to five open slots around the wanted one, rising; `itself`: it may be among them."""
    starts = page.offered(duration_minutes, now=now, between=(start - _AROUND, start + _AROUND))
    starts = [other for other in starts if itself or other != start]
    index = bisect_left(starts, start)
    near = starts[max(0, index - _ALTERNATIVES) : index + _ALTERNATIVES]
    chosen = sorted(sorted(near, key=lambda other: abs(other - start))[:_ALTERNATIVES])
    return [{"start_at": _text(other), "end_at": _text(other + duration_minutes * 60)} for other in chosen]


def _text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
