"""From a page's configuration to the rules of its slots. Pure.

The one rule: this is the only place that translates one into the other.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from app.models.base import Json
from app.scheduling import configuration as document
from app.scheduling.configuration import WEEKDAYS, Configuration, HoursOfDay, minute_of_day
from app.scheduling.hours import LocalInterval, WorkingHours
from app.scheduling.slots import SlotRules
from app.scheduling.window import BookingWindow, DateRange, RollingDays, RollingWeeks


def configuration_of(stored: Json) -> Configuration:
    """The parsed document; equal documents are parsed once."""
    return _parsed(msgspec.json.encode(stored))


def slot_rules(stored: Json, duration_minutes: int) -> SlotRules:
    """The rules for one of the page's durations; equal ones are made once."""
    return _rules(msgspec.json.encode(stored), duration_minutes)


@lru_cache(maxsize=1024)
def _parsed(encoded: bytes) -> Configuration:
    return Configuration.model_validate_json(encoded)


@lru_cache(maxsize=4096)
def _rules(encoded: bytes, duration_minutes: int) -> SlotRules:
    page = _parsed(encoded)
    return SlotRules(
        duration_minutes=duration_minutes,
        increment_minutes=page.increment_minutes or duration_minutes,
        buffer_before_minutes=page.buffer_before_minutes,
        buffer_after_minutes=page.buffer_after_minutes,
        minimum_notice_minutes=page.minimum_notice_minutes,
        hours=WorkingHours(
            zone=page.time_zone,
            weekly=tuple(_intervals(hours for hours in page.weekly_hours if hours.day == day) for day in WEEKDAYS),
            overrides={override.day: _intervals(override.hours) for override in page.date_overrides},
        ),
        window=_window(page.booking_window),
        daily_cap=page.daily_limit,
        weekly_cap=page.weekly_limit,
    )


def _intervals(hours: Iterable[HoursOfDay]) -> tuple[LocalInterval, ...]:
    return tuple(LocalInterval(minute_of_day(item.start), minute_of_day(item.end)) for item in hours)


def _window(window: document.BookingWindow) -> BookingWindow:
    match window:
        case document.RollingDays(days=days):
            return RollingDays(days)
        case document.RollingWeeks(weeks=weeks):
            return RollingWeeks(weeks)
        case document.DateRange(first_day=first, last_day=last):
            return DateRange(first, last)
