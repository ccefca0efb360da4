"""Working hours: wall times per civil day, made into spans of instants. Pure.

The one rule: an instant is working time when the clocks of the zone then show a working time. So a time that is
skipped (a gap, a missing midnight, Samoa's missing Friday) is not there, and one that comes twice is there twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from app.scheduling.slots.zones import DAY, day_number, runs, weekday
from app.timespan import Span

_MINUTES_OF_A_DAY: Final = 1440
_DAYS_OF_A_WEEK: Final = 7


@dataclass(frozen=True, slots=True, order=True)
class LocalInterval:
    """A part of a civil day in minutes on its clocks; 1440 is the day's end."""

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_minute < self.end_minute <= _MINUTES_OF_A_DAY:
            raise ValueError("an interval begins before it ends, within one day")


Intervals = tuple[LocalInterval, ...]


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When somebody works: a week, and dates that differ from it.

    Intervals of a day that overlap are one interval. Those that only touch stay two, each with a beginning of its own.
    """

    zone: str
    weekly: tuple[Intervals, ...]
    """Seven days, Monday first."""
    overrides: Mapping[date, Intervals] = field(default_factory=dict)
    """Instead of the weekly ones; none: closed that day."""

    def __post_init__(self) -> None:
        if len(self.weekly) != _DAYS_OF_A_WEEK:
            raise ValueError("a week has seven days")


class Stretch(NamedTuple):
    """A working interval, or the part of it that a change of the clocks or the asker's bounds left."""

    start: int
    end: int
    anchor: int
    """When the interval began, or would have on these clocks: wall times count from here."""
    day: int
    """The civil day, counted from 1970-01-01."""


def stretches(hours: WorkingHours, between: Span) -> Iterator[Stretch]:
    """The working time in `between`, rising; stretches do not overlap, but may touch."""
    usual = [_seconds(intervals) for intervals in hours.weekly]
    special = {day_number(day): _seconds(intervals) for day, intervals in hours.overrides.items()}
    for run in runs(hours.zone, between):
        for day in range((run.start + run.offset) // DAY, (run.end - 1 + run.offset) // DAY + 1):
            midnight = day * DAY - run.offset
            for begin, finish in special.get(day, usual[weekday(day)]):
                anchor = midnight + begin
                start, end = max(anchor, run.start), min(midnight + finish, run.end)
                if start < end:
                    yield Stretch(start, end, anchor, day)


def _seconds(intervals: Intervals) -> list[Span]:
    """A day's intervals in seconds, rising, apart."""
    spans: list[Span] = []
    for interval in sorted(intervals):
        start, end = interval.start_minute * 60, interval.end_minute * 60
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans
