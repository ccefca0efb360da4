"""What could be changed so that a closed time is open. Pure.

The one rule: a change is the least of its kind.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

import msgspec

from app.scheduling import configuration
from app.scheduling.report.obstacles import Obstacle, Rule, Whose
from app.scheduling.slots.caps import Booked
from app.scheduling.slots.hours import Intervals
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.window import BookingWindow, DateRange, RollingDays, RollingWeeks
from app.scheduling.slots.zones import civil_date, monday
from app.timespan import Span


class Setting(msgspec.Struct, frozen=True):
    """A number of the page's, and what it would have to be."""

    name: str
    value: int


class Window(msgspec.Struct, frozen=True):
    """The booking window would have to be this one."""

    window: BookingWindow


class Hours(msgspec.Struct, frozen=True):
    """The working hours of one date would have to be these."""

    day: date
    intervals: Intervals


class FreeHost(msgspec.Struct, frozen=True):
    """A host would have to be free then, by what `rule` says: a calendar connected or mended, a meeting moved."""

    whose: Whose
    rule: Rule
    during: Span


Change = Setting | Window | Hours | FreeHost
Changes = Sequence[Change]
_BUFFERS: Final = (Rule.BUFFER_BEFORE, Rule.BUFFER_AFTER)
_ONLY_TIME_TELLS: Final = (Rule.HELD, Rule.NOT_KNOWN_YET)


def shorter_notice(start: int, now: int) -> Setting:
    """The longest notice that still lets this one through."""
    return Setting("minimum_notice_minutes", (start - now) // 60)


def wider_window(window: BookingWindow, day: int, today: int) -> Changes:
    """The least window that has the day in it, too; none where a window cannot reach so far."""
    match window:
        case RollingDays() if today < day <= today + configuration.MOST_DAYS_AHEAD:
            return (Window(RollingDays(day - today)),)
        case RollingWeeks() if today < day < monday(today) + configuration.MOST_WEEKS_AHEAD * 7:
            return (Window(RollingWeeks((day - monday(today)) // 7 + 1)),)
        case DateRange(first, last):
            there = civil_date(day)
            return (Window(DateRange(min(first, there), max(last, there))),)
    return ()


def higher_daily_limit(booked: Booked, day: int) -> Changes:
    """Room for one more on the day; none where a limit cannot be so high."""
    value = booked.days[day] + 1
    return (Setting("daily_limit", value),) if value <= configuration.MOST_A_DAY else ()


def higher_weekly_limit(booked: Booked, day: int) -> Changes:
    """Room for one more in the week; none where a limit cannot be so high."""
    value = booked.weeks[monday(day)] + 1
    return (Setting("weekly_limit", value),) if value <= configuration.MOST_A_WEEK else ()


def changes_wanted(obstacles: Iterable[Obstacle]) -> float:
    """How many changes about the hosts' time would open it: of each buffer one, whatever reaches into it."""
    wanted, buffers = 0, set()
    for obstacle in obstacles:
        if obstacle.rule in _ONLY_TIME_TELLS:
            return math.inf
        if obstacle.rule in _BUFFERS:
            buffers.add(obstacle.rule)
        else:
            wanted += 1
    return wanted + len(buffers)


def freer_hosts(rules: SlotRules, start: int, obstacles: Iterable[Obstacle]) -> Changes | None:
    """All that would have to change about the hosts' time; None: nothing can do that now."""
    found: list[Change] = []
    before = after = configuration.MINUTES_PER_DAY
    first, last = rules.buffered(start)
    for obstacle in obstacles:
        rule, (begin, end) = obstacle.rule, obstacle.taken or (first, last)
        if rule is Rule.BUFFER_BEFORE:
            before = min(before, (start - end) // 60)
        elif rule is Rule.BUFFER_AFTER:
            after = min(after, (begin - start) // 60 - rules.duration_minutes)
        elif rule in _ONLY_TIME_TELLS or obstacle.whose is None:
            return None
        else:
            during = max(first, begin), min(last, end)
            found.append(FreeHost(obstacle.whose, rule, during))
    if before < configuration.MINUTES_PER_DAY:
        found.append(Setting("buffer_before_minutes", before))
    if after < configuration.MINUTES_PER_DAY:
        found.append(Setting("buffer_after_minutes", after))
    return found
