"""freeBusy.query. The one rule: a calendar that cannot be told about has `errors`, not merely nothing busy."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.event_fields import attendee_of
from sandbox.google.instances import Window, extent, happens_within, instances_of
from sandbox.google.resources import event_time
from sandbox.google.surface import Parameter
from sandbox.google.times import Json, find_zone
from sandbox.google.world import Calendar, Event

CALENDARS_MAX = 50
GROUP_MAX = 100
_NEVER_BUSY = frozenset({"workingLocation", "birthday"})


def query_free_busy(call: Call) -> Answer:
    window, zone = _window(call), call.body.get("timeZone")
    items = [str(item.get("id") or "") for item in call.body.get("items") or ()]
    if not all(items):
        raise errors.required("Missing calendar identifier.")
    limit = _limit(call, "calendarExpansionMax", CALENDARS_MAX)
    _limit(call, "groupExpansionMax", GROUP_MAX)
    calendars: Json = {}
    for item in dict.fromkeys(items):
        if len(calendars) >= limit:
            calendars[item] = _failed("tooManyCalendarsRequested")
        else:
            calendars[item] = _calendar_busy(call, item, window, zone)
    assert window.after is not None
    assert window.before is not None
    return Answer(
        {
            "kind": "calendar#freeBusy",
            "timeMin": event_time(window.after, "UTC").replace("Z", ".000Z"),
            "timeMax": event_time(window.before, "UTC").replace("Z", ".000Z"),
            "calendars": calendars,
        }
    )


def _window(call: Call) -> Window:
    zone = call.body.get("timeZone")
    if zone is not None and find_zone(zone) is None:
        raise errors.invalid("Invalid time zone.", "timeZone")
    bounds: list[datetime] = []
    for name in ("timeMin", "timeMax"):
        if not call.body.get(name):
            raise errors.required(f"Missing {name} parameter.", name)
        bounds.append(Parameter("date-time").parse(name, call.body[name]))
    if bounds[0] >= bounds[1]:
        raise errors.time_range_empty()
    if bounds[1] - bounds[0] > call.world.knobs.free_busy_max_span:
        raise errors.time_range_too_long()
    return Window(bounds[0], bounds[1])


def _limit(call: Call, name: str, highest: int) -> int:
    value = call.body.get(name)
    if value is None:
        return highest
    if not 1 <= value <= highest:
        raise errors.invalid(f"Invalid value for {name}: must be between 1 and {highest}.", name)
    return int(value)


def _failed(reason: str) -> Json:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}


def _calendar_busy(call: Call, calendar_id: str, window: Window, zone: str | None) -> Json:
    calendar = call.world.find_calendar(call.account.email if calendar_id == "primary" else calendar_id)
    if calendar is None or call.role(calendar) == "none":
        return _failed("notFound")
    if call.fault is not None and call.fault.kind == "calendar_internal_error":
        return _failed("internalError")
    merged = merge(busy_spans(calendar, window), window)
    return {"busy": [{"start": event_time(start, zone), "end": event_time(end, zone)} for start, end in merged]}


def busy_spans(calendar: Calendar, window: Window) -> Iterator[tuple[datetime, datetime]]:
    """Every span of time an event of the calendar takes within the window, in no order."""
    for event in calendar.events.values():
        if event.cancelled or not happens_within(event, calendar, window):
            continue
        for instance in instances_of(calendar, event, window) if event.recurring else (event,):
            span = extent(instance, calendar)
            if span is not None and _blocks(instance, calendar):
                yield span


def _blocks(event: Event, calendar: Calendar) -> bool:
    if event.fields.get("transparency") == "transparent" or event.fields.get("eventType") in _NEVER_BUSY:
        return False
    own = attendee_of(event, calendar.id)
    return own is None or own.get("responseStatus") != "declined"


def merge(spans: Iterator[tuple[datetime, datetime]], window: Window) -> list[tuple[datetime, datetime]]:
    """Disjoint spans in order, cut to the window."""
    merged: list[tuple[datetime, datetime]] = []
    assert window.after is not None
    assert window.before is not None
    for start, end in sorted(spans):
        start, end = max(start, window.after), min(end, window.before)  # noqa: PLW2901 - cut to the window
        if end - start <= timedelta():
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
