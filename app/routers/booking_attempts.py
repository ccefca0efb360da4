"""A visitor who finds no times has the host told (R30)."""

from fastapi import APIRouter, Response

from app.bookings.schemas import BookingAttempt
from app.errors import NotFound, PageTurnedOff
from app.ids import PageId, encode_id
from app.routers.dependencies import Services
from app.routers.openapi_codes import problems
from app.routers.public_pages import PUBLIC
from app.routers.rate_limits import LimitedBooking

router = APIRouter(prefix="/v1/public/scheduling-pages", tags=["Booking"])


@router.post(
    "/{page_id}/booking-attempts",
    summary="Let the host know",
    status_code=202,
    responses=problems(NotFound, PageTurnedOff),
    dependencies=[LimitedBooking],
    openapi_extra=PUBLIC,
)
async def report_booking_attempt(page_id: PageId, services: Services, response: Response) -> BookingAttempt:
    """Have the host told that somebody wanted to book, while a page says that its host is not available.

    The answer is always the same: who asks learns nothing of why, nor whether the host was told a moment ago.
    """
    await services.blocked_attempts.report(page_id)
    response.headers["Location"] = f"/v1/public/scheduling-pages/{encode_id('page', page_id)}"
    return BookingAttempt(page_id=page_id)
