"""From a page's configuration to the rules of its slots. Pure.

The one rule: this is the only place that translates one into the other.
"""

from collections.abc import Iterable
from functools import lru_cache

from app.scheduling import configuration as document
from app.scheduling.configuration import WEEKDAYS, Configuration, HoursOfDay, minute_of_day
from app.scheduling.hours import LocalInterval, WorkingHours
from app.scheduling.slots import SlotRules
from app.scheduling.window import BookingWindow, DateRange, RollingDays, RollingWeeks


@lru_cache(maxsize=1024)
def configuration_of(stored: str) -> Configuration:
    """The parsed document, from its JSON as PostgreSQL writes it; equal documents are parsed once."""
    return Configuration.model_validate_json(stored)


@lru_cache(maxsize=4096)
def slot_rules(stored: str, duration_minutes: int) -> SlotRules:
    """The rules for one of the page's durations; equal ones are made once."""
    page = configuration_of(stored)
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
