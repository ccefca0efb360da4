"""What `bookMeeting` answers. Pure.

The one rule: the visitor's token is told here, once, and where a key repeats the request.
"""

from datetime import datetime

from app.bookings.book import Outcome
from app.bookings.schemas import BookingResult
from app.bookings.tokens import BookingTokens
from app.bookings.views import public_booking_view, public_request_view
from app.ids import encode_id
from app.models.bookings import Booking

_CREATED, _ACCEPTED = 201, 202


def booking_result(outcome: Outcome, tokens: BookingTokens, *, now: datetime) -> tuple[BookingResult, int, str | None]:
    """The body, the status, and where to read what was made."""
    made = outcome.made
    token = tokens.token(made.id)
    if isinstance(made, Booking):
        body = public_booking_view(made, outcome.page, outcome.write, now=now, token=token)
        return BookingResult(body), _CREATED, f"/v1/public/bookings/{encode_id('bkg', made.id)}"
    return BookingResult(public_request_view(made, token=token)), _ACCEPTED, None
