"""From rows to answers about events and webhooks. Pure.

The one rule: the body of a webhook is the event as the feed answers it, byte for byte the same at every attempt.
"""

from app.events import schemas
from app.events.reading import Page
from app.events.repository import Entry
from app.models.events import WebhookDelivery, WebhookEndpoint


def event_view(entry: Entry) -> schemas.Event:
    """An event."""
    return schemas.Event.model_validate(entry)


def message_body(entry: Entry) -> bytes:
    """What a webhook brings."""
    return event_view(entry).model_dump_json().encode()


def feed_view(page: Page) -> schemas.EventList:
    """A part of the feed."""
    return schemas.EventList(
        items=[event_view(entry) for entry in page.entries],
        next_after=page.next_after,
        last_sequence=page.last_sequence,
    )


def endpoint_view(row: WebhookEndpoint) -> schemas.WebhookEndpoint:
    """An endpoint."""
    return schemas.WebhookEndpoint.model_validate(
        {
            "id": row.id,
            "url": row.url,
            "description": row.description,
            "event_types": row.event_types,
            "status": row.status,
            "status_reason": row.status_reason,
            "delivered_through": row.delivered_through,
            "consecutive_failures": row.failures,
            "failing_since": row.failing_since,
            "next_attempt_at": row.next_attempt_at,
            "previous_secret_until": row.previous_secret_until,
            "allowed_actions": ["update", "delete", "test", "replay", "rotate_secret"],
            "version": row.version,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def created_view(row: WebhookEndpoint, secret: str) -> schemas.WebhookEndpointCreated:
    """An endpoint that was just made."""
    return schemas.WebhookEndpointCreated.model_construct(**dict(endpoint_view(row)), secret=secret)


def delivery_view(row: WebhookDelivery) -> schemas.WebhookDelivery:
    """An attempt."""
    return schemas.WebhookDelivery.model_validate(row)
