"""Times as Exchange reads and writes them. The one rule: a time without an offset is the caller's wall time."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?")
_DATE_ONLY = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?")
_DURATION = re.compile(r"(?P<sign>-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")

# What the store can hold of a time.
_YEARS = range(1601, 4501)


class InvalidTime(ValueError):
    """No time of XML Schema."""


class TimeOutOfRange(InvalidTime):
    """A time of XML Schema that the store cannot hold."""


def parse_date_time(text: str, zone: tzinfo | None) -> datetime:
    """An `xs:dateTime` as UTC; `zone` (default: UTC) is whose wall time one without an offset is.

    Raises InvalidTime, or TimeOutOfRange where it is a time.

    A bare date is taken as its midnight, which Exchange's own parser does too.
    """
    value = text.strip()
    match = _DATE_TIME.fullmatch(value)
    if match is None and (day := _DATE_ONLY.fullmatch(value)) is not None:
        value = f"{day[1]}T00:00:00{day[2] or ''}"
        match = _DATE_TIME.fullmatch(value)
    if match is None:
        raise InvalidTime(text)
    try:
        parsed = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[4] or ''}")
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=zone or UTC)
        instant = parsed.astimezone(UTC)
    except OverflowError as error:
        raise TimeOutOfRange(text) from error
    except ValueError as error:
        raise InvalidTime(text) from error
    if instant.year not in _YEARS:
        raise TimeOutOfRange(text)
    return instant


def parse_date(text: str) -> date:
    """An `xs:date`; its offset, if any, says nothing about the day. Raises InvalidTime."""
    match = _DATE_ONLY.fullmatch(text.strip())
    try:
        return date.fromisoformat(match[1] if match is not None else text)
    except ValueError as error:
        raise InvalidTime(text) from error


def parse_duration(text: str) -> timedelta:
    """An `xs:duration` of days and less. Raises InvalidTime."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InvalidTime(text)
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -span if match["sign"] else span


def utc(value: datetime) -> str:
    """How answers tell an instant: UTC, whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wall(value: datetime) -> str:
    """An instant of a view that is told in the caller's zone, without an offset."""
    return value.strftime("%Y-%m-%dT%H:%M:%S")


def duration(span: timedelta) -> str:
    """An `xs:duration`, as Exchange writes one: hours and minutes, days first."""
    seconds = int(abs(span.total_seconds()))
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{seconds}S" if seconds else ""]
    clock = "".join(parts)
    if not days and not clock:
        return "PT0S"
    sign = "-" if span < timedelta() else ""
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"
