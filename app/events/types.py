"""The types of events: what the CRM can be told.

The one rule: a type is a promise, never renamed; new ones may come.
"""

from enum import StrEnum


class EventType(StrEnum):
    """Dot-separated, the noun first, what happened to it in the past tense."""

    CONNECTION_CREATED = "connection.created"
    CONNECTION_UPDATED = "connection.updated"
    """It has other credentials, or works again."""
    CONNECTION_REAUTHORIZATION_REQUIRED = "connection.reauthorization_required"
    CONNECTION_DELETED = "connection.deleted"
    AVAILABILITY_CALENDAR_INACTIVE = "availability_calendar.inactive"
    AVAILABILITY_CALENDAR_ACTIVE = "availability_calendar.active"
    SCHEDULING_PAGE_CREATED = "scheduling_page.created"
    SCHEDULING_PAGE_UPDATED = "scheduling_page.updated"
    SCHEDULING_PAGE_DELETED = "scheduling_page.deleted"
    BOOKING_CREATED = "booking.created"
    BOOKING_RESCHEDULED = "booking.rescheduled"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_NO_SHOW = "booking.no_show"
    BOOKING_ATTEMPT_BLOCKED = "booking.attempt_blocked"
    """Somebody wanted to book while a calendar could not be read (R30)."""
    MEETING_REQUEST_CREATED = "meeting_request.created"
    MEETING_REQUEST_ACCEPTED = "meeting_request.accepted"
    """By its host, or by what they had said beforehand; it is a booking now."""
    MEETING_REQUEST_DECLINED = "meeting_request.declined"
    MEETING_REQUEST_WITHDRAWN = "meeting_request.withdrawn"
    MEETING_REQUEST_EXPIRED = "meeting_request.expired"
    DRIFT_ENTRY_CREATED = "drift_entry.created"
    """A booked event was found otherwise than booked; `status` tells whether the host is asked."""
    DRIFT_ENTRY_RESOLVED = "drift_entry.resolved"
    """The host has decided."""
    DRIFT_ENTRY_SUPERSEDED = "drift_entry.superseded"
    """What the host was asked is no question any more."""
    CONTACT_CREATED = "contact.created"
    CONTACT_UPDATED = "contact.updated"
    CONTACT_DELETED = "contact.deleted"
    ENGAGEMENT_CREATED = "engagement.created"
    ENGAGEMENT_UPDATED = "engagement.updated"
    ENGAGEMENT_CANCELLED = "engagement.cancelled"
    ENGAGEMENT_DELETED = "engagement.deleted"
    """Nobody it is with is known any more, or its author has made it private."""
    TASK_CREATED = "task.created"
    TASK_UPDATED = "task.updated"
    TASK_DELETED = "task.deleted"
    WEBHOOK_ENDPOINT_PAUSED = "webhook_endpoint.paused"
    """It failed for a day."""
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint.disabled"
    """It said that it is gone."""


TEST_EVENT = "webhook_endpoint.test"
"""The type of what `sendTestWebhook` sends; it is in no feed."""
