"""From rows to answers about bookings and meeting requests. Pure.

The one rule: a visitor learns of the host no more than the page said; the token is told once.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from app.bookings import hold_schemas, schemas
from app.bookings.event import is_fixed
from app.bookings.requests.standing import Look, is_open
from app.models.bookings import Booking, MeetingRequest, SlotHold
from app.models.calendar_writes import CalendarWrite
from app.scheduling.availability import PageTime

FixedProviders = Collection[str]
"""Those whose events cannot be changed from here (R24)."""


def public_booking_view(
    booking: Booking,
    page: PageTime,
    write: CalendarWrite | None,
    *,
    fixed: FixedProviders,
    now: datetime,
    token: str | None = None,
) -> schemas.PublicBooking:
    """A booking, as its visitor sees it."""
    document, changeable = page.configuration, not is_fixed(write, fixed)
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
            "can_reschedule": visitor_can_move(booking, page, write, fixed=fixed, now=now),
            "can_cancel": changeable and _open(booking, document.cancel_cutoff_minutes, now),
            "reschedule_until": _until(booking, document.reschedule_cutoff_minutes) if changeable else None,
            "cancel_until": _until(booking, document.cancel_cutoff_minutes) if changeable else None,
            "cancelled_by": booking.cancelled_by,
            "cancel_reason": booking.cancel_reason,
            "booking_token": token,
            "version": booking.version,
        }
    )


def visitor_can_move(
    booking: Booking, page: PageTime, write: CalendarWrite | None, *, fixed: FixedProviders, now: datetime
) -> bool:
    """Whether its visitor may choose another time, and is told which there are."""
    in_time = _open(booking, page.configuration.reschedule_cutoff_minutes, now)
    return in_time and page.takes_moves and not is_fixed(write, fixed)


def host_can_move(booking: Booking, write: CalendarWrite | None, *, fixed: FixedProviders, now: datetime) -> bool:
    """The same of its host, as far as the booking itself tells."""
    return _open(booking, 0, now) and not is_fixed(write, fixed)


def public_request_view(
    request: MeetingRequest, page: PageTime, *, now: datetime, token: str | None = None
) -> schemas.PublicMeetingRequest:
    """A meeting request, as its visitor sees it."""
    return schemas.PublicMeetingRequest.model_validate(
        {
            "kind": "meeting_request",
            **_appointment(request),
            "status": _status(request, now),
            "title": page.name,
            "host_name": page.public_host_name,
            "time_zone": request.visitor_time_zone,
            "name": request.visitor_name,
            "email": request.visitor_email,
            "expires_at": request.expires_at,
            "reason": request.reason,
            "can_withdraw": is_open(request, now),
            "booking_id": _booking_id(request),
            "booking_token": token,
        }
    )


def booking_view(
    booking: Booking, write: CalendarWrite | None, *, fixed: FixedProviders, now: datetime, movable: bool = True
) -> schemas.Booking:
    """A booking, as its host sees it; `movable` says whether it is known when its hosts are free."""
    return schemas.Booking.model_validate(
        {
            **_appointment(booking),
            **_visitor(booking),
            "title": booking.title,
            "location": booking.location,
            "video_url": None if write is None else write.video_url,
            "calendar_event": _event_state(write),
            "host_id": booking.host_id,
            "co_hosts": [{"user_id": UUID(host["user_id"]), "name": host["name"]} for host in booking.co_hosts],
            "assignment": booking.assignment,
            "proposal_id": booking.proposal_id,
            "cancelled_by": booking.cancelled_by,
            "cancel_reason": booking.cancel_reason,
            "allowed_actions": _actions(booking, now, fixed=is_fixed(write, fixed), movable=movable),
            "version": booking.version,
            "created_at": booking.created_at,
            "updated_at": booking.updated_at,
        }
    )


def request_view(look: Look, *, now: datetime) -> schemas.MeetingRequest:
    """A meeting request, as the host sees it; one past its time reads as expired."""
    request, waits = look.request, is_open(look.request, now)
    allowed = ["accept", "decline"] if look.clashes is False else ["decline"]
    return schemas.MeetingRequest.model_validate(
        {
            **_appointment(request),
            **_visitor(request),
            "status": _status(request, now),
            "host_id": request.host_id,
            "clashes": look.clashes,
            "alternatives": look.alternatives,
            "expires_at": request.expires_at,
            "decided_by": request.decided_by,
            "decided_at": request.decided_at,
            "reason": request.reason,
            "booking_id": _booking_id(request),
            "allowed_actions": allowed if waits else [],
            "created_at": request.created_at,
            "updated_at": request.updated_at,
        }
    )


def _status(request: MeetingRequest, now: datetime) -> str:
    lapsed = request.status == "pending" and not is_open(request, now)
    return "expired" if lapsed else request.status


def _booking_id(request: MeetingRequest) -> UUID | None:
    return request.id if request.status == "accepted" else None


def hold_view(hold: SlotHold, *, token: str) -> hold_schemas.SlotHold:
    """A hold, as its visitor sees it when it is made."""
    return hold_schemas.SlotHold(
        id=hold.id,
        page_id=hold.page_id,
        start_at=hold.starts_at,
        end_at=hold.ends_at,
        expires_at=hold.expires_at,
        token=token,
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
        "consent_text": row.consent_text,
    }


def _event_state(write: CalendarWrite | None) -> schemas.CalendarEventState:
    if write is None or write.calendar_id is None:
        return schemas.CalendarEventState(status="not_applicable", error=None)
    return schemas.CalendarEventState.model_validate({"status": write.status, "error": write.last_error})


def _actions(booking: Booking, now: datetime, *, fixed: bool, movable: bool) -> list[str]:
    """What a host may do with it: change it until it begins, then say that nobody came."""
    if booking.status != "confirmed":
        return []
    if not _open(booking, 0, now):
        return ["no_show"]
    if fixed:
        return []
    return ["reschedule", "cancel"] if movable else ["cancel"]


def _open(booking: Booking, cutoff_minutes: int, now: datetime) -> bool:
    until = _until(booking, cutoff_minutes)
    return until is not None and until > now


def _until(booking: Booking, cutoff_minutes: int) -> datetime | None:
    return booking.until(cutoff_minutes) if booking.status == "confirmed" else None
