"""From a page's configuration to the rules of its slots. Pure.

The one rule: this is the only place that translates one into the other.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from app.scheduling import configuration as document
from app.scheduling.configuration import WEEKDAYS, Configuration, HoursOfDay, minute_of_day
from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.window import BookingWindow, DateRange, RollingDays, RollingWeeks

_SMALL: Final = 8192
"""Characters. Parsed, a document takes sixteen times its length: of those that are longer few are kept."""


def configuration_of(stored: str) -> Configuration:
    """The parsed document, from its JSON as PostgreSQL writes it; equal documents are parsed once."""
    return _parse_small(stored) if len(stored) <= _SMALL else _parse_large(stored)


def slot_rules(stored: str, duration_minutes: int) -> SlotRules:
    """The rules for one of the page's durations; equal ones are made once."""
    make = _make_small if len(stored) <= _SMALL else _make_large
    return make(stored, duration_minutes)


_parse_small = lru_cache(maxsize=1024)(Configuration.model_validate_json)
_parse_large = lru_cache(maxsize=32)(Configuration.model_validate_json)


def _slot_rules(stored: str, duration_minutes: int) -> SlotRules:
    page = configuration_of(stored)
    return SlotRules(
        duration_minutes=duration_minutes,
        increment_minutes=page.increment_minutes or _own_increment(page, duration_minutes),
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


def _own_increment(page: Configuration, duration_minutes: int) -> int:
    """One meeting after the other; one whose length the page does not have begins where its shortest may."""
    return duration_minutes if duration_minutes in page.durations_minutes else min(page.durations_minutes)


_make_small = lru_cache(maxsize=4096)(_slot_rules)
_make_large = lru_cache(maxsize=64)(_slot_rules)


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
