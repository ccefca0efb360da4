"""What the `data` of an event holds, for the API's document.

The one rule: exactly what the features write into the feed, field by field; what follows an answer of the API is taken
from that answer.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from app.accounts.schemas import Answer
from app.bookings.drift.schemas import DriftFinding
from app.bookings.schemas import Booking, MeetingRequest
from app.connections.schemas import ProviderLiteral
from app.crm.schemas import Contact, Engagement
from app.crm.task_schemas import Task
from app.ids import (
    CalendarId,
    ConnectionId,
    ContactId,
    DomainId,
    EngagementId,
    PageId,
    TaskId,
    UserId,
    WebhookEndpointId,
)

Host = Annotated[UserId, Field(description="Whose time it is.")]


class _Derived(Answer):
    """Made from the fields of another model, descriptions included: not looked for in the source, which takes long."""

    model_config = ConfigDict(use_attribute_docstrings=False)


def like(name: str, text: str, answer: type[Answer], *, without: Collection[str] = (), **more: Any) -> type[Answer]:
    """What the API answers of a thing, and more; `without` what depends on who asks, or is still to come."""
    fields: dict[str, Any] = {
        field: (info.annotation, info) for field, info in answer.model_fields.items() if field not in without
    }
    return create_model(name, __base__=_Derived, __module__=__name__, __doc__=text, **more, **fields)


def hosted(name: str, text: str, answer: type[Answer], *, without: Collection[str] = ()) -> type[Answer]:
    """The same, and whose it is."""
    return like(name, text, answer, without=without, host_id=(Host, ...))


class ConnectionEventData(Answer):
    """A connection, as it was then."""

    id: ConnectionId
    user_id: UserId
    """Whose it is."""
    provider: ProviderLiteral
    email: str
    """The connected account's address."""
    status: Literal["active", "reauthorization_required", "error"]
    reason: str | None = Field(examples=["token_revoked"])
    """Why it is not active, a code."""
    purposes: list[Literal["calendar", "meetings"]]
    """What it is used for."""
    created_at: datetime


class AvailabilityCalendarEventData(Answer):
    """An availability calendar, as it was then. Its name is not told: it may tell of a person's life."""

    calendar_id: CalendarId
    connection_id: ConnectionId
    is_primary: bool
    """The primary is always checked, and bookings land on it."""
    status: Literal["active", "inactive"]
    """`inactive`: it cannot be read, so nobody can book, unless its `unreachable_policy` says otherwise."""
    inactive_reason: str | None = Field(examples=["access_lost"])
    """Why it cannot be read, a code."""


class SchedulingPageEventData(Answer):
    """A scheduling page, as it was then; what it says and asks is read from the page."""

    id: PageId
    owner_id: UserId
    """Whose time is offered."""
    type: Literal["personal", "group", "round_robin"]
    """Whose time is offered: one person's, or several people's."""
    name: str = Field(examples=["Intro"])
    """What the page is called."""
    slug: str
    """The page's slug, the prefix of its time included."""
    version: int
    """Rises with every change."""
    created_at: datetime
    updated_at: datetime


class DomainEventData(Answer):
    """A domain, as it was then; the records to set are read from the domain."""

    id: DomainId
    name: str = Field(examples=["meet.example.com"])
    """As people read it."""
    host: str = Field(examples=["meet.example.com"])
    """As it stands in URLs: ASCII."""
    status: Literal["pending", "connected", "failed"]
    """`connected`: the account's users may publish on it; else their links are on the shared host."""
    failure_reason: str | None = Field(examples=["record_missing"])
    """What was wrong at the last check, a code."""
    version: int
    """Rises with every change."""
    created_at: datetime
    updated_at: datetime


BookingEventData = like(
    "BookingEventData",
    "A booking, as its host saw it then. The event in the calendar and the video link are written later.",
    Booking,
    without=("allowed_actions", "calendar_event", "video_url"),
)
MeetingRequestEventData = like(
    "MeetingRequestEventData",
    "A meeting request, as its host saw it then.",
    MeetingRequest,
    without=("allowed_actions", "alternatives"),
)


DriftEntryEventData = hosted(
    "DriftEntryEventData",
    "Drift of a booked event, as its host saw it then.",
    DriftFinding,
    without=("allowed_actions",),
)
ContactEventData = like("ContactEventData", "A contact, as it was then.", Contact)
EngagementEventData = like(
    "EngagementEventData",
    "A meeting, as the account saw it then. What becomes of its event is told when it is known.",
    Engagement,
    without=("allowed_actions", "calendar_event"),
)


TaskEventData = like(
    "TaskEventData",
    "A task, as its owner saw it then.",
    Task,
    without=("allowed_actions", "calendar_event"),
)


class DeletedTaskEventData(Answer):
    """A task that was deleted: nothing of it is left."""

    id: TaskId
    owner_id: UserId
    """Whose it was."""


class ErasedContactEventData(Answer):
    """A contact that was erased: nothing of it is left."""

    id: ContactId


class RemovedEngagementEventData(Answer):
    """A meeting that is the account's business no longer: nothing of it is left."""

    id: EngagementId
    owner_id: UserId
    """Whose meeting it was."""


class BlockedAttemptEventData(Answer):
    """A page that somebody wanted to book; who it was is not told."""

    page_id: PageId
    host_id: Host


class WebhookEndpointEventData(Answer):
    """An address that is told nothing more."""

    id: WebhookEndpointId
    url: str = Field(examples=["https://crm.example.com/webhooks"])
    """Where it was sent."""
    status: Literal["paused", "disabled"]
    """Everything is kept, and sent when it is made `active` again."""
    status_reason: Literal["failing", "gone"]
    """`failing`: for a day. `gone`: it answered 410."""


class WebhookTestEventData(Answer):
    """The address that the test was asked for."""

    webhook_endpoint_id: WebhookEndpointId
    """The endpoint."""


class ErasedEventData(Answer):
    """What is left of an event whose subject was erased: that it was."""

    id: str | None = Field(examples=["bkg_01k9qj5v3mfb9t2z8h4c6x7wdn"])
    """The subject's; null where it was not told as `id`."""
    erased: Literal[True]
    """It is never there otherwise."""
