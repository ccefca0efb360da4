"""What the CRM is told of scheduling pages (R52).

The one rule: an event says which page it is and how to find it; what it says and asks is read from the page.
"""

from datetime import datetime

from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.scheduling import SchedulingPage
from app.queue import Enqueued


def tell_of_page(rows: Rows, event: EventType, page: SchedulingPage, *, now: datetime) -> Enqueued:
    """Something happened to a page."""
    data = {
        "id": encode_id("page", page.id),
        "owner_id": encode_id("usr", page.owner_id),
        "type": page.type,
        "name": page.name,
        "slug": page.slug,
        "version": page.version,
        "created_at": page.created_at.isoformat(),
        "updated_at": page.updated_at.isoformat(),
    }
    return add_event(rows, page.account_id, event, subject_id=page.id, data=data, now=now)
