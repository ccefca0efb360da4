"""What the CRM is told of connections and availability calendars (R52).

The one rule: ids and states; no token, and no name of a calendar, which may be private.
"""

from datetime import datetime

from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.connections import Calendar, Connection
from app.queue import Enqueued


def tell_of_connection(rows: Rows, event: EventType, connection: Connection, *, now: datetime) -> Enqueued:
    """Something happened to a connection."""
    data = {
        "id": encode_id("conn", connection.id),
        "user_id": encode_id("usr", connection.user_id),
        "provider": connection.provider,
        "email": connection.email,
        "status": connection.status,
        "reason": connection.reason,
        "purposes": connection.purposes,
        "created_at": connection.created_at.isoformat(),
    }
    return add_event(rows, connection.account_id, event, subject_id=connection.id, data=data, now=now)


def tell_of_calendar(rows: Rows, calendar: Calendar, *, now: datetime) -> Enqueued:
    """An availability calendar cannot be read any more, or can be read again: as its reason says."""
    active = calendar.inactive_reason is None
    data = {
        "calendar_id": encode_id("cal", calendar.id),
        "connection_id": encode_id("conn", calendar.connection_id),
        "is_primary": calendar.is_primary,
        "status": "active" if active else "inactive",
        "inactive_reason": None if active else str(calendar.inactive_reason),
    }
    event = EventType.AVAILABILITY_CALENDAR_ACTIVE if active else EventType.AVAILABILITY_CALENDAR_INACTIVE
    return add_event(rows, calendar.account_id, event, subject_id=calendar.id, data=data, now=now)
