"""A value for any column, by its type. Pure.

The one rule: the same table, column, account and number have the same value, in every run; no clock, no chance.
Values are PostgreSQL's own text, to be cast to the column's type.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prove.migrations_catalogue import Column, Table

_PAST: Final = datetime(2021, 3, 1, 9, tzinfo=UTC)
_FUTURE: Final = datetime(2041, 3, 1, 9, tzinfo=UTC)

KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "public.directory.kind": ("page", "host", "time_proposal", "former_host"),
    "public.domains.status": ("connected", "pending", "failed"),
    "public.meeting_requests.status": ("pending", "accepted", "declined"),
    "public.scheduling_pages.configuration": ('{"reminders_minutes_before": [60, 1440]}', '{"name": "n"}', "{}"),
    "public.mirror_events.generation": ("-1", "0", "1", "2"),
    "public.mirror_events.busy": ("0", "1", "2"),
}
"""Values that migrations ask for and the catalogue cannot tell; every other is made by its type."""


def value(table: Table, column: Column, account: int, number: int) -> str | None:
    """What stands in this column of the row with this number of an account."""
    known = KNOWN.get(f"{table.name}.{column.name}") or column.labels
    if known:
        return known[number % len(known)]
    meant = table.literals.get(column.name, ())
    if meant and number % 2 == 0 and column.type == "text":
        return meant[number // 2 % len(meant)]
    try:
        return _MAKERS[column.type](_Place(table.name, column, account, number))
    except KeyError:
        raise LookupError(f"{table.name}.{column.name}: of what type {column.type} looks like nobody knows") from None


class _Place:
    """Where a value stands."""

    def __init__(self, table: str, column: Column, account: int, number: int) -> None:
        self.label = f"{table}.{column.name}/{account}/{number}"
        self.column, self.account, self.number = column, account, number

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.label.encode()).digest()

    @property
    def instant(self) -> datetime:
        """Past and future in turn; a later column of the same row is later."""
        start = _PAST if self.number % 2 else _FUTURE
        return start + timedelta(days=self.number + 100 * self.account, minutes=self.column.place)


def _document(place: _Place) -> str:
    """A list where the default is one, else an object."""
    listed = (place.column.default or "").startswith("'[")
    return json.dumps([place.number] if listed else {"number": place.number, "text": "ä"})


def _range(place: _Place) -> str:
    return f"[{place.instant.isoformat()},{(place.instant + timedelta(hours=1)).isoformat()})"


_MAKERS: Final[dict[str, Callable[[_Place], str]]] = {
    "uuid": lambda place: str(UUID(bytes=place.digest[:16])),
    "text": lambda place: f"{place.label} ä",
    "smallint": lambda place: str(place.number + 1),
    "integer": lambda place: str(place.number + 1),
    "bigint": lambda place: str(place.number + 2**33),
    "boolean": lambda place: str((place.number + place.column.place) % 2 == 0).lower(),
    "bytea": lambda place: f"\\x{place.digest.hex()}",
    "date": lambda place: place.instant.date().isoformat(),
    "timestamp with time zone": lambda place: place.instant.isoformat(),
    "tstzrange": _range,
    "jsonb": _document,
    "text[]": lambda place: f'{{"{place.label}"}}' if place.number % 3 else "{}",
    "integer[]": lambda place: f"{{{place.number},60}}",
    "timestamp with time zone[]": lambda place: f'{{"{place.instant.isoformat()}"}}',
}
