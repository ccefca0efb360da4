"""What `bookMeeting` and `createBooking` answer. Pure.

The one rule: of all answers only these hold the visitor's token, also when the request is repeated by its key.
"""

from datetime import datetime

from app.bookings.outcomes import Outcome
from app.bookings.requests.standing import Look
from app.bookings.schemas import BookedOnBehalf, BookingResult, OnBehalfResult, RequestedOnBehalf
from app.bookings.tokens import BookingTokens
from app.bookings.views import FixedProviders, booking_view, public_booking_view, public_request_view, request_view
from app.ids import encode_id
from app.models.bookings import Booking

_CREATED, _ACCEPTED = 201, 202
Headers = dict[str, str]


def booking_result(
    outcome: Outcome, tokens: BookingTokens, *, fixed: FixedProviders, now: datetime
) -> tuple[BookingResult, int, Headers]:
    """The body, the status, and where and in which version to read what was made."""
    made = outcome.made
    token = tokens.token(made.id)
    if isinstance(made, Booking):
        body = public_booking_view(made, outcome.page, outcome.write, fixed=fixed, now=now, token=token)
        return BookingResult(body), _CREATED, _headers(f"/v1/public/bookings/{encode_id('bkg', made.id)}", made)
    asked = public_request_view(made, outcome.page, now=now, token=token)
    return BookingResult(asked), _ACCEPTED, {"Location": f"/v1/public/meeting-requests/{encode_id('mreq', made.id)}"}


def on_behalf_result(outcome: Outcome, *, fixed: FixedProviders, now: datetime) -> tuple[OnBehalfResult, int, Headers]:
    """The same for who booked on a visitor's behalf; the visitor's token is told in the visitor's mail alone."""
    made = outcome.made
    if isinstance(made, Booking):
        seen = booking_view(made, outcome.write, fixed=fixed, now=now)
        body = BookedOnBehalf(kind="booking", **seen.model_dump())
        return OnBehalfResult(body), _CREATED, _headers(f"/v1/bookings/{encode_id('bkg', made.id)}", made)
    asked = request_view(Look(made, made.clashes), now=now)
    answer = RequestedOnBehalf(kind="meeting_request", **asked.model_dump())
    return OnBehalfResult(answer), _ACCEPTED, {"Location": f"/v1/meeting-requests/{encode_id('mreq', made.id)}"}


def _headers(location: str, booking: Booking) -> Headers:
    return {"Location": location, "ETag": f'"{booking.version}"'}
