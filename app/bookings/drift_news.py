"""What the CRM is told of drift (R52).

The one rule: what the host would be answered; the booking's own change is told by the booking's own events.
"""

from typing import Final

from app.bookings.drift_schemas import drift_view
from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.drift import DriftEntry
from app.queue import Enqueued

_NOT_TOLD: Final = {"allowed_actions"}


def tell_of_drift(rows: Rows, entry: DriftEntry) -> Enqueued:
    """A booked event was found otherwise than booked, or the host has decided."""
    decided = entry.resolved_by == "host"
    event = EventType.DRIFT_ENTRY_RESOLVED if decided else EventType.DRIFT_ENTRY_CREATED
    view = drift_view(entry).model_dump(mode="json", exclude=_NOT_TOLD)
    data = {"host_id": encode_id("usr", entry.host_id), **view}
    return add_event(
        rows, entry.account_id, event, subject_id=entry.id, data=data, now=entry.resolved_at or entry.detected_at
    )
