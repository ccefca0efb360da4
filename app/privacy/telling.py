"""From values in columns to values in an export. Pure.

The one rule: ids as the API shows them, times in UTC, bytes in base64, and everything else as it stands.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql.ranges import Range

from app.ids import encode_id

_OF_ROWS: Final[Mapping[str, str]] = {
    "users": "usr",
    "connections": "conn",
    "connection_authorizations": "auth",
    "calendars": "cal",
    "inboxes": "inb",
    "scheduling_pages": "page",
    "bookings": "bkg",
    "meeting_requests": "mreq",
    "slot_holds": "hold",
    "contacts": "cont",
    "engagements": "eng",
    "tasks": "task",
    "domains": "dom",
    "webhook_endpoints": "whe",
    "webhook_deliveries": "whd",
    "feed_events": "evt",
    "time_proposals": "prop",
    "drift_entries": "drift",
}
"""The prefix of a row's own id; rows of other tables have no id that the API shows."""
_OF_COLUMNS: Final[Mapping[str, str]] = {
    "account_id": "acct",
    "user_id": "usr",
    "owner_id": "usr",
    "host_id": "usr",
    "connection_id": "conn",
    "calendar_id": "cal",
    "page_id": "page",
    "default_page_id": "page",
    "chat_page_id": "page",
    "booking_id": "bkg",
    "hold_id": "hold",
    "contact_id": "cont",
    "engagement_id": "eng",
    "task_id": "task",
    "domain_id": "dom",
    "endpoint_id": "whe",
    "proposal_id": "prop",
}
"""The prefix of what a column refers to. A mirrored event's id is its provider's, and no UUID."""


def told(column: Column[Any], value: Any) -> Any:
    """A column's value, as JSON can say it."""
    if isinstance(value, UUID):
        prefix = _OF_ROWS.get(column.table.name) if column.name == "id" else _OF_COLUMNS.get(column.name)
        if column.name == "event_id" and column.table.name == "webhook_deliveries":
            prefix = "evt"
        return str(value) if prefix is None else encode_id(prefix, value)
    return _plainly(value)


def _plainly(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case Range():
            return [_plainly(value.lower), _plainly(value.upper)]
        case list():
            return [_plainly(item) for item in value]
        case _:
            return value


def key_to_json(key: Any) -> list[str | int]:
    """A row's key, as it is kept to go on after it."""
    return [item if isinstance(item, int) else _key_part(item) for item in key]


def _key_part(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)


def key_from_json(columns: list[Column[Any]], stored: list[Any]) -> list[Any]:
    """The key again."""
    return [_key_value(column.type.python_type, item) for column, item in zip(columns, stored, strict=True)]


def _key_value(kind: type, item: Any) -> Any:
    if kind is UUID:
        return UUID(item)
    if kind is bytes:
        return bytes.fromhex(item)
    return date.fromisoformat(item) if kind is date else item
