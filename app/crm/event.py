"""The event that a meeting is in its owner's calendar. Pure.

The one rule: what people have added to the event in their calendar is not taken away by the CRM.
"""

from dataclasses import replace
from uuid import UUID

from app.calendar import Attendee, EventDraft, Timed, normalised
from app.crm.schemas import ContactMeetingCreate
from app.models.crm import Contact, Engagement


def event_key(engagement_id: UUID) -> str:
    """The idempotency key of the meeting's event."""
    return f"meeting:{engagement_id}"


def first_draft(row: Engagement, contact: Contact, body: ContactMeetingCreate) -> EventDraft:
    """A new meeting as an event: the contact and the guests are invited, everybody once."""
    guests = {normalised(contact.email): Attendee(email=contact.email, name=contact.name)}
    for address in body.guests:
        guests.setdefault(normalised(address), Attendee(email=address))
    return EventDraft(
        title=body.title,
        when=Timed(row.starts_at, row.ends_at, row.time_zone),
        description=body.description or "",
        location=body.location,
        attendees=tuple(guests.values()),
    )


def redrafted(draft: EventDraft, row: Engagement, *, described: bool = False) -> EventDraft:
    """The event as the meeting is now, its guests as they were; a text of its person's own only if changed here."""
    return replace(
        draft,
        title=row.title or draft.title,
        when=Timed(row.starts_at, row.ends_at, row.time_zone),
        description=None if draft.description is None and not described else row.description or "",
        location=row.location,
    )


def draft_over_standing(row: Engagement, *, described: bool) -> EventDraft:
    """What to write over an event of the person's own; its text stays as it is, unless it was changed here."""
    return EventDraft(
        title=row.title or "",
        when=Timed(row.starts_at, row.ends_at, row.time_zone),
        description=(row.description or "") if described else None,
        location=row.location,
    )
