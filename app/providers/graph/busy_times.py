"""Busy spans of many calendars: how to cut the question, and how to join the answers. Pure.

The one rule: a calendar that is unknown in one part of the window is unknown in all of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.calendar import AllDay, Busy, BusyTimes, Event, Timed, When, normalised
from app.providers.graph.cursor import utc_text
from app.providers.graph.mapping import instant_of
from app.providers.graph.wire import WireSchedule, WireScheduleItem
from app.timespan import Span, clip, merge

TARGETS_MAX = 20
"""Schedules that one getSchedule may name."""
DAYS_MAX = 60
"""getSchedule refuses more than 62 days; the cut lies at whole days of UTC, wherever the window begins."""
_STEP = timedelta(minutes=30)
"""What one digit of an availability view stands for; a window has to be longer than that."""
_SHORTEST = 2 * _STEP
_FREE_DIGITS = "04"
_FREE_STATES = frozenset({"free", "workingelsewhere"})
_REFUSALS = frozenset({"5009", "errormailrecipientnotfound", "errornofreebusyaccess", "erroraccessdenied"})
"""Nobody of that address, or nobody who tells us; any other error may pass."""


@dataclass(frozen=True, slots=True)
class Question:
    """One getSchedule: few enough addresses, and a short enough window."""

    addresses: tuple[str, ...]
    window: Timed

    def body(self) -> dict[str, Any]:
        """What getSchedule takes."""
        start, end = self.window.start, max(self.window.end, self.window.start + _SHORTEST)
        return {
            "schedules": list(self.addresses),
            "startTime": {"dateTime": utc_text(start).removesuffix("Z"), "timeZone": "UTC"},
            "endTime": {"dateTime": utc_text(end).removesuffix("Z"), "timeZone": "UTC"},
            "availabilityViewInterval": _STEP // timedelta(minutes=1),
        }

    def read(self, schedules: Mapping[str, WireSchedule]) -> dict[str, BusyTimes]:
        """The answer for every address asked about; one that is missing from it is unknown."""
        return {address: _busy_times(schedules.get(normalised(address)), self.window) for address in self.addresses}

    def refused(self, reason: str) -> dict[str, BusyTimes]:
        """The answer when nothing will be said."""
        return {address: BusyTimes(unknown=reason, refused=True) for address in self.addresses}


def questions(addresses: Sequence[str], window: Timed) -> Iterator[Question]:
    """The questions that together cover every address over the whole window."""
    for first in range(0, len(addresses), TARGETS_MAX):
        for part in parts(window, DAYS_MAX):
            yield Question(tuple(addresses[first : first + TARGETS_MAX]), part)


def parts(window: Timed, days: int) -> Iterator[Timed]:
    """The window in pieces of at most so many days."""
    start = window.start
    while start < window.end:
        end = min(window.end, start + timedelta(days=days))
        yield Timed(start, end)
        start = end


def joined(answers: Iterable[Mapping[str, BusyTimes]]) -> dict[str, BusyTimes]:
    """All answers as one."""
    found: dict[str, list[BusyTimes]] = {}
    for answer in answers:
        for target, times in answer.items():
            found.setdefault(target, []).append(times)
    return {target: _joined(times) for target, times in found.items()}


def needs_zone(events: Iterable[Event]) -> bool:
    """Whether busy times of these events depend on where midnight is."""
    return any(event.busy is not Busy.FREE and isinstance(event.when, AllDay) for event in events)


def from_events(events: Iterable[Event], window: Timed, zone: str) -> BusyTimes:
    """What free/busy would have said of these events: whatever is not free is busy."""
    civil = ZoneInfo(zone)
    blocking = [_seconds(event.when, civil) for event in events if event.busy is not Busy.FREE]
    return _known(clip(blocking, _seconds(window, civil)))


def _busy_times(schedule: WireSchedule | None, window: Timed) -> BusyTimes:
    if schedule is None:
        return BusyTimes(unknown="missing")
    if schedule.error is not None:
        code = schedule.error.response_code or "unknown"
        return BusyTimes(unknown=code, refused=code.lower() in _REFUSALS)
    view = schedule.availability_view or ""
    if not schedule.schedule_items:
        return _known(clip(_view_spans(view, window), _seconds(window, ZoneInfo("UTC"))))
    spans = [_item_span(item) for item in schedule.schedule_items if _blocks(item)]
    readable = [span for span in spans if span is not None]
    if len(readable) != len(spans):
        return BusyTimes(unknown="unreadable")
    return _known(clip(readable, _seconds(window, ZoneInfo("UTC"))))


def _blocks(item: WireScheduleItem) -> bool:
    return (item.status or "").lower() not in _FREE_STATES


def _item_span(item: WireScheduleItem) -> Span | None:
    start, end = instant_of(item.start), instant_of(item.end)
    return None if start is None or end is None else _seconds(Timed(start, end), ZoneInfo("UTC"))


def _view_spans(view: str, window: Timed) -> Iterator[Span]:
    """The busy steps of a schedule whose owner shares no more than its outline."""
    for number, digit in enumerate(view):
        if digit not in _FREE_DIGITS:
            start = window.start + number * _STEP
            yield _seconds(Timed(start, start + _STEP), ZoneInfo("UTC"))


def _joined(times: Sequence[BusyTimes]) -> BusyTimes:
    unknown = next((part for part in times if not part.known), None)
    return unknown or _known(merge([_seconds(span, ZoneInfo("UTC")) for part in times for span in part.spans]))


def _known(spans: Iterable[Span]) -> BusyTimes:
    return BusyTimes(
        tuple(Timed(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)) for start, end in spans)
    )


def _seconds(when: When, zone: ZoneInfo) -> Span:
    if isinstance(when, AllDay):
        return _midnight(when.start, zone), _midnight(when.end, zone)
    return int(when.start.timestamp()), int(when.end.timestamp())


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
