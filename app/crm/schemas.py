"""Bodies of contacts and of meetings on their timelines.

The one rule: requests forbid what they do not know; answers carry every field, null for nothing.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.accounts.schemas import Answer, Strict
from app.ids import BookingId, ContactId, EngagementId, UserId
from app.scheduling.configuration import Email, Line, Text
from app.time_zones import TimeZone
from app.written_times import Instant

_LONGEST = timedelta(days=31)
Phone = Annotated[str, Field(min_length=3, max_length=40, pattern=r"^[0-9+()\-./ x]+$", examples=["+46 8 123 456"])]
Outcome = Literal["scheduled", "completed", "no_show"]


class ContactCreate(Strict):
    """A person the account is to know."""

    email: Email
    """The address by which calendars know them; unique in the account."""
    name: Line | None = Field(default=None, examples=["Vera Visitor"])
    """Their name."""
    phone: Phone | None = None
    """Their number."""


class ContactUpdate(Strict):
    """What to change; what is absent stays, null clears."""

    email: Email | None = None
    """The address by which calendars know them; it cannot be cleared."""
    name: Line | None = Field(default=None, examples=["Vera Visitor"])
    """Their name."""
    phone: Phone | None = None
    """Their number."""


class Contact(Answer):
    """A person the account knows."""

    id: ContactId
    """The contact."""
    email: str = Field(examples=["vera@example.com"])
    """The address by which calendars know them."""
    name: str | None = Field(examples=["Vera Visitor"])
    """Their name."""
    phone: str | None = Field(examples=["+46 8 123 456"])
    """Their number."""
    source: str = Field(examples=["crm"])
    """Where they came from: `crm`, `scheduling_page`; more may come."""
    version: int
    """Rises with every change; the `ETag`."""
    created_at: datetime
    """When the account came to know them."""
    updated_at: datetime
    """When something about them was last changed."""


class ContactList(Answer):
    """A part of the contacts."""

    items: list[Contact]
    """The oldest first."""
    next_cursor: str | None
    """Where to go on; null at the end."""


class ContactMeetingCreate(Strict):
    """A meeting with a contact."""

    title: Line = Field(examples=["Kick-off"])
    """What it is about; the event's title."""
    start_at: Instant
    """Its start, with its offset."""
    end_at: Instant
    """Its end, after the start and at most 31 days later."""
    time_zone: TimeZone
    """The zone it is meant in (IANA)."""
    description: Text | None = Field(default=None, examples=["Plans for the spring"])
    """What the invitation says."""
    location: Line | None = Field(default=None, examples=["Room 1"])
    """Where it takes place."""
    guests: Annotated[list[Email], Field(max_length=50)] = Field(default_factory=list)
    """Further people to invite."""
    source: Literal["crm_record", "integration"] | None = None
    """Who makes it: a person on the record, or an integration that only logs it (R21); absent: `crm_record`."""

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        _check_span(self.start_at, self.end_at)
        return self


class EngagementUpdate(Strict):
    """What to change; what is absent stays, null clears."""

    title: Line | None = Field(default=None, examples=["Kick-off"])
    """What it is about; it cannot be cleared."""
    start_at: Instant | None = None
    """Another start; with it the end moves along, unless it is given too."""
    end_at: Instant | None = None
    """Another end."""
    description: Text | None = Field(default=None, examples=["Plans for the spring"])
    """What the invitation says."""
    location: Line | None = Field(default=None, examples=["Room 1"])
    """Where it takes place."""
    outcome: Outcome | None = None
    """What became of it; null: `scheduled`."""


class EngagementContact(Answer):
    """A contact who takes part."""

    contact_id: ContactId
    """Who."""
    name: str | None = Field(examples=["Vera Visitor"])
    """Their name, as the contact has it now."""
    email: str = Field(examples=["vera@example.com"])
    """Their address, as the contact has it now."""
    role: Literal["organizer", "attendee"]
    """Whether they invite or are invited."""
    response: Literal["needs_action", "accepted", "tentative", "declined"]
    """Their answer, as far as the calendar tells."""


class EngagementEvent(Answer):
    """The meeting's event in its owner's calendar."""

    status: Literal["pending", "written", "failed", "not_applicable"]
    """`not_applicable`: it has none there."""
    error: str | None = Field(examples=["provider_unavailable"])
    """Why it is not written, a code; null when nothing is wrong."""


class Engagement(Answer):
    """A meeting on the timeline of its contacts."""

    id: EngagementId
    """The engagement."""
    owner_id: UserId
    """Whose meeting it is."""
    source: str = Field(examples=["calendar_sync"])
    """How it came here: `scheduling_page`, `crm_record`, `calendar_sync`, `integration`."""
    booking_id: BookingId | None
    """The booking it is; null: none."""
    contacts: list[EngagementContact]
    """The account's contacts who take part."""
    title: str | None = Field(examples=["Kick-off"])
    """What it is about."""
    description: str | None = Field(examples=["Plans for the spring"])
    """What the invitation says."""
    location: str | None = Field(examples=["Room 1"])
    """Where it takes place."""
    video_url: str | None = Field(examples=["https://meet.example.com/abc"])
    """The video link that came with the event."""
    start_at: datetime
    """Its start."""
    end_at: datetime
    """Its end."""
    all_day: bool
    """It is about whole days of the calendar's zone."""
    time_zone: str = Field(examples=["Europe/Stockholm"])
    """The zone it is meant in."""
    outcome: str = Field(examples=["scheduled"])
    """`scheduled`, `completed`, `cancelled`, `declined` (by the owner, or by every contact), `no_show`."""
    invite_status: Literal["pending", "sent", "not_sent", "failed"] | None
    """Whether the contact was invited; null: somebody else invites."""
    invite_reason: str | None = Field(examples=["calendar_sync_off"])
    """Why not: `calendar_sync_off`, `no_connection`, `provider_unsupported`, `integration_source`,
    `scope_not_granted`, `already_over`, `cancelled`; with `failed` the error's code, with `pending` what it waits for:
    `reauthorization_required`, or the error's code."""
    calendar_event: EngagementEvent
    """Its event in the owner's calendar."""
    allowed_actions: list[str] = Field(examples=[["update", "cancel", "set_outcome"]])
    """What the caller can do with it now."""
    version: int
    """Rises with every change; the `ETag`."""
    cancelled_at: datetime | None
    """When it was cancelled."""
    created_at: datetime
    """When it came here."""
    updated_at: datetime
    """When it was last changed."""


class EngagementList(Answer):
    """A part of the engagements."""

    items: list[Engagement]
    """The newest first."""
    next_cursor: str | None
    """Where to go on; null at the end."""


def _check_span(start: datetime, end: datetime) -> None:
    if not start < end <= start + _LONGEST:
        raise PydanticCustomError("out_of_range", "the end is not after the start, or too far from it")
