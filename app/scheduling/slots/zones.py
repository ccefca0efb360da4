"""What the clocks of a zone show, in whole numbers. No I/O but the tz database, read once per zone.

The one rule: a zone is runs of constant offset. Inside a run wall time is UTC plus a number, so civil days, gaps,
overlaps and days that never were need no rules of their own.

Days are counted from 1970-01-01, which is day 0; wall times are seconds since that day's midnight.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from app.errors import TimeZoneUnknown
from app.timespan import Span

DAY: Final = 86_400
_DAY_ZERO: Final = date(1970, 1, 1).toordinal()

# Runs are found, and kept, for blocks of days: two blocks answer most questions, and the cache holds every zone's.
_BLOCK: Final = 64 * DAY

# `datetime` ends with the year 9999; beyond, and before the year 1, the nearest offset it knows goes on.
_FIRST_INSTANT: Final = int(datetime(1, 1, 3, tzinfo=UTC).timestamp())
_LAST_INSTANT: Final = int(datetime(9999, 12, 29, tzinfo=UTC).timestamp())

# In the directory of zones, but no zones: the machine's own, and those that count leap seconds.
_NO_ZONES: Final = ("localtime", "posixrules", "Factory", "posix/", "right/")


class Run(NamedTuple):
    """From `start` to `end` (UTC seconds, exclusive) the clocks show UTC plus `offset` seconds."""

    start: int
    end: int
    offset: int


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The IANA zone. Raises: TimeZoneUnknown."""
    if name.startswith(_NO_ZONES):
        raise TimeZoneUnknown
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as unknown:  # OSError: the name of a directory, or far too long
        raise TimeZoneUnknown from unknown


def runs(zone: str, between: Span) -> Iterator[Run]:
    """The runs that make up `between`, in order; one may go on in the next with the same offset."""
    start, end = between
    for block in range(start // _BLOCK, (end - 1) // _BLOCK + 1):
        for run in _runs_of(zone, block):
            if run.start < end and start < run.end:
                yield Run(max(run.start, start), min(run.end, end), run.offset)


def offset_at(zone: str, instant: int) -> int:
    """What the clocks of the zone show at that instant, less UTC, in seconds."""
    return run_at(zone, instant).offset


def run_at(zone: str, instant: int) -> Run:
    """The run the instant lies in; the same offset may go on after it."""
    block = _runs_of(zone, instant // _BLOCK)
    return block[bisect_right(block, instant, key=_start) - 1]


def civil_day(zone: str, instant: int) -> int:
    """The day the calendars of the zone show at that instant."""
    return (instant + offset_at(zone, instant)) // DAY


def first_instant(zone: str, day: int) -> int:
    """The first instant at which the calendars of the zone show that day, or a later one where they skip it."""
    wall = day * DAY
    around = runs(zone, (wall - DAY, wall + 2 * DAY))  # no clock is a whole day from UTC, and none has skipped more
    return next(max(run.start, wall - run.offset) for run in around if wall < run.end + run.offset)


def day_number(day: date) -> int:
    """The day as a count from 1970-01-01."""
    return day.toordinal() - _DAY_ZERO


def civil_date(day: int) -> date:
    """The day counted from 1970-01-01 as a date."""
    return date.fromordinal(day + _DAY_ZERO)


def weekday(day: int) -> int:
    """Monday is 0. (Day 0 was a Thursday.)"""
    return (day + 3) % 7


def monday(day: int) -> int:
    """The first day of the ISO week."""
    return day - weekday(day)


def _start(run: Run) -> int:
    return run.start


@lru_cache(maxsize=2048)
def _runs_of(zone: str, block: int) -> tuple[Run, ...]:
    """The runs of one block, without holes.

    A look at each day finds every change: since 1970 no zone has changed its clocks twice within less than a week.
    """
    clocks = zone_named(zone)
    found: list[Run] = []
    start = block * _BLOCK
    offset = _offset(clocks, start)
    for looked in range(start, start + _BLOCK, DAY):
        following = _offset(clocks, looked + DAY)
        if following != offset:
            change = _change(clocks, looked, looked + DAY)
            found.append(Run(start, change, offset))
            start, offset = change, following
    found.append(Run(start, (block + 1) * _BLOCK, offset))
    return tuple(run for run in found if run.start < run.end)


def _change(clocks: ZoneInfo, before: int, after: int) -> int:
    """The second at which the offset of `before` gives way to that of `after`."""
    old = _offset(clocks, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(clocks, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(clocks: ZoneInfo, instant: int) -> int:
    known = min(max(instant, _FIRST_INSTANT), _LAST_INSTANT)
    offset = datetime.fromtimestamp(known, clocks).utcoffset()
    assert offset is not None
    return offset.days * DAY + offset.seconds
