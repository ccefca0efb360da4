"""From rows to answers about bookings and meeting requests. Pure.

The one rule: a visitor learns of the host no more than the page said; the token is told once.
"""

from datetime import datetime, timedelta
from typing import Any

from app.bookings import schemas
from app.models.bookings import Booking, MeetingRequest
from app.models.calendar_writes import CalendarWrite
from app.scheduling.availability import PageTime


def public_booking_view(
    booking: Booking, page: PageTime, write: CalendarWrite | None, *, now: datetime, token: str | None = None
) -> schemas.PublicBooking:
    """A booking, as its visitor sees it."""
    document = page.configuration
    return schemas.PublicBooking.model_validate(
        {
            "kind": "booking",
            **_appointment(booking),
            "title": page.name,
            "host_name": page.host.name,
            "time_zone": booking.visitor_time_zone,
            "name": booking.visitor_name,
            "email": booking.visitor_email,
            "location": booking.location,
            "video_url": None if write is None else write.video_url,
            "calendar_event": _event_state(write).model_copy(update={"error": None}),  # R34: why is the host's to know
            "can_reschedule": _open(booking, document.reschedule_cutoff_minutes, now),
            "can_cancel": _open(booking, document.cancel_cutoff_minutes, now),
            "booking_token": token,
            "version": booking.version,
        }
    )


def public_request_view(request: MeetingRequest, *, token: str | None = None) -> schemas.PublicMeetingRequest:
    """A meeting request, as its visitor sees it."""
    return schemas.PublicMeetingRequest.model_validate(
        {
            "kind": "meeting_request",
            **_appointment(request),
            "time_zone": request.visitor_time_zone,
            "name": request.visitor_name,
            "email": request.visitor_email,
            "expires_at": request.expires_at,
            "booking_token": token,
        }
    )


def booking_view(booking: Booking, write: CalendarWrite | None, *, now: datetime) -> schemas.Booking:
    """A booking, as its host sees it."""
    return schemas.Booking.model_validate(
        {
            **_appointment(booking),
            **_visitor(booking),
            "title": booking.title,
            "location": booking.location,
            "video_url": None if write is None else write.video_url,
            "calendar_event": _event_state(write),
            "cancelled_by": booking.cancelled_by,
            "cancel_reason": booking.cancel_reason,
            "allowed_actions": ["reschedule", "cancel"] if _open(booking, 0, now) else [],
            "version": booking.version,
            "created_at": booking.created_at,
            "updated_at": booking.updated_at,
        }
    )


def request_view(request: MeetingRequest, *, now: datetime) -> schemas.MeetingRequest:
    """A meeting request, as the host sees it; one past its time reads as expired."""
    lapsed = request.status == "pending" and request.expires_at <= now
    return schemas.MeetingRequest.model_validate(
        {
            **_appointment(request),
            **_visitor(request),
            "status": "expired" if lapsed else request.status,
            "clashes": request.clashes,
            "expires_at": request.expires_at,
            "created_at": request.created_at,
            "updated_at": request.updated_at,
        }
    )


def _appointment(row: Booking | MeetingRequest) -> dict[str, Any]:
    return {
        "id": row.id,
        "page_id": row.page_id,
        "status": row.status,
        "start_at": row.starts_at,
        "end_at": row.ends_at,
        "language": row.language,
        "guests": row.guests,
        "answers": row.answers,
    }


def _visitor(row: Booking | MeetingRequest) -> dict[str, Any]:
    return {
        "visitor_name": row.visitor_name,
        "visitor_email": row.visitor_email,
        "visitor_time_zone": row.visitor_time_zone,
    }


def _event_state(write: CalendarWrite | None) -> schemas.CalendarEventState:
    if write is None or write.calendar_id is None:
        return schemas.CalendarEventState(status="not_applicable", error=None)
    return schemas.CalendarEventState.model_validate({"status": write.status, "error": write.last_error})


def _open(booking: Booking, cutoff_minutes: int, now: datetime) -> bool:
    return booking.status == "confirmed" and booking.starts_at - timedelta(minutes=cutoff_minutes) > now
