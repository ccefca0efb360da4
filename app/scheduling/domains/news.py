"""What the CRM is told of domains (R37, R52).

The one rule: an event says how a domain stands; what has to be set in DNS is read from the domain.
"""

from datetime import datetime

from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.domains import Domain
from app.queue import Enqueued
from app.scheduling.domains.names import readable


def tell_of_domain(rows: Rows, event: EventType, domain: Domain, *, now: datetime) -> Enqueued:
    """Something happened to a domain."""
    data = {
        "id": encode_id("dom", domain.id),
        "name": readable(domain.host),
        "host": domain.host,
        "status": domain.status,
        "failure_reason": domain.failure_reason,
        "version": domain.version,
        "created_at": domain.created_at.isoformat(),
        "updated_at": domain.updated_at.isoformat(),
    }
    return add_event(rows, domain.account_id, event, subject_id=domain.id, data=data, now=now)
