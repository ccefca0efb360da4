"""The booking window: the civil days on which a meeting may begin (R32). Pure.

The one rule: days are those of the page's zone, and both ends are included.
"""

from dataclasses import dataclass
from datetime import date

from app.scheduling.slots.zones import day_number, monday


@dataclass(frozen=True, slots=True)
class RollingDays:
    """Today and the `count` days after it."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("the window would end before today")

    def days(self, today: int) -> range:
        """The days open for booking, counted from 1970-01-01."""
        return range(today, today + self.count + 1)


@dataclass(frozen=True, slots=True)
class RollingWeeks:
    """The week of today, Monday to Sunday, and those after it: `count` weeks in all."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("a window of no weeks is never open")

    def days(self, today: int) -> range:
        """The days open for booking, counted from 1970-01-01."""
        return range(monday(today), monday(today) + 7 * self.count)


@dataclass(frozen=True, slots=True)
class DateRange:
    """From one date to another."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the window would end before it begins")

    def days(self, today: int) -> range:  # noqa: ARG002 - the windows that roll need it
        """The days open for booking, counted from 1970-01-01."""
        return range(day_number(self.first), day_number(self.last) + 1)


BookingWindow = RollingDays | RollingWeeks | DateRange
