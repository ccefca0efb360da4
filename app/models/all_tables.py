"""Names every table module, so that importing this one fills the metadata.

The one rule: a new table module is added here, or its tables do not exist for the migrations.
"""

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
    proposals,
    push,
    scheduling,
    submissions,
)

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
    "proposals",
    "push",
    "scheduling",
    "submissions",
]
