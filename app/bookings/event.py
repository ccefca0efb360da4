"""The event that a booking is in the host's calendar. Pure.

The one rule: the draft is made from the booking and its page, so that it can be made again at any time. What was
booked as a video call stays one, and what was not becomes none, whatever the page has said since. Everybody who is
invited reads it, and some providers mail it in the host's name: of what the visitor typed it has the name and no more.
"""

from collections.abc import Collection
from uuid import UUID

from app.calendar import Attendee, EventDraft, Timed, normalised
from app.calendar_writes.service import Owner, draft_from_json
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.scheduling.configuration import Configuration


def event_key(booking_id: UUID) -> str:
    """The idempotency key of the booking's event."""
    return f"booking:{booking_id}"


def owner_of_event(booking_id: UUID) -> Owner:
    """Whose event it is, as calendar writes know it."""
    return Owner("booking", booking_id)


def is_fixed(write: CalendarWrite | None, fixed: Collection[str]) -> bool:
    """Whether it stands at one of these providers (R24). One whose connection is gone ties nobody's hands."""
    return write is not None and write.calendar_id is not None and write.provider in fixed


def location_text(page: Configuration) -> str | None:
    """Where the meeting takes place, in words; None for none, or for a video link that comes with the event."""
    return page.location.text if page.location.kind in {"text", "phone", "address"} else None


def is_video(booking: Booking, page: Configuration, write: CalendarWrite | None) -> bool:
    """Whether it was booked as a video call; `write` is its event, None before there is one."""
    if write is None:
        return booking.location is None and page.location.kind == "video"
    if write.draft is None:  # called off: what it was shows in what was made
        return write.video_url is not None
    return draft_from_json(write.draft).video


def event_draft(booking: Booking, page: Configuration, write: CalendarWrite | None) -> EventDraft:
    """The booking as an event, `write` as for `is_video`; a visitor who was erased is invited no more."""
    return EventDraft(
        title=booking.title,
        when=Timed(booking.starts_at, booking.ends_at, page.time_zone),
        description=page.description,
        location=booking.location,
        attendees=_attendees(booking),
        video=is_video(booking, page, write),
    )


def _attendees(booking: Booking) -> tuple[Attendee, ...]:
    """Everybody once: who hosts it may be a guest, too."""
    invited = [
        Attendee(email=booking.visitor_email, name=booking.visitor_name),
        *(Attendee(email=guest) for guest in booking.guests),
        *(Attendee(email=host["email"], name=host["name"]) for host in booking.co_hosts),
    ]
    once: dict[str, Attendee] = {}
    for person in invited:
        once.setdefault(normalised(person.email), person)
    return tuple(person for address, person in once.items() if address)
