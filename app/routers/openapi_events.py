"""The types of events as the API's document tells them: what each means, and what its `data` is.

The one rule: this is the only place that says which type carries what; a type that is not here is not documented, and a
test says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from app.events.types import TEST_EVENT, EventType
from app.routers.openapi_payloads import (
    AvailabilityCalendarEventData,
    BlockedAttemptEventData,
    BookingEventData,
    ConnectionEventData,
    ContactEventData,
    DeletedTaskEventData,
    DomainEventData,
    DriftEntryEventData,
    EngagementEventData,
    ErasedContactEventData,
    MeetingRequestEventData,
    RemovedEngagementEventData,
    SchedulingPageEventData,
    TaskEventData,
    WebhookEndpointEventData,
    WebhookTestEventData,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the document says of one type."""

    summary: str
    description: str
    data: type[BaseModel]
    example: Mapping[str, Any] = field(default_factory=dict)
    """Of the example's `data`: where this type differs from the others that carry the same."""


_DECIDED: Mapping[str, Any] = {"decided_at": "2026-11-20T11:00:00Z"}
_RESOLVED: Mapping[str, Any] = {"resolved_at": "2026-11-20T11:00:00Z"}

EVENTS: Mapping[str, Told] = {
    EventType.CONNECTION_CREATED: Told(
        "A connection was made",
        "Somebody connected a calendar account.",
        ConnectionEventData,
        {"reason": None},
    ),
    EventType.CONNECTION_UPDATED: Told(
        "A connection was changed",
        "It has other credentials or another purpose, or works again.",
        ConnectionEventData,
        {"reason": None},
    ),
    EventType.CONNECTION_REAUTHORIZATION_REQUIRED: Told(
        "A connection needs its person",
        "The provider does not let us in any more. Only the person can heal it, by `reauthorizeConnection`.",
        ConnectionEventData,
        {"status": "reauthorization_required", "reason": "token_revoked"},
    ),
    EventType.CONNECTION_DELETED: Told(
        "A connection was let go",
        "What was read from the account is erased.",
        ConnectionEventData,
        {"status": "error", "reason": "disconnected"},
    ),
    EventType.AVAILABILITY_CALENDAR_INACTIVE: Told(
        "A checked calendar cannot be read",
        "Nobody can book its person until it can be read again.",
        AvailabilityCalendarEventData,
        {"status": "inactive", "inactive_reason": "access_lost"},
    ),
    EventType.AVAILABILITY_CALENDAR_ACTIVE: Told(
        "A checked calendar can be read again",
        "Its person can be booked again.",
        AvailabilityCalendarEventData,
        {"inactive_reason": None},
    ),
    EventType.SCHEDULING_PAGE_CREATED: Told(
        "A scheduling page was made", "It can be booked from now on.", SchedulingPageEventData
    ),
    EventType.SCHEDULING_PAGE_UPDATED: Told(
        "A scheduling page was changed", "Read the page to see what it says now.", SchedulingPageEventData
    ),
    EventType.SCHEDULING_PAGE_DELETED: Told(
        "A scheduling page was deleted", "It can no longer be booked. Its bookings stay.", SchedulingPageEventData
    ),
    EventType.BOOKING_CREATED: Told("A time was booked", "The host's time is taken.", BookingEventData),
    EventType.BOOKING_RESCHEDULED: Told(
        "A booking was moved",
        "By its host or its visitor; the time is the new one.",
        BookingEventData,
        {"start_at": "2026-12-02T13:00:00Z", "end_at": "2026-12-02T13:30:00Z", "version": 4},
    ),
    EventType.BOOKING_CANCELLED: Told(
        "A booking was cancelled",
        "By its host or its visitor; the host's time is free again.",
        BookingEventData,
        {"status": "cancelled", "cancelled_by": "visitor", "cancel_reason": "Something came up.", "version": 4},
    ),
    EventType.BOOKING_NO_SHOW: Told(
        "A visitor did not come",
        "The host says so of a booking that had begun.",
        BookingEventData,
        {"status": "no_show", "version": 4},
    ),
    EventType.BOOKING_ATTEMPT_BLOCKED: Told(
        "Somebody could not book",
        "A visitor wanted to book while a calendar of the host could not be read.",
        BlockedAttemptEventData,
    ),
    EventType.MEETING_REQUEST_CREATED: Told(
        "A meeting was asked for",
        "A visitor asked for a time while the host had no calendar connected.",
        MeetingRequestEventData,
    ),
    EventType.MEETING_REQUEST_ACCEPTED: Told(
        "A meeting request was accepted",
        "By its host, or at once, as the host wants it. `booking.created` is told of the booking.",
        MeetingRequestEventData,
        {"status": "accepted", "booking_id": "bkg_01k9qj5v3mfb9t2z8h4c6x7wdn", **_DECIDED, "decided_by": "host"},
    ),
    EventType.MEETING_REQUEST_DECLINED: Told(
        "A meeting request was declined",
        "By its host; the visitor is told.",
        MeetingRequestEventData,
        {"status": "declined", **_DECIDED, "decided_by": "host", "reason": "I am away that day."},
    ),
    EventType.MEETING_REQUEST_WITHDRAWN: Told(
        "A meeting request was withdrawn",
        "By its visitor; the host is told.",
        MeetingRequestEventData,
        {"status": "withdrawn", **_DECIDED, "decided_by": "visitor"},
    ),
    EventType.MEETING_REQUEST_EXPIRED: Told(
        "A meeting request lapsed",
        "Nobody answered it in time; the visitor is told.",
        MeetingRequestEventData,
        {"status": "expired"},
    ),
    EventType.DRIFT_ENTRY_CREATED: Told(
        "A booked event was changed in the calendar",
        "Somebody moved, resized, deleted, declined or copied it. `status` tells whether the host is asked.",
        DriftEntryEventData,
        {"status": "open", "reason": "policy"},
    ),
    EventType.DRIFT_ENTRY_RESOLVED: Told(
        "The host decided about drift",
        "The booking follows the calendar, or the calendar is put back as booked.",
        DriftEntryEventData,
        {"status": "resolved", "resolution": "adopt", "resolved_by": "host", **_RESOLVED},
    ),
    EventType.DRIFT_ENTRY_SUPERSEDED: Told(
        "A question about drift lapsed",
        "The event stands as booked again, it differs in another way now, or the booking was moved or cancelled.",
        DriftEntryEventData,
        {"status": "superseded", "reason": "policy", **_RESOLVED},
    ),
    EventType.CONTACT_CREATED: Told("A contact was made", "The account knows somebody new.", ContactEventData),
    EventType.CONTACT_UPDATED: Told("A contact was changed", "Something about the person is new.", ContactEventData),
    EventType.CONTACT_DELETED: Told(
        "A contact was erased", "Forget the person too: what was told of them is erased.", ErasedContactEventData
    ),
    EventType.ENGAGEMENT_CREATED: Told(
        "A meeting came to a timeline",
        "It was booked, made on the record, logged, or found in a calendar.",
        EngagementEventData,
    ),
    EventType.ENGAGEMENT_UPDATED: Told(
        "A meeting was changed", "On the record, as a booking, or in the calendar.", EngagementEventData
    ),
    EventType.ENGAGEMENT_CANCELLED: Told(
        "A meeting was cancelled",
        "On the record, as a booking, or in the calendar.",
        EngagementEventData,
        {"outcome": "cancelled", "cancelled_at": "2026-11-20T11:00:00Z"},
    ),
    EventType.ENGAGEMENT_DELETED: Told(
        "A meeting left the timelines",
        "Nobody it is with is known any more, or its author has made it private. What was told of it is erased.",
        RemovedEngagementEventData,
    ),
    EventType.TASK_CREATED: Told("A task was made", "Somebody has something to do.", TaskEventData),
    EventType.TASK_UPDATED: Told(
        "A task was changed", "By its owner, or by what they did to its event in the calendar.", TaskEventData
    ),
    EventType.TASK_DELETED: Told("A task was deleted", "What was told of it is erased.", DeletedTaskEventData),
    EventType.DOMAIN_CONNECTED: Told(
        "A domain was connected",
        "Its record was found: the account's users may publish their pages on it.",
        DomainEventData,
        {"status": "connected", "failure_reason": None},
    ),
    EventType.DOMAIN_FAILED: Told(
        "A domain failed",
        "It is not the account's, said the check that was asked for, or its record was waited for in vain; or it is "
        "not any more, said every check of 72 hours, and the links of its pages are on the shared host.",
        DomainEventData,
        {"status": "failed"},
    ),
    EventType.DOMAIN_DELETED: Told("A domain was taken away", "By somebody of the account.", DomainEventData),
    EventType.WEBHOOK_ENDPOINT_PAUSED: Told(
        "An endpoint was paused",
        "It failed for a day. Told by the feed, and to the account's other endpoints.",
        WebhookEndpointEventData,
        {"status_reason": "failing"},
    ),
    EventType.WEBHOOK_ENDPOINT_DISABLED: Told(
        "An endpoint was disabled",
        "It answered 410. Told by the feed, and to the account's other endpoints.",
        WebhookEndpointEventData,
        {"status": "disabled", "status_reason": "gone"},
    ),
    TEST_EVENT: Told(
        "A test was asked for",
        "What `sendTestWebhook` sends, to that endpoint alone. It is in no feed: its `sequence` is 0.",
        WebhookTestEventData,
    ),
}
"""By type, in the order of `EventType`; the test comes last."""
