"""What a page's owner decides about it: one document, stored whole. Pure.

The one rule: a stored configuration is always valid; limits stand here and nowhere else.
"""

import re
from collections.abc import Hashable, Sequence
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, EmailStr, Field, HttpUrl, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from app.accounts.schemas import ChosenLanguage, Strict
from app.i18n import Language
from app.time_zones import TimeZone
from app.written_times import Day

MINUTES_PER_DAY = 1440
MOST_HOURS_A_DAY = 12
MOST_DAYS_AHEAD = 365
MOST_WEEKS_AHEAD = 52
MOST_A_DAY = 100
MOST_A_WEEK = 500
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


def zone_info(name: str) -> ZoneInfo:
    """The zone of a validated name."""
    return ZoneInfo(name)


def _clean(text: str) -> str:
    if _CONTROL.search(text):
        raise PydanticCustomError("not_allowed", "control characters")
    return text.strip()


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise PydanticCustomError("not_allowed", "more than one line")
    return _clean(text)


def _or_none(text: str | None) -> str | None:
    return text or None


LocalTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", examples=["09:00"])]
Line = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=200)]
Text = Annotated[str, AfterValidator(_clean), Field(max_length=4000)]
OptionalText = Annotated[Text | None, AfterValidator(_or_none)]
"""An emptied text is none."""
Email = Annotated[EmailStr, Field(max_length=254, examples=["ada@example.com"])]
WebAddress = Annotated[
    HttpUrl, PlainSerializer(str, return_type=str), Field(max_length=2000, examples=["https://example.com/thanks"])
]
Duration = Annotated[int, Field(ge=5, le=MINUTES_PER_DAY, examples=[30])]
Increment = Literal[5, 10, 15, 20, 30, 45, 60, 90, 120]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DEFAULT_DRIFT_POLICIES = {
    "moved": "adopt",
    "resized": "adopt",
    "deleted": "adopt",
    "declined": "adopt",
    "duplicated": "restore",
}
"""What happens, when the host has said nothing, to a booked event that is changed in the calendar."""

WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _once(what: str, keys: Sequence[Hashable]) -> None:
    if len(set(keys)) != len(keys):
        raise PydanticCustomError("not_allowed", "listed twice: {what}", {"what": what})


def minute_of_day(local_time: str) -> int:
    """Minutes since midnight of an `HH:MM`; `24:00` is 1440."""
    hours, minutes = local_time.split(":")
    return int(hours) * 60 + int(minutes)


class HoursOfDay(Strict):
    """One stretch of working time within a civil day."""

    start: LocalTime
    """Local time in the page's zone, inclusive."""
    end: LocalTime
    """Local time in the page's zone, exclusive; `24:00` is the end of the day."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if minute_of_day(self.start) >= minute_of_day(self.end):
            raise PydanticCustomError("out_of_range", "the end is after the start")
        return self


class WeeklyHours(HoursOfDay):
    """One stretch of working time on a day of the week."""

    day: Weekday
    """The day of the week in the page's zone."""


class DateOverride(Strict):
    """Other hours than usual on one date; none: closed."""

    day: Day
    """The civil day in the page's zone."""
    hours: Annotated[list[HoursOfDay], Field(max_length=MOST_HOURS_A_DAY)]
    """What replaces the weekly hours on that day."""


def _days_once(overrides: list[DateOverride]) -> list[DateOverride]:
    _once("a date", [override.day for override in overrides])
    return overrides


class RollingDays(Strict):
    """Bookable from today on, so many civil days ahead."""

    kind: Literal["rolling_days"]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS_AHEAD)]
    """Civil days after today that can be booked, in the page's zone."""


class RollingWeeks(Strict):
    """Bookable this week (from Monday) and the weeks after it."""

    kind: Literal["rolling_weeks"]
    weeks: Annotated[int, Field(ge=1, le=MOST_WEEKS_AHEAD)]
    """Weeks, the running one included."""


class DateRange(Strict):
    """Bookable between two civil days, both included."""

    kind: Literal["date_range"]
    first_day: Day
    """The first bookable day."""
    last_day: Day
    """The last bookable day."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.first_day > self.last_day:
            raise PydanticCustomError("out_of_range", "the last day is not before the first")
        return self


BookingWindow = Annotated[RollingDays | RollingWeeks | DateRange, Field(discriminator="kind")]


class FormField(Strict):
    """A question of the booking form."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", examples=["company"])]
    """The key of the answer."""
    label: Line
    """What the visitor reads."""
    kind: Literal["text", "long_text", "email", "phone", "number", "date", "choice", "checkbox"]
    """How it is asked and validated. Answers are texts: a `date` is `2026-12-01`, a `number` has digits with a comma or
    a point, a `choice` is one of `options` to the letter, a `checkbox` is `true` or `false`. Empty is unanswered.
    """
    required: bool
    """Whether it must be answered; a required checkbox must be ticked."""
    options: Annotated[list[Line], Field(max_length=50)] = Field(default_factory=list)
    """The choices of a `choice`."""

    @model_validator(mode="after")
    def _choices_have_options(self) -> Self:
        if (self.kind == "choice") != bool(self.options):
            raise PydanticCustomError("invalid", "options belong to a choice, and a choice has some")
        return self


def _durations_once(durations: list[int]) -> list[int]:
    _once("a duration", durations)
    return durations


def _questions_once(questions: list[FormField]) -> list[FormField]:
    _once("a form field", [question.id for question in questions])
    return questions


def _longest_first(minutes: list[int]) -> list[int]:
    _once("a reminder", minutes)
    return sorted(minutes, reverse=True)


Reminders = Annotated[
    list[Annotated[int, Field(ge=5, le=14 * MINUTES_PER_DAY, examples=[1440])]],
    Field(max_length=3),
    AfterValidator(_longest_first),
]
Durations = Annotated[list[Duration], Field(min_length=1, max_length=10), AfterValidator(_durations_once)]
DateOverrides = Annotated[list[DateOverride], Field(max_length=366), AfterValidator(_days_once)]
FormFields = Annotated[list[FormField], Field(max_length=30), AfterValidator(_questions_once)]


class Location(Strict):
    """Where the meeting takes place."""

    kind: Literal["none", "text", "phone", "address", "video"]
    """`video`: the provider's own link, made with the event."""
    text: Annotated[Annotated[str, AfterValidator(_clean), Field(max_length=500)] | None, AfterValidator(_or_none)] = (
        None
    )
    """What the visitor reads; not for `video` or `none`."""


class Configuration(Strict):
    """The page's document."""

    description: Text = ""
    time_zone: TimeZone
    durations_minutes: Durations = Field(default_factory=lambda: [30])
    increment_minutes: Increment | None = None
    buffer_before_minutes: Annotated[int, Field(ge=0, le=480)] = 0
    buffer_after_minutes: Annotated[int, Field(ge=0, le=480)] = 0
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=43200)] = 240
    booking_window: BookingWindow = RollingDays(kind="rolling_days", days=30)
    weekly_hours: Annotated[list[WeeklyHours], Field(max_length=84)]
    date_overrides: DateOverrides = Field(default_factory=list)
    daily_limit: Annotated[int, Field(ge=1, le=MOST_A_DAY)] | None = None
    weekly_limit: Annotated[int, Field(ge=1, le=MOST_A_WEEK)] | None = None
    form_fields: FormFields = Field(default_factory=list)
    max_guests: Annotated[int, Field(ge=0, le=20)] = 0
    consent_text: OptionalText = None
    language: ChosenLanguage = Language.EN
    location: Location = Location(kind="none")
    redirect_url: WebAddress | None = None
    reschedule_cutoff_minutes: Annotated[int, Field(ge=0, le=43200)] = 0
    cancel_cutoff_minutes: Annotated[int, Field(ge=0, le=43200)] = 0
    reminders_minutes_before: Reminders = Field(default_factory=list)


OFFICE_HOURS = [WeeklyHours(day=day, start="09:00", end="17:00") for day in WEEKDAYS[:5]]
"""What a page has when its owner says nothing."""
