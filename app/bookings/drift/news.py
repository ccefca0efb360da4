"""What the CRM is told of drift (R52).

The one rule: an event says what the API would answer the host; a change of the booking has the booking's own events.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from app.bookings.drift.schemas import finding_view
from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.drift import DriftEntry
from app.queue import Enqueued

_NOT_TOLD: Final = {"allowed_actions"}


def supersede(rows: Rows, entries: Iterable[DriftEntry], *, now: datetime) -> list[Enqueued]:
    """What the host was asked is no question any more; the jobs to ask for."""
    told = []
    for entry in entries:
        entry.status, entry.resolved_at = "superseded", now
        told.append(tell_of_drift(rows, entry))
    return told


def tell_of_drift(rows: Rows, entry: DriftEntry) -> Enqueued:
    """A booked event was found otherwise than booked, the host has decided, or has nothing to decide any more."""
    event = EventType.DRIFT_ENTRY_CREATED
    if entry.status == "superseded":
        event = EventType.DRIFT_ENTRY_SUPERSEDED
    elif entry.resolved_by == "host":
        event = EventType.DRIFT_ENTRY_RESOLVED
    view = finding_view(entry).model_dump(mode="json", exclude=_NOT_TOLD)
    data = {"host_id": encode_id("usr", entry.host_id), **view}
    return add_event(
        rows, entry.account_id, event, subject_id=entry.id, data=data, now=entry.resolved_at or entry.detected_at
    )
