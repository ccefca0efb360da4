"""Instances of recurring events: their ids, and the ones that exist only by rule.

The one rule: an instance is stored only once something about it differs; until then it is made from its series.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from sandbox.google.recurrence import Schedule, expand, occurs
from sandbox.google.times import When, read_when, rfc3339, tellable
from sandbox.google.world import Calendar, Event

_INSTANCE_ID = re.compile(r"(.+)_(\d{8})(?:T(\d{6})Z)?")
# What a series has and its instances have not.
_SERIES_ONLY = ("recurrence",)


@dataclass(frozen=True)
class Window:
    """Bounds as Google means them: an event ends after `after` and starts before `before`."""

    after: datetime | None = None
    before: datetime | None = None

    def holds(self, start: datetime, end: datetime) -> bool:
        # An event of no length at the lower bound itself still counts.
        return (self.after is None or end > self.after or (start == end == self.after)) and (
            self.before is None or start < self.before
        )


def instance_id(series_id: str, original: When) -> str:
    if original.day is not None:
        return f"{series_id}_{original.day:%Y%m%d}"
    assert original.instant is not None
    return f"{series_id}_{original.instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def split_instance_id(event_id: str) -> tuple[str, When] | None:
    """The series and the original start, for an id of an instance."""
    match = _INSTANCE_ID.fullmatch(event_id)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match[2])
        if not tellable(day):
            return None
        if match[3] is None:
            return match[1], When(day, None, None)
        at = datetime.fromisoformat(f"{match[2]}T{match[3]}+00:00")
    except ValueError:
        return None
    return match[1], When(None, at, None)


def make_instance(series: Event, schedule: Schedule, original: When) -> Event:
    """The instance of a series at its original start, as the rule has it."""
    fields = deepcopy({name: value for name, value in series.fields.items() if name not in _SERIES_ONLY})
    start = replace(original, zone=schedule.start.zone)
    if start.day is not None:
        end = When(start.day + schedule.length, None, None)
    else:
        assert start.instant is not None
        end = When(None, start.instant + schedule.length, start.zone)
    fields |= {
        "id": instance_id(series.id, original),
        "recurringEventId": series.id,
        "originalStartTime": start.wire(),
        "start": start.wire(),
        "end": end.wire(),
    }
    return Event(fields, series.ordinal, series.version)


def find_event(calendar: Calendar, event_id: str) -> Event | None:
    """A stored event, or an instance that a rule gives. Cancelled ones are found too."""
    stored = calendar.events.get(event_id)
    if stored is not None:
        return stored
    split = split_instance_id(event_id)
    if split is None:
        return None
    series = calendar.events.get(split[0])
    schedule = series.schedule() if series is not None and series.recurring else None
    if series is None or schedule is None or not occurs(schedule, split[1]):
        return None
    return make_instance(series, schedule, split[1])


def exceptions_of(calendar: Calendar, series_id: str) -> list[Event]:
    """The stored instances of a series, cancelled ones included."""
    return [event for event in calendar.events.values() if event.series_id == series_id]


def instances_of(calendar: Calendar, series: Event, window: Window) -> Iterator[Event]:
    """Instances by rule within a window, without those stored as exceptions."""
    schedule = series.schedule()
    if schedule is None:
        return
    for original in expand(schedule, after=window.after, before=window.before, calendar_zone=calendar.time_zone):
        if instance_id(series.id, original) not in calendar.events:
            yield make_instance(series, schedule, original)


def extent(event: Event, calendar: Calendar) -> tuple[datetime, datetime] | None:
    """Start and end of one event as instants; None where the times are damaged."""
    schedule = event.schedule()
    if schedule is not None:
        end = read_when(event.fields.get("end"))
        assert end is not None
        return schedule.start.utc(calendar.time_zone), end.utc(calendar.time_zone)
    start = read_when(event.fields.get("start")) or read_when(event.fields.get("originalStartTime"))
    if start is None:
        return None
    return start.utc(calendar.time_zone), start.utc(calendar.time_zone)


def happens_within(event: Event, calendar: Calendar, window: Window) -> bool:
    """Whether an event, or any instance a series' rule gives, lies in the window."""
    if window.after is None and window.before is None:
        return True
    schedule = event.schedule()
    if event.recurring and schedule is not None:
        return schedule_within(schedule, calendar, window)
    span = extent(event, calendar)
    return span is None or window.holds(*span)


def schedule_within(schedule: Schedule, calendar: Calendar, window: Window) -> bool:
    if schedule.lines:
        found = expand(schedule, after=window.after, before=window.before, calendar_zone=calendar.time_zone)
        return next(found, None) is not None
    start = schedule.start.utc(calendar.time_zone)
    return window.holds(start, start + schedule.length)


def start_key(event: Event, calendar: Calendar) -> str:
    """Sorts by start; damaged events come first."""
    span = extent(event, calendar)
    return rfc3339(span[0]) if span else ""
