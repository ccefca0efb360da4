"""Graph's `start` and `end` and what they mean.

The one rule: an event is kept as instants and the name of the zone it was told in; wall times exist on the wire only.
All-day events are the exception Graph makes: they are days, shown as midnight to midnight in whatever zone is asked.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.microsoft import errors
from sandbox.microsoft.zones import find_zone

Json = dict[str, Any]
NEVER = "0001-01-01T00:00:00Z"
# What Exchange can store: its clock begins here, and what has no time at all is stored as the other.
_FIRST, _NONE = datetime(1601, 1, 1, tzinfo=UTC), datetime(4501, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"(\.\d{6})\d+")


def zone_of(name: str) -> ZoneInfo:
    """The zone of a stored name; names were checked when they came in."""
    zone = find_zone(name)
    assert zone is not None, name
    return zone


@dataclass(frozen=True)
class Span:
    """When something happens. `label` is what Graph tells as the original zone where it has no usable name."""

    start: datetime
    end: datetime
    zone: str
    end_zone: str
    all_day: bool = False
    label: str | None = None

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def day(self) -> date:
        """The local day it starts on."""
        return self.start.astimezone(zone_of(self.zone)).date()

    @property
    def days(self) -> int:
        """How many days an all-day event lasts."""
        return (self.end.astimezone(zone_of(self.zone)).date() - self.day).days

    def on(self, day: date) -> "Span":
        """The same on another local day: the wall time stays, the offset may not."""
        zone = zone_of(self.zone)
        if self.all_day:
            start = datetime.combine(day, time(), zone).astimezone(UTC)
            end = datetime.combine(day + timedelta(days=self.days), time(), zone).astimezone(UTC)
        else:
            wall = self.start.astimezone(zone).timetz().replace(tzinfo=None)
            # Through UTC: a wall time that a clock change skips moves forward by the length of the gap.
            start = datetime.combine(day, wall, zone).astimezone(UTC)
            end = start + self.length
        return Span(start, end, self.zone, self.end_zone, self.all_day, self.label)

    def wire(self, zone_name: str) -> tuple[Json, Json]:
        """`start` and `end` in a zone."""
        if self.all_day:
            first, last = self.day, self.end.astimezone(zone_of(self.zone)).date()
            return _wall(datetime.combine(first, time()), zone_name), _wall(datetime.combine(last, time()), zone_name)
        zone = zone_of(zone_name)
        return _wall(self.start.astimezone(zone), zone_name), _wall(self.end.astimezone(zone), zone_name)


@dataclass(frozen=True)
class Window:
    """Bounds of a calendar view: what ends after `start` and begins before `end`."""

    start: datetime
    end: datetime

    def holds(self, span: Span) -> bool:
        # An event of no length at the lower bound itself still counts.
        return span.start < self.end and (span.end > self.start or span.start == span.end == self.start)


def _wall(moment: datetime, zone_name: str) -> Json:
    return {"dateTime": seven_digits(moment.replace(tzinfo=None)), "timeZone": zone_name}


def seven_digits(moment: datetime) -> str:
    """Ticks of a ten-millionth of a second, as .NET writes them."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0"


def utc_text(moment: datetime) -> str:
    """A DateTimeOffset in UTC."""
    return f"{seven_digits(moment.astimezone(UTC))}Z"


def parse_moment(raw: object, name: str) -> datetime:
    """The `dateTime` of a body: a wall time, or an instant if it carries an offset."""
    if not isinstance(raw, str) or not raw:
        raise errors.validation(f"The {name} property is required.")
    try:
        return datetime.fromisoformat(_FRACTION.sub(r"\1", raw.strip().upper()))
    except ValueError:
        raise errors.validation(f"The DateTime value '{raw}' of {name} is not valid.") from None


def parse_zone(raw: object) -> str:
    """The `timeZone` of a body, or Graph's refusal."""
    name = raw if isinstance(raw, str) else ""
    if find_zone(name) is None:
        raise errors.time_zone(name)
    return name


def parse_end(value: Json, name: str) -> tuple[datetime, str]:
    """One end of an event as an instant, with its zone."""
    zone_name = parse_zone(value.get("timeZone"))
    moment = parse_moment(value.get("dateTime"), name)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone_of(zone_name))
    instant = as_utc(moment)
    if instant is None or not _FIRST <= instant < _NONE:
        raise errors.validation(f"The DateTime value '{value['dateTime']}' of {name} is out of range.")
    return instant, zone_name


def as_utc(moment: datetime) -> datetime | None:
    """An aware time in UTC; None where that would be before the first year or after the last."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def in_zone(value: Json, zone_name: str) -> Json:
    """A `dateTimeTimeZone` in another zone."""
    moment, _ = parse_end(value, "")
    return _wall(moment.astimezone(zone_of(zone_name)), zone_name)


def parse_bound(raw: str, name: str) -> datetime:
    """A query parameter's instant; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", raw.strip().upper()))
    except ValueError:
        moment = None
    instant = moment and as_utc(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
    if instant is None:
        raise errors.invalid_parameter(f"The value '{raw}' of parameter '{name}' is invalid.")
    return instant


def midnight(moment: datetime, zone_name: str) -> bool:
    local = moment.astimezone(zone_of(zone_name))
    # A zone may skip midnight itself when its clocks change; the day then begins an hour later.
    first = datetime.combine(local.date(), time(), zone_of(zone_name)).astimezone(UTC)
    return first == moment.astimezone(UTC)
