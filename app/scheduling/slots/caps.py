"""Daily and weekly caps: how many meetings a day or a week may hold (R32). Pure.

The one rule: a meeting counts for the civil day, and the ISO week, of the page's zone in which it begins.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.scheduling.slots.zones import civil_day, monday


@dataclass(frozen=True, slots=True)
class Caps:
    """At most so many meetings; None: no limit."""

    daily: int | None = None
    weekly: int | None = None

    def __post_init__(self) -> None:
        if any(cap is not None and cap < 1 for cap in (self.daily, self.weekly)):
            raise ValueError("a cap below one would close the page")


def days_with_room(caps: Caps, zone: str, booked_starts: Iterable[int]) -> Callable[[int], bool]:
    """Tells of a day, counted from 1970-01-01, whether one more meeting may begin on it."""
    if caps.daily is None and caps.weekly is None:
        return lambda _: True
    booked = Booked.of(zone, booked_starts)
    full_days = {day for day, count in booked.days.items() if caps.daily is not None and count >= caps.daily}
    full_weeks = {week for week, count in booked.weeks.items() if caps.weekly is not None and count >= caps.weekly}
    return lambda day: day not in full_days and monday(day) not in full_weeks


@dataclass(frozen=True, slots=True)
class Booked:
    """How many meetings begin on which days and in which weeks."""

    days: Counter[int]
    """By day, counted from 1970-01-01."""
    weeks: Counter[int]
    """By the Monday of the week."""

    @classmethod
    def of(cls, zone: str, starts: Iterable[int]) -> "Booked":
        """Counted by the civil days of a zone."""
        days = Counter(civil_day(zone, start) for start in starts)
        weeks: Counter[int] = Counter()
        for day, count in days.items():
            weeks[monday(day)] += count
        return cls(days, weeks)
