"""Expansion of RRULE, RDATE and EXDATE lines. The one rule: rules run on the wall clock of the event's own zone.

So a weekly meeting at nine stays at nine across a clock change, and an all-day series knows no clock at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from dateutil.rrule import rrule, rruleset, rrulestr

from sandbox.google.times import When, find_zone, tellable

# An endless series is listed to this many instances when the client gives no upper bound, as Google does.
UNBOUNDED_INSTANCES = 730
LAST_YEAR = 2100
_LONGEST = date.max - date(LAST_YEAR + 1, 1, 1)
_LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[^:]*)?):(.+)", re.IGNORECASE)
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}


class InvalidRecurrence(ValueError):
    """Lines that no calendar can follow."""


@dataclass(frozen=True)
class Schedule:
    """When a series happens: enough to expand it, hashable so that expansions are shared."""

    start: When
    length: timedelta
    lines: tuple[str, ...]

    @property
    def zone_name(self) -> str:
        return self.start.zone or "UTC"

    @property
    def wall_start(self) -> datetime:
        """The first start as a naive wall time."""
        if self.start.day is not None:
            return datetime.combine(self.start.day, time())
        assert self.start.instant is not None
        return self.start.instant.astimezone(find_zone(self.zone_name)).replace(tzinfo=None)

    def at_wall(self, wall: datetime) -> When:
        """The start of the instance at a naive wall time."""
        if self.start.all_day:
            return When(wall.date(), None, None)
        # Through UTC: a wall time that a clock change skips moves forward by the length of the gap.
        instant = wall.replace(tzinfo=find_zone(self.zone_name)).astimezone(UTC)
        return When(None, instant, self.zone_name)


def validate(schedule: Schedule) -> None:
    """Raises InvalidRecurrence for lines Google refuses."""
    if not any(line.upper().startswith(("RRULE", "RDATE")) for line in schedule.lines):
        raise InvalidRecurrence("no RRULE or RDATE")
    if schedule.length > _LONGEST:
        raise InvalidRecurrence("its last instances would not end in any year there is")
    _compile(schedule)


def expand(
    schedule: Schedule, *, after: datetime | None, before: datetime | None, calendar_zone: str
) -> Iterator[When]:
    """Original starts of the instances that end after `after` and start before `before` (aware instants)."""
    try:
        rules = _compile(schedule)
    except InvalidRecurrence:
        # Google serves such events; all one can say is that the first instance takes place.
        yield from _within(iter([schedule.start]), schedule, after, before, calendar_zone)
        return
    from_wall = datetime(1900, 1, 1)  # noqa: DTZ001 - a wall time has no zone
    if after is not None:
        # Two days of margin cover every offset; the exact test follows on instants.
        margin, floor = schedule.length + timedelta(days=2), after.astimezone(UTC).replace(tzinfo=None)
        if floor - from_wall > margin:
            from_wall = floor - margin
    starts = (schedule.at_wall(wall) for wall in rules.xafter(from_wall, inc=True))
    yield from _within(starts, schedule, after, before, calendar_zone)


def _within(
    starts: Iterator[When],
    schedule: Schedule,
    after: datetime | None,
    before: datetime | None,
    calendar_zone: str,
) -> Iterator[When]:
    count = 0
    for start in starts:
        begins = start.utc(calendar_zone)
        if (before is not None and begins >= before) or begins.year >= LAST_YEAR:
            return
        if before is None and count >= UNBOUNDED_INSTANCES:
            return
        if after is not None and begins + schedule.length <= after:
            continue
        count += 1
        yield start


def occurs(schedule: Schedule, original: When) -> bool:
    """Whether the series has an instance that starts exactly at `original`."""
    if schedule.start.all_day != original.all_day:
        return False
    if original.day is not None:
        wall = datetime.combine(original.day, time())
    else:
        assert original.instant is not None
        wall = original.instant.astimezone(find_zone(schedule.zone_name)).replace(tzinfo=None)
    try:
        rules = _compile(schedule)
    except InvalidRecurrence:
        return wall == schedule.wall_start
    # The wall time of a skipped hour differs from the rule's, so compare what the rule's neighbours become.
    for candidate in rules.xafter(wall - timedelta(hours=2), inc=True):
        start = schedule.at_wall(candidate)
        if start == original or (start.instant is not None and start.instant == original.instant):
            return True
        if candidate > wall:
            return False
    return False


@lru_cache(maxsize=8192)
def _compile(schedule: Schedule) -> rruleset:
    first = schedule.wall_start
    rules = rruleset(cache=True)
    repeats = False
    for line in schedule.lines:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise InvalidRecurrence(line)
        name, parameters, value = match[1].upper(), match[2], match[3]
        if name == "RRULE":
            rules.rrule(_rule(value, first, schedule))
            repeats = True
        elif name == "EXRULE":
            rules.exrule(_rule(value, first, schedule))
        else:
            add = rules.rdate if name == "RDATE" else rules.exdate
            for wall in _dates(value, parameters, schedule):
                add(wall)
    if not repeats:
        rules.rdate(first)
    return rules


def _rule(value: str, first: datetime, schedule: Schedule) -> rrule:
    parts = dict(part.upper().split("=", 1) for part in value.strip(";").split(";") if "=" in part)
    if parts.get("FREQ") not in _FREQUENCIES or {"COUNT", "UNTIL"} <= parts.keys():
        raise InvalidRecurrence(value)
    if "UNTIL" in parts:
        parts["UNTIL"] = _until(parts["UNTIL"], schedule).strftime("%Y%m%dT%H%M%S")
    text = ";".join(f"{name}={part}" for name, part in parts.items())
    try:
        rule = rrulestr(text, dtstart=first)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise InvalidRecurrence(value) from error
    assert isinstance(rule, rrule)
    return rule


def _until(raw: str, schedule: Schedule) -> datetime:
    """The last wall time a rule may reach. A bare date covers its whole day."""
    wall = _wall(raw, schedule.zone_name)
    if len(raw) == 8 or schedule.start.all_day:
        return datetime.combine(wall.date(), time(23, 59, 59))
    return wall


def _dates(value: str, parameters: str, schedule: Schedule) -> Iterator[datetime]:
    named = re.search(r"TZID=([^;]+)", parameters, re.IGNORECASE)
    zone_name = named[1] if named else schedule.zone_name
    for raw in value.split(","):
        wall = _wall(raw.strip().upper(), zone_name)
        if not tellable(wall.date()):
            raise InvalidRecurrence(raw)
        if len(raw.strip()) == 8 and not schedule.start.all_day:
            wall = datetime.combine(wall.date(), schedule.wall_start.time())
        elif zone_name != schedule.zone_name:
            wall = _in_zone(wall, zone_name, schedule.zone_name)
        yield datetime.combine(wall.date(), time()) if schedule.start.all_day else wall


def _in_zone(wall: datetime, zone_name: str, other_name: str) -> datetime:
    """A wall time of one zone as the other's."""
    try:
        return wall.replace(tzinfo=find_zone(zone_name)).astimezone(find_zone(other_name)).replace(tzinfo=None)
    except OverflowError as error:
        raise InvalidRecurrence(wall.isoformat()) from error


def _wall(raw: str, zone_name: str) -> datetime:
    """A RFC 5545 DATE or DATE-TIME as a naive wall time of `zone_name`."""
    zone = find_zone(zone_name)
    if zone is None:
        raise InvalidRecurrence(zone_name)
    try:
        if len(raw) == 8:
            return datetime.combine(date(int(raw[:4]), int(raw[4:6]), int(raw[6:])), time())
        parsed = datetime.strptime(raw.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a wall time has no zone
    except ValueError as error:
        raise InvalidRecurrence(raw) from error
    if raw.endswith("Z") and tellable(parsed.date()):
        return parsed.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return parsed
