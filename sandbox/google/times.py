"""Google's `start` and `end` and what they mean. The one rule: a wall time is compared only once it has a zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.google import errors

Json = dict[str, Any]
# A day from either end of the calendar there are zones in which a time cannot be told any more.
_FIRST_DAY = date.min + timedelta(days=1)
_LAST_DAY = date.max - timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """The IANA zone, or None for a name Google would not know either."""
    if not name or name.startswith(("/", ".")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True)
class When:
    """One end of an event: a day (`day`) or an instant (`instant`, aware) told in `zone`."""

    day: date | None
    instant: datetime | None
    zone: str | None

    @property
    def all_day(self) -> bool:
        return self.day is not None

    def utc(self, calendar_zone: str) -> datetime:
        """The instant; a day begins at midnight of the calendar's zone."""
        if self.instant is not None:
            return self.instant.astimezone(UTC)
        assert self.day is not None
        return datetime.combine(self.day, time(), find_zone(calendar_zone) or UTC).astimezone(UTC)

    def wire(self) -> Json:
        """As stored: the offset of the event's own zone."""
        if self.day is not None:
            return {"date": self.day.isoformat()}
        assert self.instant is not None
        assert self.zone is not None
        local = self.instant.astimezone(find_zone(self.zone) or UTC)
        return {"dateTime": rfc3339(local), "timeZone": self.zone}


def tellable(day: date) -> bool:
    """Whether every zone can tell the times of this day."""
    return _FIRST_DAY <= day <= _LAST_DAY


def rfc3339(value: datetime) -> str:
    """Whole seconds, offsets in whole minutes (before 1900 few were); `Z` for UTC, as Google writes it."""
    offset = value.utcoffset()
    if offset is not None and offset % _MINUTE:
        value = value.astimezone(timezone(offset - offset % _MINUTE))
    text = value.replace(microsecond=0).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def millis(value: datetime) -> str:
    """`created`/`updated`: UTC with milliseconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def parse_when(value: Json | None, name: str, calendar_zone: str) -> When:
    """A client's `start`, `end` or `originalStartTime`, or Google's 400. `name` is "start" or "end"."""
    if not value or not (value.get("date") or value.get("dateTime")):
        raise errors.required(f"Missing {name} time.")
    if value.get("date") and value.get("dateTime"):
        raise errors.invalid(f"Invalid {name} time.")
    zone_name = value.get("timeZone")
    if zone_name is not None and find_zone(zone_name) is None:
        raise errors.invalid(f"Invalid time zone definition for {name} time.")
    if value.get("date"):
        return When(_parse_day(value["date"], name), None, None)
    return _parse_instant(value["dateTime"], name, zone_name, calendar_zone)


def _parse_day(raw: str, name: str) -> date:
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        raise errors.invalid(f"Invalid {name} time.") from None
    if not tellable(day):
        raise errors.invalid(f"Invalid {name} time.")
    return day


def _parse_instant(raw: str, name: str, zone_name: str | None, calendar_zone: str) -> When:
    try:
        instant = datetime.fromisoformat(raw.upper())
    except ValueError:
        raise errors.invalid(f"Invalid {name} time.") from None
    if "T" not in raw.upper():
        raise errors.invalid(f"Invalid {name} time.")
    if instant.tzinfo is None:
        if zone_name is None:
            raise errors.required(f"Missing time zone definition for {name} time.")
        instant = instant.replace(tzinfo=find_zone(zone_name))
    try:
        # Through UTC, so that a wall time skipped by a clock change moves forward.
        instant = instant.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise errors.invalid(f"Invalid {name} time.") from None
    if not tellable(instant.date()):
        raise errors.invalid(f"Invalid {name} time.")
    return When(None, instant, zone_name or calendar_zone)


def read_when(value: Json | None) -> When | None:
    """A stored value, leniently: damaged ones (see the seeds) give None."""
    if not value:
        return None
    try:
        return parse_when(value, "start", "UTC")
    except errors.GoogleError:
        return None


def duration(start: When, end: When) -> timedelta:
    if start.day is not None and end.day is not None:
        return end.day - start.day
    assert start.instant is not None
    assert end.instant is not None
    return end.instant - start.instant
