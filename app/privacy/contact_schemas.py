"""The body of a contact's export.

The one rule: what is theirs is told whole; of what was another's, what they had been told themselves.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.accounts.schemas import Answer
from app.bookings.schemas import FormAnswer
from app.crm.schemas import Contact
from app.ids import BookingId, EngagementId, EventId, MeetingRequestId, TaskId, UserId


class ExportedMeeting(Answer):
    """A meeting on the contact's timeline."""

    id: EngagementId
    owner_id: UserId
    """Whose meeting with them it is."""
    source: str = Field(examples=["crm_record"])
    """Where it was made."""
    title: str | None
    """What it is about."""
    description: str | None
    """What was written about it."""
    location: str | None = Field(examples=["Room 7"])
    """Where it takes place."""
    video_url: str | None
    """The video link."""
    start_at: datetime
    end_at: datetime
    time_zone: str
    """The zone it was planned in (IANA)."""
    outcome: str = Field(examples=["scheduled"])
    """What became of it."""
    role: str = Field(examples=["attendee"])
    """What the contact is in it: `organizer` or `attendee`."""
    response: str = Field(examples=["accepted"])
    """What the contact has answered."""
    created_at: datetime
    updated_at: datetime


class ExportedTask(Answer):
    """Something to do about the contact."""

    id: TaskId
    owner_id: UserId
    """Who is to do it."""
    title: str
    """What to do."""
    notes: str | None = Field(examples=["Ask about the offer."])
    """What was written about it."""
    due_at: datetime = Field(examples=["2026-12-01T08:00:00Z"])
    """When it is due."""
    status: str = Field(examples=["not_started"])
    created_at: datetime
    updated_at: datetime


class _ExportedAppointment(Answer):
    """What an appointment tells, booked or only asked for."""

    role: Literal["visitor", "guest"]
    """`guest`: it is somebody else's, who named the contact; then only what a guest is told is told here."""
    start_at: datetime
    end_at: datetime
    name: str | None
    """How the contact called themselves; null for a guest."""
    email: str
    """The address they were known by."""
    time_zone: str | None
    """Their zone (IANA); null for a guest."""
    language: str | None = Field(examples=["en"])
    """Their language; null for a guest."""
    guests: list[str]
    """Whom they named as guests; none for a guest."""
    answers: list[FormAnswer]
    """The form as they filled it in; empty for a guest."""
    consent_text: str | None
    """What they agreed to with it, in the page's words of then; null: nothing was asked, or they are a guest."""
    created_at: datetime
    updated_at: datetime


class ExportedBooking(_ExportedAppointment):
    """An appointment the contact has booked, or was invited to by who booked it."""

    id: BookingId
    status: str = Field(examples=["confirmed"])
    title: str
    """What it is about, as the invitation says."""
    location: str | None = Field(examples=["Room 7"])
    """Where it takes place."""
    video_url: str | None
    """The video link."""
    response: str | None = Field(examples=["accepted"])
    """What they have answered to the event; null for a guest, and while nobody knows."""
    cancelled_by: str | None = Field(examples=[None])
    """`host` or `visitor`."""
    cancel_reason: str | None = Field(examples=[None])
    """What was said then; null for a guest."""
    cancelled_at: datetime | None = Field(examples=[None])
    """When it was cancelled."""


class ExportedMeetingRequest(_ExportedAppointment):
    """An appointment the contact has asked for, or was to be invited to by who asked."""

    id: MeetingRequestId
    status: str = Field(examples=["pending"])
    decided_by: str | None = Field(examples=["host"])
    """Who answered it."""
    decided_at: datetime | None = Field(examples=["2026-11-20T11:00:00Z"])
    """When it was answered."""
    reason: str | None
    """What was said then; null for a guest."""
    expires_at: datetime


class SubmittedForm(Answer):
    """What the contact has answered in the CRM's forms, the newest answer to each question."""

    email: str
    """As they wrote it."""
    name: str | None
    """As they called themselves."""
    answers: dict[str, str] = Field(examples=[{"company": "Example"}])
    """By the question's id."""
    submitted_at: datetime = Field(examples=["2026-11-20T10:15:00Z"])
    """When they last answered."""


class SentMail(Answer):
    """A mail to the contact. What it said is not kept once it is sent."""

    kind: str = Field(examples=["confirmed_visitor"])
    """What it was about."""
    email: str
    """Where it went."""
    status: str = Field(examples=["sent"])
    created_at: datetime
    sent_at: datetime | None = Field(examples=["2026-11-20T10:15:01Z"])
    """When it was sent; null if it was not."""


class ToldEvent(Answer):
    """Something the CRM was told of the contact, as far as the feed still remembers."""

    id: EventId
    type: str = Field(examples=["contact.updated"])
    """What happened."""
    occurred_at: datetime = Field(examples=["2026-11-20T10:15:00Z"])
    """When it happened."""
    data: dict[str, Any] | None = Field(examples=[None])
    """What was told, of the contact and of what they booked or asked for; null of what was others' too."""


class ContactExport(Answer):
    """Everything held about a contact."""

    exported_at: datetime = Field(examples=["2026-11-20T10:15:00Z"])
    """It is as it was then."""
    contact: Contact
    """As it stands in the CRM."""
    addresses: list[str] = Field(examples=[["vera@example.com"]])
    """Every address they are known by, former ones included, in lower case."""
    meetings: list[ExportedMeeting]
    """Their timeline, the oldest first. Who else took part is not told."""
    tasks: list[ExportedTask]
    """What is to be done about them."""
    bookings: list[ExportedBooking]
    """What they have booked, or were invited to."""
    meeting_requests: list[ExportedMeetingRequest]
    """What they have asked for, or were to be invited to."""
    submitted_forms: list[SubmittedForm]
    """What they have told the CRM's forms; one per address."""
    mails: list[SentMail]
    """What was sent to them, the oldest first."""
    events: list[ToldEvent]
    """What the CRM was told of them, the oldest first."""
