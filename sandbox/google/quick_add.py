"""A sentence as an event: "Dinner with Bo tomorrow 7pm-9pm". The one rule: what does not tell a time is the summary.

Google reads far more than this. Understood here: a day by name, by date or as today and tomorrow; a time or two.
https://developers.google.com/workspace/calendar/api/v3/reference/events/quickAdd
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.parser import ParserError, parse

from sandbox.google.times import Json

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_ORDINAL = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_DAY = re.compile(
    rf"\b(?:on\s+|next\s+)?(?:(?P<near>today|tomorrow)|(?P<name>{'|'.join(_DAYS)})|"
    rf"(?P<date>\d{{4}}-\d\d-\d\d|{_MONTHS}\s+{_ORDINAL}(?:,?\s+\d{{4}})?|{_ORDINAL}\s+{_MONTHS}(?:\s+\d{{4}})?))\b",
    re.IGNORECASE,
)
_CLOCK = r"\d{1,2}(?::\d\d)?\s*(?:am|pm)|\d{1,2}:\d\d"
_TIMES = re.compile(
    rf"\b(?:at\s+|from\s+)?(?P<begin>{_CLOCK}|\d{{1,2}}(?=\s*(?:-|to)\s*\d{{1,2}}(?::\d\d)?\s*[ap]m))"
    rf"(?:\s*(?:-|to|until)\s*(?P<end>{_CLOCK}))?\b",
    re.IGNORECASE,
)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class _Found:
    """What a sentence tells, and what is left of it."""

    rest: str
    day: date | None
    begin: time | None
    end: time | None


def read_sentence(text: str, now: datetime, zone_name: str) -> Json:
    """The body of an event. `now` is a wall time of the zone; without any day or time the event begins then."""
    found = _read(text, now)
    body: Json = {"summary": found.rest or text.strip()}
    if found.day is not None and found.begin is None:
        following = found.day + timedelta(days=1)
        return body | {"start": {"date": found.day.isoformat()}, "end": {"date": following.isoformat()}}
    start = now.replace(second=0, microsecond=0)
    if found.begin is not None:
        start = datetime.combine(found.day or now.date(), found.begin)
        if found.day is None and start < now:
            start += timedelta(days=1)
    end = start + _HOUR
    if found.end is not None:
        end = datetime.combine(start.date(), found.end)
        end += timedelta(days=1) if end <= start else timedelta()
    return body | {name: _wall(wall, zone_name) for name, wall in (("start", start), ("end", end))}


def _wall(wall: datetime, zone_name: str) -> Json:
    return {"dateTime": wall.isoformat(), "timeZone": zone_name}


def _read(text: str, now: datetime) -> _Found:
    day, rest = None, text
    match = _DAY.search(text)
    if match is not None:
        day = _day(match, now.date())
        rest = text if day is None else f"{text[: match.start()]} {text[match.end() :]}"
    begin = end = None
    match = _TIMES.search(rest)
    if match is not None:
        end = _time(match["end"] or "", "")
        begin = _time(match["begin"], match["end"] or "")
        rest = rest if begin is None else f"{rest[: match.start()]} {rest[match.end() :]}"
    return _Found(" ".join(rest.split()), day, begin, end if begin is not None else None)


def _day(match: re.Match[str], today: date) -> date | None:
    if match["near"]:
        return today + timedelta(days=match["near"].lower() == "tomorrow")
    if match["name"]:
        return today + timedelta(days=(_DAYS.index(match["name"].lower()) - today.weekday()) % 7)
    try:
        day = parse(match["date"], default=datetime.combine(today, time())).date()
        # Without a year it is the next time this day comes.
        return day if day >= today or re.search(r"\d{4}", match["date"]) else day.replace(year=day.year + 1)
    except (ParserError, OverflowError, ValueError):
        return None


def _time(told: str, later: str) -> time | None:
    """`10`, `10am` or `10:30`; a number alone is of the half of the day that the later time names."""
    if not told:
        return None
    half = "" if ":" in told or told[-1].lower() == "m" else later[-2:]
    try:
        return parse(f"{told} {half}".strip()).time()
    except (ParserError, OverflowError, ValueError):
        return None
