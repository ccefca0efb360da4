"""Names every table module, so that importing this one fills the metadata.

The one rule: a new table module is added here, or its tables do not exist for the migrations.
"""

from sqlalchemy import Table

from app.models import (
    accounts,
    bookings,
    calendar_writes,
    connections,
    crm,
    directory,
    domains,
    drift,
    events,
    inboxes,
    mirror,
    outbound,
    privacy,
    proposals,
    push,
    scheduling,
    submissions,
)
from app.models.base import Base

__all__ = [
    "accounts",
    "bookings",
    "calendar_writes",
    "connections",
    "crm",
    "directory",
    "domains",
    "drift",
    "events",
    "inboxes",
    "mirror",
    "outbound",
    "privacy",
    "proposals",
    "push",
    "scheduling",
    "submissions",
]


def every_table() -> list[Table]:
    """All there are, those that others refer to first."""
    return list(Base.metadata.sorted_tables)
