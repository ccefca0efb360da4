"""Times GetUserAvailability suggests. The one rule: the share of people who are free decides how good a time is.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/suggestionquality
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.exchange.errors import Fault
from sandbox.exchange.items import View
from sandbox.exchange.markup import Markup, boolean, element
from sandbox.exchange.reading import Node
from sandbox.exchange.times import wall

Quality = Literal["Excellent", "Good", "Fair", "Poor"]
_QUALITIES: tuple[Quality, ...] = ("Excellent", "Good", "Fair", "Poor")
_WEIGHTS = ("Free", "WorkingElsewhere", "Tentative", "Busy", "OOF")
_STEP = timedelta(minutes=30)
_DAY = timedelta(days=1)
_WORK_BEGINS, _WORK_ENDS, _SATURDAY = 8, 17, 5


@dataclass(frozen=True)
class Options:
    """`SuggestionsViewOptions`; the defaults are Exchange's."""

    threshold: int
    results: int
    others: int
    length: timedelta
    worst: Quality


@dataclass(frozen=True)
class Suggestion:
    """`conflicts`: each person's status in the order asked, None of who is not known."""

    at: datetime
    at_work: bool
    quality: Quality
    conflicts: tuple[str | None, ...]


def read_options(node: Node) -> Options:
    """Raises Fault."""
    minutes = _number(node, "MeetingDurationInMinutes", 60, 30, 1440)
    worst = node.text_of("t:MinimumSuggestionQuality") or "Fair"
    return Options(
        threshold=_number(node, "GoodThreshold", 25, 1, 49),
        results=_number(node, "MaximumResultsByDay", 10, 0, 48),
        others=_number(node, "MaximumNonWorkHourResultsByDay", 0, 0, 48),
        length=timedelta(minutes=minutes),
        worst=next(one for one in _QUALITIES if one == worst),
    )


def _number(node: Node, name: str, default: int, least: int, most: int) -> int:
    text = node.text_of(f"t:{name}")
    number = default if text is None else int(text)
    if not least <= number <= most:
        message = f"The value of {name} is not valid. The allowed values are {least} to {most}."
        raise Fault("ErrorInvalidParameter", message)
    return number


@dataclass(frozen=True)
class People:
    """Everybody's items around the window, None of who is not known; times are wall times of the request."""

    calendars: tuple[tuple[tuple[datetime, datetime, str], ...] | None, ...]

    def at(self, begin: datetime, end: datetime) -> tuple[str | None, ...]:
        return tuple(None if one is None else _status(one, begin, end) for one in self.calendars)


def _status(spans: tuple[tuple[datetime, datetime, str], ...], begin: datetime, end: datetime) -> str:
    touching = (busy for start, stop, busy in spans if start < end and stop > begin)
    return max(touching, key=_WEIGHTS.index, default="Free")


def span_of(view: View, start: datetime, end: datetime) -> tuple[datetime, datetime, str]:
    return start, end, view.get("LegacyFreeBusyStatus", "Busy")


def write_suggestions(people: People, options: Options, begin: datetime, end: datetime) -> Markup:
    """A day after the other; of each the best times, the earliest first among equals."""
    days = []
    day = begin
    while day < end:
        days.append(_write_day(day, _best_of(day, people, options)))
        day += _DAY
    return element("m:SuggestionDayResultArray", *days)


def _best_of(day: datetime, people: People, options: Options) -> list[Suggestion]:
    count = int(_DAY / _STEP)
    found = (_suggest(day + number * _STEP, people, options) for number in range(count))
    good = [one for one in found if _QUALITIES.index(one.quality) <= _QUALITIES.index(options.worst)]
    good.sort(key=lambda one: (_QUALITIES.index(one.quality), one.at))
    at_work = [one for one in good if one.at_work][: options.results]
    others = [one for one in good if not one.at_work][: min(options.others, options.results - len(at_work))]
    return at_work + others


def _suggest(at: datetime, people: People, options: Options) -> Suggestion:
    end = at + options.length
    conflicts = people.at(at, end)
    known = [one for one in conflicts if one is not None]
    free = sum(one in {"Free", "WorkingElsewhere"} for one in known)
    opening, closing = at.replace(hour=_WORK_BEGINS, minute=0), at.replace(hour=_WORK_ENDS, minute=0)
    at_work = at.weekday() < _SATURDAY and opening <= at and end <= closing
    return Suggestion(at, at_work, _quality(100 * free // max(len(known), 1), options.threshold), conflicts)


def _quality(percent: int, threshold: int) -> Quality:
    if percent == 100:
        return "Excellent"
    if percent >= threshold + 50:
        return "Good"
    return "Fair" if percent >= 50 else "Poor"


def _write_day(day: datetime, suggestions: list[Suggestion]) -> Markup:
    return element(
        "t:SuggestionDayResult",
        element("t:Date", wall(day)),
        element("t:DayQuality", suggestions[0].quality if suggestions else "Poor"),
        element("t:SuggestionArray", *map(_write, suggestions)),
    )


def _write(one: Suggestion) -> Markup:
    conflicts = (
        element("t:UnknownAttendeeConflictData")
        if status is None
        else element("t:IndividualAttendeeConflictData", element("t:BusyType", status))
        for status in one.conflicts
    )
    return element(
        "t:Suggestion",
        element("t:MeetingTime", wall(one.at)),
        element("t:IsWorkTime", boolean(one.at_work)),
        element("t:SuggestionQuality", one.quality),
        element("t:AttendeeConflictDataArray", *conflicts),
    )
