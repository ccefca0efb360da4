"""What has changed on a calendar since a position in its log. The one rule: an event is reported once, as it is now.

With singleEvents=false the rows are stored events: series, single events and exceptions. With singleEvents=true they
are instances: touching one series then reports every instance it has, and those it no longer has as cancelled.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.google.instances import (
    Window,
    happens_within,
    instance_id,
    instances_of,
    make_instance,
    schedule_within,
)
from sandbox.google.recurrence import LAST_YEAR, Schedule, expand
from sandbox.google.world import Calendar, Event

# A deleted series is reported to expanding clients for about this long ahead, not to its end.
_CANCELLED_AHEAD = timedelta(days=183)


@dataclass
class Touched:
    """An event with its last position in the log, and the schedules it had since the client last looked."""

    event: Event
    offset: int
    before: list[Schedule] = field(default_factory=list)


def touched_since(calendar: Calendar, offset: int, until: int) -> list[Touched]:
    """Events changed in the log from `offset` up to `until`, in the order of their last change."""
    found: dict[str, Touched] = {}
    for position, change in enumerate(calendar.changes[offset:], start=offset):
        event = calendar.events[change.event_id]
        item = found.setdefault(change.event_id, Touched(event, position))
        item.offset = position
        if change.before is not None:
            item.before.append(change.before)
    # Changed again after the first page: it belongs to the next sync.
    return sorted((item for item in found.values() if item.offset < until), key=lambda item: item.offset)


def was_or_is_within(item: Touched, calendar: Calendar, window: Window) -> bool:
    """A sync restricted to a window also tells of what left the window."""
    if item.event.cancelled or happens_within(item.event, calendar, window):
        return True
    return any(schedule_within(schedule, calendar, window) for schedule in item.before)


def expand_touched(item: Touched, calendar: Calendar, window: Window, now: datetime) -> Iterator[Event]:
    """The instances an expanding client is told of for one changed event."""
    event = item.event
    if not event.recurring and not item.before:
        yield event
        return
    if not event.recurring:
        yield event
        yield from _gone(item, calendar, window, kept=set())
        return
    if event.cancelled:
        yield from _cancelled_ahead(event, calendar, now)
        return
    live = list(instances_of(calendar, event, window))
    yield from live
    yield from _gone(item, calendar, window, kept={instance.id for instance in live})


def _cancelled_ahead(series: Event, calendar: Calendar, now: datetime) -> Iterator[Event]:
    schedule = series.schedule()
    if schedule is None or schedule.start.utc(calendar.time_zone).year >= LAST_YEAR:
        return
    begin = max(now, schedule.start.utc(calendar.time_zone)) - timedelta(seconds=1)
    for original in expand(schedule, after=begin, before=begin + _CANCELLED_AHEAD, calendar_zone=calendar.time_zone):
        yield make_instance(series, schedule, original)


def _gone(item: Touched, calendar: Calendar, window: Window, *, kept: set[str]) -> Iterator[Event]:
    """Instances of the earlier schedules that the present one has no more, as cancelled."""
    told = set(kept)
    for schedule in item.before:
        if not schedule.lines:
            continue
        for original in expand(schedule, after=window.after, before=window.before, calendar_zone=calendar.time_zone):
            identifier = instance_id(item.event.id, original)
            if identifier in told or identifier in calendar.events:
                continue
            told.add(identifier)
            gone = make_instance(item.event, schedule, original)
            gone.fields["status"] = "cancelled"
            yield gone
