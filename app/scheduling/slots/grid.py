"""At which wall times meetings may begin: the grid of working time, and one for the time between. Pure.

The one rule: a grid counts whole increments from the beginning of a working interval or, where nobody works, from when
work begins on other days; as the clocks of the zone show it.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.scheduling.slots.hours import LocalInterval, Stretch, WorkingHours, stretches
from app.timespan import Span, Spans, merge, subtract

WHOLE_DAY: Final = LocalInterval(0, 1440)


class Grid(NamedTuple):
    """The starts of one stretch, UTC seconds."""

    starts: range
    day: int
    """The civil day they lie on, counted from 1970-01-01."""
    until: int
    """When the working time ends that the stretch begins or goes on, and with it the last meeting."""


def working_grids(hours: WorkingHours, step: int, within: Span, *, reach: int) -> Iterator[Grid]:
    """The starts within working time, rising; working time is looked at for `reach` seconds beyond."""
    first, last = within
    for stretch, until in _with_ends(stretches(hours, (first, last + reach))):
        starts = range(_on_grid(stretch, stretch.start, step), min(stretch.end, last), step)
        if starts:
            yield Grid(starts, stretch.day, until)


def closed_grids(hours: WorkingHours, step: int, within: Span, *, daily: LocalInterval) -> Iterator[Grid]:
    """The starts in that part of each day where nobody works, rising."""
    working = working_time(hours, within)
    for stretch in stretches(every_day(hours.zone, daily), within):
        for start, end in subtract([(stretch.start, stretch.end)], working):
            starts = range(_on_grid(stretch, start, step), end, step)
            if starts:
                yield Grid(starts, stretch.day, start)


def working_day(hours: WorkingHours) -> LocalInterval:
    """From the earliest working minute of any day to the latest; the whole day where nobody ever works."""
    all_intervals = [interval for intervals in (*hours.weekly, *hours.overrides.values()) for interval in intervals]
    if not all_intervals:
        return WHOLE_DAY
    starts, ends = zip(*((interval.start_minute, interval.end_minute) for interval in all_intervals), strict=True)
    return LocalInterval(min(starts), max(ends))


def working_time(hours: WorkingHours, between: Span) -> Spans:
    """All instants of working time in a span."""
    return merge([(start, end) for start, end, _, _ in stretches(hours, between)])


def every_day(zone: str, interval: LocalInterval) -> WorkingHours:
    """The same hours on all days."""
    return WorkingHours(zone, ((interval,),) * 7)


def _on_grid(stretch: Stretch, instant: int, step: int) -> int:
    """The first start of the stretch's grid that is not before the instant."""
    return instant + (stretch.anchor - instant) % step


def _with_ends(working: Iterable[Stretch]) -> list[tuple[Stretch, int]]:
    """Each stretch with the end of the working time that it begins or goes on."""
    joined: list[tuple[Stretch, int]] = []
    following, end = None, 0
    for stretch in reversed(list(working)):
        if stretch.end != following:
            end = stretch.end
        joined.append((stretch, end))
        following = stretch.start
    joined.reverse()
    return joined
