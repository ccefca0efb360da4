"""Graph's recurrence: a pattern, a range, and the days they give.

The one rule: a series has at most one occurrence a day, so a day of its own zone names an occurrence.
https://learn.microsoft.com/graph/api/resources/recurrencepattern
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule

from sandbox.microsoft import errors
from sandbox.microsoft.times import Json, Span, Window, parse_zone

_LAST = date(2100, 1, 1)
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_NO_DATE = "0001-01-01"
_DAYS = {
    "sunday": SU,
    "monday": MO,
    "tuesday": TU,
    "wednesday": WE,
    "thursday": TH,
    "friday": FR,
    "saturday": SA,
}
_POSITION = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_FREQUENCY: dict[str, Literal[0, 1, 2, 3]] = {
    "daily": DAILY,
    "weekly": WEEKLY,
    "absoluteMonthly": MONTHLY,
    "relativeMonthly": MONTHLY,
    "absoluteYearly": YEARLY,
    "relativeYearly": YEARLY,
}
_NEEDED = {
    "daily": (),
    "weekly": ("daysOfWeek",),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek",),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "month"),
}
# The least number of days between two occurrences, per interval; no occurrence may last longer.
_SHORTEST = {"daily": 1, "weekly": 7, "absoluteMonthly": 28, "relativeMonthly": 28}


def settle(given: Json, span: Span) -> tuple[Json, Span]:
    """A client's recurrence with its defaults filled in, and the span moved to the first day the pattern gives.

    Raises GraphError for a recurrence Exchange refuses.
    """
    pattern, limits = given.get("pattern") or {}, given.get("range") or {}
    settled: Json = {"pattern": _settle_pattern(pattern), "range": _settle_range(limits, span)}
    first = next(days(settled, span.day), None)
    if first is None:
        raise errors.no_occurrence()
    moved = span.on(first)
    settled["range"]["startDate"] = first.isoformat()
    kind, interval = settled["pattern"]["type"], settled["pattern"]["interval"]
    longest = _longest(settled["pattern"], kind, interval)
    if moved.length > timedelta(days=longest):
        raise errors.occurrence_too_long()
    return settled, moved


def _longest(pattern: Json, kind: str, interval: int) -> int:
    if kind == "weekly":
        order = sorted(list(_DAYS).index(name) for name in pattern["daysOfWeek"])
        gaps = [after - before for before, after in pairwise(order)]
        return min([*gaps, order[0] + 7 * interval - order[-1]])
    return _SHORTEST.get(kind, 365) * interval


def _settle_pattern(pattern: Json) -> Json:
    kind = pattern.get("type")
    if kind not in _FREQUENCY:
        raise errors.validation()
    interval = pattern.get("interval", 1)
    if interval is None or not 1 <= interval <= 999:
        raise errors.validation()
    if any(not pattern.get(name) for name in _NEEDED[kind]):
        raise errors.validation()
    day, month = pattern.get("dayOfMonth") or 0, pattern.get("month") or 0
    if not (0 <= day <= 31 and 0 <= month <= 12):
        raise errors.validation()
    settled: Json = {
        "type": kind,
        "interval": interval,
        "month": month,
        "dayOfMonth": day,
        "firstDayOfWeek": pattern.get("firstDayOfWeek") or "sunday",
        "index": pattern.get("index") or "first",
    }
    if "daysOfWeek" in _NEEDED[kind]:
        settled["daysOfWeek"] = list(dict.fromkeys(pattern["daysOfWeek"]))
    return settled


def _settle_range(limits: Json, span: Span) -> Json:
    kind = limits.get("type")
    if kind not in {"endDate", "noEnd", "numbered"}:
        raise errors.validation()
    start = _date(limits.get("startDate"))
    if start != span.day:
        # "Must be the same value as the start property of the recurring event."
        raise errors.validation("The Recurrence.Range.StartDate property must be the same as the Event.Start property.")
    settled: Json = {
        "type": kind,
        "startDate": start.isoformat(),
        "endDate": _NO_DATE,
        "recurrenceTimeZone": parse_zone(limits.get("recurrenceTimeZone") or span.zone),
        "numberOfOccurrences": 0,
    }
    if kind == "endDate":
        end = _date(limits.get("endDate"))
        if end < start:
            raise errors.validation()
        settled["endDate"] = end.isoformat()
    elif kind == "numbered":
        count = limits.get("numberOfOccurrences") or 0
        if not 1 <= count <= 999:
            raise errors.validation()
        settled["numberOfOccurrences"] = count
    return settled


def _date(raw: object) -> date:
    try:
        return date.fromisoformat(str(raw)[:10])
    except ValueError:
        raise errors.wrong_type(raw, "Edm.Date") from None


def days(recurrence: Json, first: date) -> Iterator[date]:
    """The days of a series' occurrences, in order, from its first day on."""
    for moment in _rule(json.dumps(recurrence, sort_keys=True), first):
        if moment.date() >= _LAST:
            return
        yield moment.date()


def days_within(recurrence: Json, span: Span, window: Window) -> Iterator[date]:
    """The days whose occurrence by rule lies in the window."""
    rule = _rule(json.dumps(recurrence, sort_keys=True), span.day)
    # Two days of margin cover every offset; the exact test follows on instants.
    margin = span.length + timedelta(days=2)
    begin = (max(window.start, _BEGINNING + margin) - margin).replace(tzinfo=None)
    for moment in rule.xafter(begin, inc=True):
        found = span.on(moment.date())
        if found.start >= window.end or moment.date() >= _LAST:
            return
        if window.holds(found):
            yield moment.date()


def occurs(recurrence: Json, first: date, day: date) -> bool:
    """Whether the rule has an occurrence on this day."""
    moment = datetime.combine(day, time())
    return (
        next(iter(_rule(json.dumps(recurrence, sort_keys=True), first).xafter(moment, count=1, inc=True)), None)
        == moment
    )


def neighbours(recurrence: Json, first: date, day: date) -> tuple[date | None, date | None]:
    """The days by rule before and after."""
    rule, moment = _rule(json.dumps(recurrence, sort_keys=True), first), datetime.combine(day, time())
    before, after = rule.before(moment), rule.after(moment)
    return (before.date() if before else None), (after.date() if after else None)


@lru_cache(maxsize=8192)
def _rule(recurrence: str, first: date) -> rrule:
    described = json.loads(recurrence)
    pattern, limits = described["pattern"], described["range"]
    kind = pattern["type"]
    more: Json = {}
    if kind == "weekly":
        more["byweekday"] = [_DAYS[name] for name in pattern["daysOfWeek"]]
        more["wkst"] = _DAYS[pattern["firstDayOfWeek"]]
    elif kind.startswith("absolute"):
        # A month without the day has its occurrence on the last day it has.
        more["bymonthday"] = list(range(min(28, pattern["dayOfMonth"]), pattern["dayOfMonth"] + 1))
        more["bysetpos"] = -1
    elif kind.startswith("relative"):
        more["byweekday"] = [_DAYS[name] for name in pattern["daysOfWeek"]]
        more["bysetpos"] = _POSITION[pattern["index"]]
    if kind.endswith("Yearly"):
        more["bymonth"] = pattern["month"]
    if limits["type"] == "endDate":
        more["until"] = datetime.combine(date.fromisoformat(limits["endDate"]), time(23, 59))
    elif limits["type"] == "numbered":
        more["count"] = limits["numberOfOccurrences"]
    start = datetime.combine(first, time())
    return rrule(_FREQUENCY[kind], dtstart=start, interval=pattern["interval"], cache=True, **more)
