"""Bodies of the feed and of webhooks.

The one rule: requests forbid what they do not know; answers carry every field, null for nothing. A secret is shown when
it is made, and never again.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.accounts.schemas import Answer, Strict
from app.events.types import EventType
from app.ids import AccountId, EventId, WebhookDeliveryId, WebhookEndpointId

_TYPES = frozenset(EventType)
_EXAMPLE = {"id": "bkg_01k9qj5v3mfb9t2z8h4c6x7wdn", "status": "confirmed"}


def _known(name: str) -> str:
    if name not in _TYPES:
        raise PydanticCustomError("not_allowed", "there are no such events")
    return name


Url = Annotated[str, Field(min_length=1, max_length=2000, examples=["https://crm.example.com/webhooks"])]
KnownType = Annotated[
    str, Field(max_length=64, pattern=r"^[a-z_]+\.[a-z_]+$", examples=["booking.created"]), AfterValidator(_known)
]
KnownTypes = Annotated[list[KnownType], Field(min_length=1, max_length=50)]
LineOfText = Annotated[str, Field(min_length=1, max_length=200)]
Sequence = Annotated[int, Field(ge=0, le=2**53 - 1, examples=[1042])]


class Event(Answer):
    """Something that happened, as the feed answers it and webhooks bring it."""

    id: EventId
    """The same wherever and however often it is told: the `webhook-id`."""
    account_id: AccountId
    """Whose it is."""
    sequence: int = Field(examples=[1042])
    """Its number in the account: 1, 2, 3, … without a gap; 0 for a test, which is in no feed."""
    type: str = Field(examples=["booking.created"])
    """What happened; new types may come."""
    occurred_at: datetime
    """When it happened."""
    data: dict[str, Any] = Field(examples=[_EXAMPLE])
    """What it is about, as it was then: `webhooks` of the full document has its form, type by type."""


class EventList(Answer):
    """A part of the feed."""

    items: list[Event]
    """Rising by `sequence`."""
    next_after: int = Field(examples=[1042])
    """Where to go on: send it as `after`."""
    last_sequence: int = Field(examples=[1042])
    """The newest number of the account; the feed is read when `next_after` has reached it."""


class WebhookEndpointCreate(Strict):
    """An address to be told of events."""

    url: Url
    """Where to send: https, in the open internet."""
    description: LineOfText | None = None
    """What it is for."""
    event_types: KnownTypes | None = None
    """Send only these; null: all."""


class WebhookEndpointUpdate(Strict):
    """What to change; what is absent stays, null clears."""

    url: Url | None = None
    """Where to send: https, in the open internet; it cannot be cleared."""
    description: LineOfText | None = None
    """What it is for."""
    event_types: KnownTypes | None = None
    """Send only these; null: all."""
    status: Literal["active", "paused"] | None = None
    """`paused` keeps what comes, `active` goes on where it stopped; it cannot be cleared."""


class WebhookEndpoint(Answer):
    """An address that is told of events."""

    id: WebhookEndpointId
    url: str = Field(examples=["https://crm.example.com/webhooks"])
    """Where it is sent."""
    description: str | None = Field(examples=["Bookings into the CRM"])
    """What it is for."""
    event_types: list[str] | None = Field(examples=[["booking.created", "booking.cancelled"]])
    """Only these are sent; null: all."""
    status: Literal["active", "paused", "disabled"]
    """`paused`: nothing is sent, everything is kept. `disabled`: the receiver answered 410."""
    status_reason: str | None = Field(examples=["failing"])
    """Why it is not active: `requested`, `failing` (for a day) or `gone` (410)."""
    delivered_through: int = Field(examples=[1042])
    """The sequence number up to which everything it wants was delivered."""
    consecutive_failures: int
    failing_since: datetime | None
    """The first failure of those in a row."""
    next_attempt_at: datetime | None
    """When it is tried again after a failure."""
    previous_secret_until: datetime | None
    """Until then messages carry a signature of the former secret as well."""
    allowed_actions: list[str] = Field(examples=[["update", "delete", "test", "replay", "rotate_secret"]])
    """What the caller may do with it now."""
    version: int
    """Rises with every change; the `ETag`."""
    created_at: datetime
    updated_at: datetime


class WebhookEndpointCreated(WebhookEndpoint):
    """An address that was just made, with its secret: it is told this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
    """Verify signatures with it (Standard Webhooks). It cannot be read again, only replaced."""


class WebhookEndpointList(Answer):
    """The account's addresses, oldest first."""

    items: list[WebhookEndpoint]
    next_cursor: str | None


class WebhookSecret(Answer):
    """A new secret: it is told this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
    """Verify signatures with it from now on."""
    previous_secret_until: datetime
    """Until then messages carry a signature of the former secret as well."""


class WebhookDelivery(Answer):
    """One attempt to deliver one event. What the receiver said beside its status is not kept."""

    id: WebhookDeliveryId
    event_id: EventId
    """The `webhook-id` of the message."""
    event_type: str = Field(examples=["booking.created"])
    """What had happened."""
    sequence: int = Field(examples=[1042])
    """The event's number; 0 for a test."""
    attempt: int
    """Counts from 1 for each event."""
    status: Literal["pending", "succeeded", "failed"]
    """`pending`: a test that was not sent yet."""
    status_code: int | None = Field(examples=[204])
    """What the receiver answered; null when it did not."""
    error: str | None = Field(examples=["unreachable"])
    """Why there is no answer: `unreachable`, `no_answer` (within 10 seconds) or `address_not_allowed`."""
    duration_ms: int | None = Field(examples=[84])
    """How long it took, in milliseconds."""
    created_at: datetime
    """When it was sent, or asked for."""


class WebhookDeliveryList(Answer):
    """A part of the attempts, the newest first."""

    items: list[WebhookDelivery]
    next_cursor: str | None
    """Where to go on; null at the end."""


class WebhookReplay(Strict):
    """From where to tell again."""

    after: Sequence
    """Send every event after this number again, in order; 0: all that are kept."""
