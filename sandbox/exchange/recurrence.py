"""Recurrence patterns and ranges as Exchange has them, and the days they fall on.

The one rule: a pattern runs on the wall clock of the event's own zone, and a day a month does not have is its last day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import islice
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule

from sandbox.exchange.markup import Markup, element
from sandbox.exchange.reading import Node
from sandbox.exchange.times import InvalidTime, parse_date
from sandbox.exchange.zones import MONTHS

# Exchange keeps no more than this many occurrences, and nothing behind this year.
MAX_OCCURRENCES = 999
LAST_YEAR = 2100
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GROUPS = {"Day": range(7), "Weekday": range(5), "WeekendDay": range(5, 7)}
_INDEXES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}


class InvalidRecurrence(ValueError):
    """A recurrence Exchange refuses; `code` is its response code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Recurrence:
    """`pattern` is the element's name: DailyRecurrence, RelativeMonthlyRecurrence and so on. Days are names in English.

    `end` and `count` both None: without an end.
    """

    pattern: str
    start: date
    interval: int = 1
    days: tuple[str, ...] = ()
    index: str | None = None
    day_of_month: int | None = None
    month: int | None = None
    first_day: str | None = None
    end: date | None = None
    count: int | None = None

    def days_from(self) -> Iterator[date]:
        """Every day of the series, from its first."""
        days = (moment.date() for moment in _rule(self))
        return islice(days, self.count) if self.count is not None else days

    def starts(self, at: time) -> Iterator[datetime]:
        """Naive wall times of all starts."""
        return (datetime.combine(day, at) for day in self.days_from())

    def arguments(self) -> dict[str, Any]:
        """The same as dateutil's rule has it."""
        arguments: dict[str, Any] = {"interval": self.interval}
        last = self.end or date(LAST_YEAR, 1, 1)
        arguments["until"] = datetime.combine(last, time())
        if self.pattern == "DailyRecurrence":
            return {"freq": DAILY, **arguments}
        if self.pattern == "WeeklyRecurrence":
            first = _WEEKDAYS.index(self.first_day) if self.first_day in _WEEKDAYS else 6
            return {"freq": WEEKLY, "byweekday": self._weekdays(), "wkst": first, **arguments}
        if self.pattern.endswith("YearlyRecurrence"):
            arguments |= {"freq": YEARLY, "bymonth": self.month}
        else:
            arguments["freq"] = MONTHLY
        if self.pattern.startswith("Relative"):
            assert self.index is not None
            return {**arguments, "byweekday": self._weekdays(), "bysetpos": _INDEXES[self.index]}
        assert self.day_of_month is not None
        # The last of the days from 28 on that the month has: the day itself, or the month's last.
        days = range(min(self.day_of_month, 28), self.day_of_month + 1)
        return {**arguments, "bymonthday": list(days), "bysetpos": -1}

    def _weekdays(self) -> list[int]:
        chosen: set[int] = set()
        for name in self.days:
            chosen |= set(_GROUPS[name]) if name in _GROUPS else {_WEEKDAYS.index(name)}
        return sorted(chosen)


@lru_cache(maxsize=4096)
def _rule(recurrence: Recurrence) -> rrule:
    # With its cache, so that a long series is counted out once.
    return rrule(dtstart=datetime.combine(recurrence.start, time()), cache=True, **recurrence.arguments())


def check(recurrence: Recurrence) -> None:
    """Raises InvalidRecurrence for what Exchange does not keep."""
    if not _is_whole(recurrence):
        raise InvalidRecurrence("ErrorCalendarInvalidRecurrence", "The recurrence is not valid.")
    if not 1 <= recurrence.interval <= 999:
        raise InvalidRecurrence(
            "ErrorCalendarInvalidPropertyValue", "The value of the property is not valid: recurrence:Interval."
        )
    if recurrence.day_of_month is not None and not 1 <= recurrence.day_of_month <= 31:
        raise InvalidRecurrence(
            "ErrorCalendarInvalidPropertyValue", "The value of the property is not valid: recurrence:DayOfMonth."
        )
    if recurrence.count is not None and not 1 <= recurrence.count <= MAX_OCCURRENCES:
        raise InvalidRecurrence(
            "ErrorCalendarInvalidPropertyValue",
            "The value of the property is not valid: recurrence:NumberOfOccurrences.",
        )
    if recurrence.pattern == "WeeklyRecurrence" and set(recurrence.days) & _GROUPS.keys():
        raise InvalidRecurrence(
            "ErrorCalendarInvalidDayForWeeklyRecurrence",
            "Day, Weekday and WeekendDay are invalid for weekly recurrence.",
        )
    if next(recurrence.days_from(), None) is None:
        raise InvalidRecurrence("ErrorRecurrenceHasNoOccurrence", "The recurrence has no occurrences within its range.")


def _is_whole(recurrence: Recurrence) -> bool:
    """Whether a pattern says all that its kind needs."""
    needed = {
        "DailyRecurrence": (),
        "WeeklyRecurrence": (recurrence.days,),
        "AbsoluteMonthlyRecurrence": (recurrence.day_of_month,),
        "RelativeMonthlyRecurrence": (recurrence.days, recurrence.index),
        "AbsoluteYearlyRecurrence": (recurrence.day_of_month, recurrence.month),
        "RelativeYearlyRecurrence": (recurrence.days, recurrence.index, recurrence.month),
    }
    return (
        recurrence.pattern in needed and None not in needed[recurrence.pattern] and () not in needed[recurrence.pattern]
    )


def rule_parts(recurrence: Recurrence, first: datetime) -> dict[str, Any]:
    """The parts of iCalendar's RRULE. `first` is the first start, whose clock the end is told on."""
    arguments = recurrence.arguments()
    parts: dict[str, Any] = {
        "freq": ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")[arguments["freq"]],
        "interval": arguments["interval"],
    }
    if recurrence.count is not None:
        parts["count"] = recurrence.count
    elif recurrence.end is not None:
        last = datetime.combine(recurrence.end, time(23, 59, 59), first.tzinfo)
        parts["until"] = last.astimezone(UTC)
    if "byweekday" in arguments:
        parts["byday"] = [_WEEKDAYS[number][:2].upper() for number in arguments["byweekday"]]
    names = ("bymonth", "bymonthday", "bysetpos")
    return parts | {name: arguments[name] for name in names if name in arguments}


def read_recurrence(node: Node) -> Recurrence:
    """A checked `Recurrence` element. Raises InvalidRecurrence."""
    pattern, span = node.children
    try:
        recurrence = _read(pattern, span)
    except InvalidTime as error:
        raise InvalidRecurrence("ErrorCalendarInvalidRecurrence", "The recurrence is not valid.") from error
    check(recurrence)
    return recurrence


def _read(pattern: Node, span: Node) -> Recurrence:
    month = pattern.text_of("t:Month")
    day = pattern.text_of("t:DayOfMonth")
    end = span.text_of("t:EndDate")
    count = span.text_of("t:NumberOfOccurrences")
    return Recurrence(
        pattern=pattern.local,
        start=parse_date(span.text_of("t:StartDate") or ""),
        interval=int(pattern.text_of("t:Interval") or 1),
        days=tuple((pattern.text_of("t:DaysOfWeek") or "").split()),
        index=pattern.text_of("t:DayOfWeekIndex"),
        day_of_month=int(day) if day is not None else None,
        month=MONTHS.index(month) + 1 if month is not None else None,
        first_day=pattern.text_of("t:FirstDayOfWeek"),
        end=parse_date(end) if end is not None else None,
        count=int(count) if count is not None else None,
    )


def write_recurrence(recurrence: Recurrence) -> Markup:
    return element("t:Recurrence", _write_pattern(recurrence), _write_range(recurrence))


def _write_pattern(recurrence: Recurrence) -> Markup:
    """The pattern's children, in the order of each pattern's type."""
    days = element("t:DaysOfWeek", " ".join(recurrence.days)) if recurrence.days else None
    index = element("t:DayOfWeekIndex", recurrence.index) if recurrence.index is not None else None
    day = element("t:DayOfMonth", str(recurrence.day_of_month)) if recurrence.day_of_month is not None else None
    month = element("t:Month", MONTHS[recurrence.month - 1]) if recurrence.month is not None else None
    yearly = recurrence.pattern.endswith("YearlyRecurrence")
    interval = None if yearly else element("t:Interval", str(recurrence.interval))
    first = element("t:FirstDayOfWeek", recurrence.first_day) if recurrence.first_day is not None else None
    return element(f"t:{recurrence.pattern}", interval, days, index, day, month, first)


def _write_range(recurrence: Recurrence) -> Markup:
    start = element("t:StartDate", recurrence.start.isoformat())
    if recurrence.end is not None:
        return element("t:EndDateRecurrence", start, element("t:EndDate", recurrence.end.isoformat()))
    if recurrence.count is not None:
        return element("t:NumberedRecurrence", start, element("t:NumberOfOccurrences", str(recurrence.count)))
    return element("t:NoEndRecurrence", start)


def shift_start(recurrence: Recurrence) -> Recurrence:
    """The same series, its range starting on its first occurrence, as Exchange stores it."""
    first = next(recurrence.days_from())
    return recurrence if first == recurrence.start else replace(recurrence, start=first)
