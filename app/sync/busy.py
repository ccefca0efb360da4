"""From mirrored events to the busy spans of a UTC month. Pure.

The one rule: an all-day event blocks the civil days of its calendar's zone, whatever the length of those days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.calendar import AllDay, Busy, When
from app.timespan import Span, Spans, clip, merge, subtract, union


class Level(IntEnum):
    """How an event blocks, as the mirror stores it."""

    FREE = 0
    TENTATIVE = 1
    BUSY = 2
    OUT_OF_OFFICE = 3


_LEVELS = {
    Busy.FREE: Level.FREE,
    Busy.TENTATIVE: Level.TENTATIVE,
    Busy.BUSY: Level.BUSY,
    Busy.OUT_OF_OFFICE: Level.OUT_OF_OFFICE,
}


def level_of(busy: Busy) -> Level:
    """The stored form."""
    return _LEVELS[busy]


@dataclass(frozen=True, slots=True)
class Blocking:
    """What blocks time: spans of instants as columns of UTC seconds, in any order and none empty, and civil days."""

    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    days: Sequence[AllDay] = ()

    def spans(self, zone: ZoneInfo) -> Spans:
        """Merged; `zone` is where the days are."""
        return merge(union(self.starts, self.ends), [seconds_of(day, zone) for day in self.days])


@dataclass(frozen=True, slots=True)
class MonthSpans:
    """A month's merged spans, clipped to the month."""

    busy: Spans
    tentative: Spans
    """Only what `busy` does not already hold."""


def seconds_of(when: When, zone: ZoneInfo) -> Span:
    """The span in UTC seconds; civil days from midnight to midnight of the zone."""
    if isinstance(when, AllDay):
        return _midnight(when.start, zone), _midnight(when.end, zone)
    return int(when.start.timestamp()), int(when.end.timestamp())


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone; UTC for a name that tzdata does not know (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def month_spans(month: date, busy: Blocking, tentative: Blocking, zone: ZoneInfo) -> MonthSpans:
    """The month's busy and tentative spans."""
    bounds = month_bounds(month)
    solid = clip(busy.spans(zone), bounds)
    return MonthSpans(solid, subtract(clip(tentative.spans(zone), bounds), solid))


def month_bounds(month: date) -> Span:
    """A UTC month in seconds."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return int(start.timestamp()), int((start + timedelta(days=32)).replace(day=1).timestamp())


def months_of(start: datetime, end: datetime) -> Iterator[date]:
    """The UTC months a span touches."""
    month, last = start.astimezone(UTC).date().replace(day=1), end.astimezone(UTC).date()
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant of a civil day, also where midnight does not exist: UTC of the wall clock before the gap."""
    return int(datetime.combine(day, time(), zone).timestamp())
