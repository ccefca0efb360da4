"""What the CRM is told of bookings and meeting requests (R52).

The one rule: an event says what the API would answer the host, without what depends on who asks or is not known yet;
never a token.
"""

from datetime import datetime
from typing import Final

from app.bookings.requests.standing import Look
from app.bookings.views import booking_view, request_view
from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.bookings import Booking, MeetingRequest
from app.queue import Enqueued, Job
from app.scheduling.availability import PageTime

_NOT_TOLD_OF_REQUESTS: Final = {"allowed_actions", "alternatives"}
_NOT_TOLD: Final = {"allowed_actions", "calendar_event", "video_url"}


def tell_of_booking(rows: Rows, event: EventType, booking: Booking) -> list[Enqueued]:
    """Something happened to a booking: the feed is told, and its contacts' timelines."""
    view = booking_view(booking, None, fixed=(), now=booking.updated_at)
    data = view.model_dump(mode="json", exclude=_NOT_TOLD)
    told = add_event(rows, booking.account_id, event, subject_id=booking.id, data=data, now=booking.updated_at)
    return [told, Enqueued(Job.RECORD_BOOKING, booking.account_id, booking.id)]


def tell_of_request(rows: Rows, event: EventType, request: MeetingRequest) -> Enqueued:
    """Something happened to a meeting request."""
    view = request_view(Look(request, request.clashes), now=request.updated_at)
    data = view.model_dump(mode="json", exclude=_NOT_TOLD_OF_REQUESTS)
    return add_event(rows, request.account_id, event, subject_id=request.id, data=data, now=request.updated_at)


def tell_of_blocked_attempt(rows: Rows, page: PageTime, *, now: datetime) -> Enqueued:
    """Somebody wanted to book while a calendar of the host could not be read (R30); who it was is nobody's business."""
    data = {"page_id": encode_id("page", page.page_id), "host_id": encode_id("usr", page.host.id)}
    event = EventType.BOOKING_ATTEMPT_BLOCKED
    return add_event(rows, page.account_id, event, subject_id=page.page_id, data=data, now=now)
