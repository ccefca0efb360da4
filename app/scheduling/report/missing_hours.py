"""Which working hours a date would need for a meeting to lie in them. Pure.

The one rule: nothing is taken away, and only what the meeting lacks is added.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from app.scheduling.configuration import MINUTES_PER_DAY, MOST_HOURS_A_DAY
from app.scheduling.report.openings import Hours
from app.scheduling.slots.grid import WHOLE_DAY, every_day, working_grids, working_time
from app.scheduling.slots.hours import Intervals, LocalInterval, WorkingHours, stretches
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.zones import DAY, civil_date, civil_day, offset_at, runs, weekday
from app.timespan import Span, subtract

_REACH = 2 * DAY  # a meeting lasts a day at most, and no clock is a whole day from UTC


class _Day(NamedTuple):
    there: date
    midnight: int
    """When it begins; of a day on which the clocks are steady."""
    usual: Intervals


class MissingHours:
    """Finds them for one page, around one span. Days alike are looked at once."""

    def __init__(self, rules: SlotRules, between: Span) -> None:
        around = between[0] - _REACH, between[1] + _REACH
        self._rules = rules
        self._working = working_time(rules.hours, around)
        self._unsteady = _days_of_change(rules.hours.zone, around)
        self._days: dict[int, _Day] = {}
        self._completed: dict[tuple[int, int, int], Intervals | None] = {}

    def of(self, start: int, day: int) -> Sequence[Hours]:
        """The hours of the dates that the meeting lies on, as they would have to be; none: no hours would do."""
        if day in self._unsteady:
            return self._by_instants(start)
        begin = (start - self._day(day).midnight) // 60
        end = begin + self._rules.duration_minutes
        found = self._by_minutes(day, begin, min(end, MINUTES_PER_DAY))
        if end > MINUTES_PER_DAY:
            found = [*found, *self._by_minutes(day + 1, 0, end - MINUTES_PER_DAY)]
        return () if any(len(hours.intervals) > MOST_HOURS_A_DAY for hours in found) else found

    def _by_minutes(self, day: int, begin: int, end: int) -> Sequence[Hours]:
        """The day's hours with what is missing of these minutes; none: nothing is."""
        there, _, usual = self._day(day)
        key = id(usual), begin, end
        if key not in self._completed:
            spans = [(interval.start_minute, interval.end_minute) for interval in usual]
            lacking = [LocalInterval(*span) for span in subtract([(begin, end)], spans)]
            self._completed[key] = _with(usual, lacking) if lacking else None
        completed = self._completed[key]
        return () if completed is None else (Hours(there, completed),)

    def _day(self, day: int) -> _Day:
        found = self._days.get(day)
        if found is None:
            hours, there = self._rules.hours, civil_date(day)
            usual = hours.overrides.get(there, hours.weekly[weekday(day)])
            found = self._days[day] = _Day(there, day * DAY - offset_at(hours.zone, day * DAY), usual)
        return found

    def _by_instants(self, start: int) -> Sequence[Hours]:
        """The same where the clocks change: minutes of the day are no measure there, instants are."""
        lacking: dict[int, set[LocalInterval]] = {}
        meeting = start, start + self._rules.duration_minutes * 60
        for span in subtract([meeting], self._working):
            for stretch in stretches(every_day(self._rules.hours.zone, WHOLE_DAY), span):
                minutes = (stretch.start - stretch.anchor) // 60, (stretch.end - stretch.anchor) // 60
                lacking.setdefault(stretch.day, set()).add(LocalInterval(*minutes))
        found = [Hours(self._day(day).there, _with(self._day(day).usual, more)) for day, more in lacking.items()]
        fit = all(len(hours.intervals) <= MOST_HOURS_A_DAY for hours in found)
        return found if fit and _opens(self._rules, found, start) else ()


def _with(usual: Intervals, more: Iterable[LocalInterval]) -> Intervals:
    return tuple(sorted({*usual, *more}))


def _days_of_change(zone: str, around: Span) -> set[int]:
    """The days on which the clocks of a zone change, with their neighbours."""
    changes = [later.start for run, later in pairwise(runs(zone, around)) if run.offset != later.offset]
    return {civil_day(zone, change) + away for change in changes for away in (-2, -1, 0, 1)}


def _opens(rules: SlotRules, changes: Sequence[Hours], start: int) -> bool:
    """Whether the meeting then begins on the grid and lies in working time.

    It does but where clocks go back in the midst of it: then two pieces may be one by the clock.
    """
    overrides = {**rules.hours.overrides, **{change.day: change.intervals for change in changes}}
    hours = WorkingHours(rules.hours.zone, rules.hours.weekly, overrides)
    duration, step = rules.duration_minutes * 60, rules.increment_minutes * 60
    grids = working_grids(hours, step, (start - DAY, start + 1), reach=duration)
    return any(start in grid.starts and start + duration <= grid.until for grid in grids)
