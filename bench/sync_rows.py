"""What must stand in the mirror of a canned calendar, and rows for whoever writes the same by another way. Pure.

The one rule: it is worked out from the canned events alone, never from what somebody saved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from app.calendar import ProviderName
from bench import canned_exchange, canned_google, canned_graph
from bench.canned_events import CannedEvent, calendar_after

_KEYS: Final[Mapping[ProviderName, Callable[[CannedEvent], tuple[str, str]]]] = {
    ProviderName.GOOGLE: canned_google.key,
    ProviderName.OFFICE365: canned_graph.key,
    ProviderName.EXCHANGE: canned_exchange.key,
}


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the mirror keeps it."""

    event_id: str
    starts_at: datetime
    ends_at: datetime
    etag: str


def rows_of(provider: ProviderName, size: int, first: date, *, changes: int = 0) -> list[Row]:
    """The rows of a calendar after so many changes, by id."""
    key = _KEYS[provider]
    events = calendar_after(size, changes, first).values()
    rows = [Row(name, event.start, event.end, etag) for event in events for name, etag in [key(event)]]
    return sorted(rows, key=lambda row: row.event_id)
