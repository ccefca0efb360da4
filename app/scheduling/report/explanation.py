"""Why each time of a page is offered or not, and what would open it. Pure.

    candidates   every start of the grid, in working time or not
    obstacles    what closes each of them
    verdicts     closed by all of these; opened by the fewest changes

The one rule: a time is offered when nothing closes it, and that is never another answer than `slots.offered` gives.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import msgspec

from app.scheduling.report.missing_hours import MissingHours
from app.scheduling.report.obstacles import Obstacle, Rule, Seating, closed_starts
from app.scheduling.report.openings import (
    Changes,
    changes_wanted,
    freer_hosts,
    higher_daily_limit,
    higher_weekly_limit,
    shorter_notice,
    wider_window,
)
from app.scheduling.slots.caps import Booked
from app.scheduling.slots.grid import closed_grids, working_grids
from app.scheduling.slots.hours import LocalInterval
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.zones import civil_day, monday
from app.timespan import Span

_PAST: Final = Obstacle(Rule.PAST)
_CLOSED: Final = Obstacle(Rule.OUTSIDE_WORKING_HOURS)
_NOTICE: Final = Obstacle(Rule.MINIMUM_NOTICE)
_WINDOW: Final = Obstacle(Rule.OUTSIDE_BOOKING_WINDOW)
_DAILY: Final = Obstacle(Rule.DAILY_LIMIT)
_WEEKLY: Final = Obstacle(Rule.WEEKLY_LIMIT)

Obstacles = Sequence[Obstacle]


Candidate = tuple[int, int, bool]
"""A time at which a meeting might begin, in UTC seconds; its civil day in the page's zone, counted from 1970-01-01;
whether the whole meeting lies in working time. A bare tuple: there are thousands."""


class Verdict(msgspec.Struct, frozen=True):
    """What is to be said of a time."""

    start: int
    closed_by: Obstacles
    """None: it is offered."""
    firm: bool
    """It can be booked at once; else it is only asked for. Says nothing while it is closed."""
    opened_by: Changes | None
    """The fewest changes that would open it; None: nothing can do that now."""


def explain(
    rules: SlotRules,
    seatings: Sequence[Seating],
    *,
    booked_starts: Iterable[int],
    now: int,
    between: Span,
    daily: LocalInterval,
) -> Iterator[Verdict]:
    """A verdict on each start in `between`, rising: on the grid of working time, and in `daily` of every day.

    The meeting is had with any one of the seatings.
    """
    candidates = _candidates(rules, between, daily)
    page = _PageRules(rules, booked_starts, now=now, between=between)
    starts = [start for start, _, _ in candidates]
    closed = [_closed_by_hosts(starts, seating, rules) for seating in seatings]
    for index, (start, day, in_hours) in enumerate(candidates):
        if start < now:  # of a time that is over there is no more to say
            yield Verdict(start, (_PAST,), firm=False, opened_by=None)
            continue
        hosts = [by.get(index, seating.always) for seating, by in zip(seatings, closed, strict=True)]
        yield _verdict(rules, start, page.look_at(start, day, in_hours=in_hours), hosts, seatings)


def _verdict(
    rules: SlotRules,
    start: int,
    page: tuple[Obstacles, Changes | None],
    hosts: Sequence[Obstacles],
    seatings: Sequence[Seating],
) -> Verdict:
    """Closed by the page or by every seating; opened by changing the page and one seating."""
    closed_by, changes = page
    if not all(hosts):
        firm = any(not seating.asks_only for seating, some in zip(seatings, hosts, strict=True) if not some)
        return Verdict(start, closed_by, firm, changes)
    closed_by = [*closed_by, *chain.from_iterable(hosts)]
    more = freer_hosts(rules, start, hosts[0] if len(hosts) == 1 else min(hosts, key=changes_wanted))
    if changes is None or more is None:
        return Verdict(start, closed_by, firm=False, opened_by=None)
    return Verdict(start, closed_by, firm=False, opened_by=[*changes, *more])


def _candidates(rules: SlotRules, between: Span, daily: LocalInterval) -> list[Candidate]:
    duration, step = rules.duration_minutes * 60, rules.increment_minutes * 60
    found = [
        (start, grid.day, start + duration <= grid.until)
        for grid in working_grids(rules.hours, step, between, reach=duration)
        for start in grid.starts
    ]
    found += [
        (start, grid.day, False)
        for grid in closed_grids(rules.hours, step, between, daily=daily)
        for start in grid.starts
    ]
    return sorted(found)


class _PageRules:
    """What the page's own rules close, and what would open that."""

    def __init__(self, rules: SlotRules, booked_starts: Iterable[int], *, now: int, between: Span) -> None:
        self._rules = rules
        self._now = now
        self._noticed = now + rules.minimum_notice_minutes * 60
        self._today = civil_day(rules.hours.zone, now)
        self._open_days = rules.window.days(self._today)
        self._booked = Booked.of(rules.hours.zone, booked_starts)
        self._missing = MissingHours(rules, between)
        self._of_days: dict[int, tuple[Obstacles, Changes | None]] = {}

    def look_at(self, start: int, day: int, *, in_hours: bool) -> tuple[Obstacles, Changes | None]:
        """What closes a time, and all the changes that would open it; None: nothing can."""
        if day not in self._of_days:
            self._of_days[day] = self._look_at_day(day)
        closed_by, changes = self._of_days[day]
        if not in_hours:
            closed_by, changes = (*closed_by, _CLOSED), _and(changes, self._missing.of(start, day))
        if start < self._noticed:
            closed_by, changes = (*closed_by, _NOTICE), _and(changes, [shorter_notice(start, self._now)])
        return closed_by, changes

    def _look_at_day(self, day: int) -> tuple[Obstacles, Changes | None]:
        """The same of all times of a day."""
        rules, closed_by = self._rules, []
        changes: Changes | None = ()
        if day not in self._open_days:
            closed_by.append(_WINDOW)
            changes = _and(changes, wider_window(rules.window, day, self._today))
        if rules.daily_cap is not None and self._booked.days[day] >= rules.daily_cap:
            closed_by.append(_DAILY)
            changes = _and(changes, higher_daily_limit(self._booked, day))
        if rules.weekly_cap is not None and self._booked.weeks[monday(day)] >= rules.weekly_cap:
            closed_by.append(_WEEKLY)
            changes = _and(changes, higher_weekly_limit(self._booked, day))
        return closed_by, changes


def _and(changes: Changes | None, more: Changes) -> Changes | None:
    """Both; None, nothing helps, where one of them is wanted and there is none."""
    return [*changes, *more] if changes is not None and more else None


def _closed_by_hosts(starts: Sequence[int], seating: Seating, rules: SlotRules) -> Mapping[int, Obstacles]:
    """By the index of a start: what of its hosts' time closes it. Of others there is only what always does."""
    found: dict[int, list[Obstacle]] = {}
    for index, obstacle in closed_starts(seating, rules, starts):
        if index not in found:
            found[index] = [*seating.always]
        found[index].append(obstacle)
    return found
