"""From rows to answers about contacts and engagements. Pure.

The one rule: what can be done with an engagement is said here, and asked here before it is done.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.connections.capabilities import Reason
from app.crm import schemas
from app.crm.invitations import NotSent
from app.models.calendar_writes import CalendarWrite
from app.models.crm import Contact, Engagement, EngagementContact

Participants = Sequence[tuple[EngagementContact, Contact]]


class Unchangeable(StrEnum):
    """Why nothing but the outcome of a meeting can be set."""

    BOOKING = "booking"
    NOT_THE_ORGANIZER = "not_the_organizer"
    ALL_DAY = "all_day"
    ALREADY_OVER = "already_over"


def contact_view(row: Contact) -> schemas.Contact:
    """A contact."""
    return schemas.Contact.model_validate(row)


def engagement_view(
    row: Engagement,
    participants: Participants,
    write: CalendarWrite | None,
    *,
    reader: UUID | None,
    now: datetime,
    out_of_reach: NotSent | None = None,
    stalled: bool = False,
) -> schemas.Engagement:
    """An engagement, as this user sees it; everybody in the account may read it, its owner may change it, with its
    event: where that is out of reach, only the outcome. `stalled`: the event waits for its owner to connect again.
    """
    allowed = allowed_actions(row, now=now) if reader == row.owner_id else []
    event = _event_state(row, write, stalled=stalled)
    invited, why = row.invite_status, row.invite_reason
    if invited == "pending" and write is not None:
        invited, why = ("not_sent", "no_connection") if write.calendar_id is None else (invited, event.error)
    return schemas.Engagement.model_validate(
        {
            "id": row.id,
            "owner_id": row.owner_id,
            "source": row.source,
            "booking_id": row.booking_id,
            "contacts": [_participant(part, contact) for part, contact in participants],
            **_appointment(row),
            "outcome": row.outcome,
            "invite_status": invited,
            "invite_reason": why,
            "calendar_event": event,
            "allowed_actions": allowed if out_of_reach is None else [item for item in allowed if item == "set_outcome"],
            "version": row.version,
            "cancelled_at": row.cancelled_at,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def _appointment(row: Engagement) -> dict[str, object]:
    return {
        "title": row.title,
        "description": row.description,
        "location": row.location,
        "video_url": row.video_url,
        "start_at": row.starts_at,
        "end_at": row.ends_at,
        "all_day": row.all_day,
        "time_zone": row.time_zone,
    }


def allowed_actions(row: Engagement, *, now: datetime) -> list[str]:
    """What its owner may do. What became of a booking is known once it has begun, and a no-show is the booking's."""
    if row.outcome == "cancelled" or has_not_begun(row, now=now):
        return []
    if row.booking_id is not None and row.outcome == "no_show":
        return []
    return ["set_outcome"] if why_unchangeable(row, now=now) is not None else ["update", "cancel", "set_outcome"]


def has_not_begun(row: Engagement, *, now: datetime) -> bool:
    """It is a booking of which nobody can say yet what became of it."""
    return row.booking_id is not None and row.starts_at > now


def why_unchangeable(row: Engagement, *, now: datetime) -> Unchangeable | None:
    """A booking is changed as a booking; what somebody else organizes is theirs to change."""
    if row.booking_id is not None:
        return Unchangeable.BOOKING
    if not row.organized:
        return Unchangeable.NOT_THE_ORGANIZER
    if row.all_day:
        return Unchangeable.ALL_DAY
    return Unchangeable.ALREADY_OVER if row.ends_at <= now and row.event_id is not None else None


def _participant(part: EngagementContact, contact: Contact) -> dict[str, object]:
    return {
        "contact_id": contact.id,
        "name": contact.name,
        "email": contact.email,
        "role": part.role,
        "response": part.response,
    }


def _event_state(row: Engagement, write: CalendarWrite | None, *, stalled: bool) -> schemas.EngagementEvent:
    if row.invite_status == "not_sent" and row.event_id is None:
        return schemas.EngagementEvent(status="not_applicable", error=None)
    if write is not None and write.calendar_id is not None:
        error = Reason.REAUTHORIZATION_REQUIRED.value if stalled else write.last_error
        return schemas.EngagementEvent.model_validate({"status": write.status, "error": error})
    stands = row.event_id is not None and row.calendar_id is not None
    return schemas.EngagementEvent(status="written" if stands else "not_applicable", error=None)
