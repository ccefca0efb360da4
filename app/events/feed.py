"""Writing an event down, in the transaction of what it tells of.

The one rule: an event commits or vanishes with what happened. It has no number yet: a counter here would make every
booking of an account wait for the one before.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.events.types import EventType
from app.ids import new_id
from app.insertion import Rows
from app.models.base import Json
from app.models.directory import DueEvent
from app.models.events import FeedEvent
from app.queue import Enqueued, Job

_SWEPT_AFTER: Final = timedelta(seconds=2)
"""The job is there in milliseconds; the sweep takes what lost its job."""


def add_event(
    rows: Rows, account_id: UUID, event: EventType, *, subject_id: UUID, data: Json, now: datetime
) -> Enqueued:
    """Tell the CRM; the job that numbers the event, which the caller asks for.

    `data` is what the API would answer of the subject, and never a secret or a visitor's token.
    """
    event_id = new_id()
    rows.add(
        FeedEvent(
            account_id=account_id, id=event_id, type=event.value, subject_id=subject_id, data=data, occurred_at=now
        )
    )
    rows.add(DueEvent(event_id=event_id, account_id=account_id, due_at=now + _SWEPT_AFTER))
    return Enqueued(Job.NUMBER_EVENTS, account_id, account_id)
