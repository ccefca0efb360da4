"""Busy spans of many calendars: how to cut the question, and how to join the answers. Pure.

The one rule: a calendar that is unknown in one part of the window is unknown in all of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.calendar import AllDay, Busy, BusyTimes, Event, Timed, When
from app.providers.google.drafts import rfc3339
from app.providers.google.mapping import known_zone
from app.providers.google.wire import WireBusy

TARGETS_MAX = 50
"""Calendars that one query may name."""
DAYS_MAX = 60
"""Google answers `timeRangeTooLong` somewhat above two months; where exactly is not documented."""


@dataclass(frozen=True, slots=True)
class Question:
    """One query: few enough calendars, and a short enough window."""

    calendar_ids: tuple[str, ...]
    start: datetime
    end: datetime

    def body(self) -> dict[str, Any]:
        """What freeBusy.query takes."""
        return {
            "timeMin": rfc3339(self.start),
            "timeMax": rfc3339(self.end),
            "timeZone": "UTC",
            "calendarExpansionMax": TARGETS_MAX,
            "items": [{"id": calendar_id} for calendar_id in self.calendar_ids],
        }

    def read(self, answer: Mapping[str, WireBusy]) -> dict[str, BusyTimes]:
        """The answer for every calendar asked about; one that is missing from it is unknown."""
        return {calendar_id: _busy_times(answer.get(calendar_id)) for calendar_id in self.calendar_ids}


def questions(calendar_ids: Sequence[str], window: Timed) -> Iterator[Question]:
    """The queries that together cover every calendar over the whole window."""
    distinct = tuple(dict.fromkeys(calendar_ids))
    for first in range(0, len(distinct), TARGETS_MAX):
        start = window.start
        while start < window.end:
            end = min(window.end, start + timedelta(days=DAYS_MAX))
            yield Question(distinct[first : first + TARGETS_MAX], start, end)
            start = end


def joined(calendar_ids: Sequence[str], answers: Iterable[Mapping[str, BusyTimes]]) -> dict[str, BusyTimes]:
    """All answers as one."""
    parts: dict[str, list[BusyTimes]] = {calendar_id: [] for calendar_id in calendar_ids}
    for answer in answers:
        for calendar_id, times in answer.items():
            parts[calendar_id].append(times)
    return {calendar_id: _joined(times) for calendar_id, times in parts.items()}


def from_events(events: Iterable[Event], window: Timed, zone: str | None) -> BusyTimes:
    """What free/busy would have said of these events: whatever is not free is busy."""
    civil = ZoneInfo(known_zone(zone) or "UTC")
    spans = (_clipped(_span(event.when, civil), window) for event in events if event.busy is not Busy.FREE)
    return BusyTimes(_merged(span for span in spans if span is not None))


_REFUSED = {"notFound", "forbidden"}


def _busy_times(busy: WireBusy | None) -> BusyTimes:
    if busy is None:
        return BusyTimes(unknown="missing")
    if busy.errors:
        reason = busy.errors[0].reason
        return BusyTimes(unknown=reason, refused=reason in _REFUSED)
    if any(period.start.tzinfo is None or period.end.tzinfo is None for period in busy.busy):
        return BusyTimes(unknown="unreadable")
    return BusyTimes(tuple(Timed(period.start.astimezone(UTC), period.end.astimezone(UTC)) for period in busy.busy))


def _joined(parts: Sequence[BusyTimes]) -> BusyTimes:
    unknown = next((part for part in parts if not part.known), None)
    return unknown or BusyTimes(_merged(span for part in parts for span in part.spans))


def _merged(spans: Iterable[Timed]) -> tuple[Timed, ...]:
    """Rising, without overlaps; spans that touch become one, as they do where a window was cut."""
    merged: list[Timed] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Timed(merged[-1].start, max(merged[-1].end, span.end))
        elif span.start < span.end:
            merged.append(Timed(span.start, span.end))
    return tuple(merged)


def _clipped(span: Timed, window: Timed) -> Timed | None:
    start, end = max(span.start, window.start), min(span.end, window.end)
    return Timed(start, end) if start < end else None


def _span(when: When, zone: ZoneInfo) -> Timed:
    if isinstance(when, AllDay):
        return Timed(_midnight(when.start, zone), _midnight(when.end, zone))
    return when


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
