"""Bodies of pages and slots.

The one rule: requests forbid what they do not know; answers carry every field, null for nothing.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.accounts.schemas import Answer, ChosenLanguage, Strict
from app.i18n import Language
from app.ids import PageId, UserId
from app.scheduling.configuration import (
    BookingWindow,
    DateOverride,
    DateOverrides,
    Durations,
    FormField,
    FormFields,
    Increment,
    Line,
    Location,
    Reminders,
    Text,
    WebAddress,
    WeeklyHours,
)
from app.time_zones import TimeZone

Slug = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?$", examples=["intro"]),
    AfterValidator(str.lower),
]


class SchedulingPageUpdate(Strict):
    """What to change; what is absent stays, null goes back to the default."""

    name: Line | None = None
    """What the page is called; it cannot be cleared."""
    slug: Slug | None = None
    """The last part of the page's link; it cannot be cleared."""
    description: Text | None = None
    """What the visitor reads above the times; by default nothing."""
    time_zone: TimeZone | None = None
    """The zone of the hours, overrides, windows and limits (IANA); by default its owner's."""
    durations_minutes: Durations | None = None
    """The lengths a visitor may choose from, in minutes; by default 30 alone."""
    increment_minutes: Increment | None = None
    """Minutes between two starts; null: the duration."""
    buffer_before_minutes: Annotated[int, Field(ge=0, le=480)] | None = None
    """Free minutes kept before a booking; by default 0."""
    buffer_after_minutes: Annotated[int, Field(ge=0, le=480)] | None = None
    """Free minutes kept after a booking; by default 0."""
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    """The least time between the booking and its start, in minutes; by default 240."""
    booking_window: BookingWindow | None = None
    """How far ahead can be booked; by default 30 rolling days."""
    weekly_hours: Annotated[list[WeeklyHours], Field(max_length=84)] | None = None
    """When meetings may take place; by default from 09:00 to 17:00, Monday to Friday."""
    date_overrides: DateOverrides | None = None
    """Dates with other hours than usual; by default none."""
    daily_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    """The most bookings a civil day; null: no limit."""
    weekly_limit: Annotated[int, Field(ge=1, le=500)] | None = None
    """The most bookings a week (from Monday); null: no limit."""
    form_fields: FormFields | None = None
    """Questions of the form, beside name and e-mail; by default none."""
    max_guests: Annotated[int, Field(ge=0, le=20)] | None = None
    """The most further people a visitor may bring; by default 0."""
    consent_text: Text | None = None
    """Text whose checkbox must be ticked; null: none."""
    language: ChosenLanguage | None = None
    """The page's language; by default `en`."""
    location: Location | None = None
    """Where the meeting takes place; by default `none`."""
    redirect_url: WebAddress | None = None
    """Where to send the visitor afterwards; null: nowhere."""
    reschedule_cutoff_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    """The least time before the start at which a visitor may still reschedule, in minutes; by default
    0."""
    cancel_cutoff_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    """The least time before the start at which a visitor may still cancel, in minutes; by default 0."""
    reminders_minutes_before: Reminders | None = None
    """How long before the start everybody is reminded by mail, in minutes; null: nobody is. A change counts for what is
    booked or moved from then on."""
    member_ids: Annotated[list[UserId], Field(max_length=50)] | None = None
    """Who hosts a group or a round robin, in order; the page's owner is always one of them, named or not.
    It cannot be cleared."""


class SchedulingPageCreate(SchedulingPageUpdate):
    """A page to make. What is absent or null takes its default."""

    type: Literal["personal", "group", "round_robin"]
    """Whose time is offered: one person's, that of everybody at once, or that of one of several by turns."""
    name: Line
    """What the page is called."""
    slug: Slug | None = None
    """The last part of the page's link; by default made of its name."""
    member_ids: Annotated[list[UserId], Field(max_length=50)] | None = None
    """Who hosts a group or a round robin, in order; the page's owner is always one of them, named or not. Absent and
    null for a personal page."""


class PageMember(Answer):
    """Somebody who hosts meetings of a page."""

    user_id: UserId
    """Who it is."""
    name: str | None
    """Their name."""
    email: str
    """Their address."""
    organizes: bool
    """The page's owner; a group's meetings are in their calendar."""
    status: Literal["ready", "no_calendar", "unavailable", "left"]
    """Whether they can be booked: `no_calendar` and `unavailable` members are never taken for free."""


class SchedulingPage(Answer):
    """A bookable page, as its owner sees it."""

    id: PageId
    members: list[PageMember]
    """Who hosts, the owner first."""
    type: Literal["personal", "group", "round_robin"]
    """Whose time is offered."""
    name: str
    """What the page is called."""
    slug: str
    """The page's slug, the prefix of its time included."""
    meeting_link: str
    """The URL to hand out."""
    mode: Literal["online", "offline"]
    """`offline`: no calendar is connected; the page takes meeting requests."""
    turned_off: bool
    """All of the person's pages are turned off for now."""
    description: str
    """What the visitor reads above the times."""
    time_zone: str
    """The zone of the hours, overrides, windows and limits (IANA)."""
    durations_minutes: list[int]
    """The lengths a visitor may choose from, in minutes."""
    increment_minutes: int | None
    """Minutes between two starts; null: the duration."""
    buffer_before_minutes: int
    """Free minutes kept before a booking."""
    buffer_after_minutes: int
    """Free minutes kept after a booking."""
    minimum_notice_minutes: int
    """The least time between the booking and its start, in minutes."""
    booking_window: BookingWindow
    """How far ahead can be booked."""
    weekly_hours: list[WeeklyHours]
    """When meetings may take place."""
    date_overrides: list[DateOverride]
    """Dates with other hours than usual."""
    daily_limit: int | None
    """The most bookings a civil day."""
    weekly_limit: int | None
    """The most bookings a week."""
    form_fields: list[FormField]
    """Questions of the form, beside name and e-mail."""
    max_guests: int
    """The most further people a visitor may bring."""
    consent_text: str | None
    """Text whose checkbox must be ticked."""
    language: Language
    """The page's language."""
    location: Location
    """Where the meeting takes place."""
    redirect_url: str | None
    """Where to send the visitor afterwards."""
    reschedule_cutoff_minutes: int
    """The least time before the start at which a visitor may still reschedule, in minutes."""
    cancel_cutoff_minutes: int
    """The least time before the start at which a visitor may still cancel, in minutes."""
    reminders_minutes_before: list[int]
    """How long before the start everybody is reminded by mail, in minutes, longest first. A change counts for what
    is booked or moved from then on."""
    version: int
    """Rises with every change; the `ETag`."""
    allowed_actions: list[str]
    """What the caller may do with the page now."""
    created_at: datetime
    updated_at: datetime


class SchedulingPageList(Answer):
    """A part of the caller's pages."""

    items: list[SchedulingPage]
    next_cursor: str | None
    """Where to go on; null at the end."""


class PublicSchedulingPage(Answer):
    """A bookable page, as a visitor sees it. No busy times, calendars, e-mails, providers or ids of people (R34)."""

    id: PageId
    name: str
    """What the page is called."""
    host_name: str | None
    """Who will be met."""
    description: str
    """What the visitor reads above the times."""
    mode: Literal["online", "offline"]
    """`offline`: a booking becomes a meeting request."""
    host_available: bool
    """False: nobody can book at the moment."""
    time_zone: str
    """The host's zone (IANA)."""
    durations_minutes: list[int]
    """The lengths to choose from, in minutes."""
    form_fields: list[FormField]
    """Questions of the form, beside name and e-mail."""
    max_guests: int
    """The most further people the visitor may bring."""
    consent_text: str | None
    """Text whose checkbox must be ticked."""
    language: Language
    """The page's language."""
    location: Location
    """Where the meeting takes place; no video call where the host's calendar makes none."""
    redirect_url: str | None
    """Where to go afterwards."""


class PageLocation(Answer):
    """Which page a URL shows, and where it is now."""

    page_id: PageId
    meeting_link: str
    """The URL that the page has now."""
    moved: bool = Field(examples=[False])
    """The asked URL is an earlier one, or on another domain: lead visitors on to `meeting_link` (308)."""


class Slot(Answer):
    """A bookable time."""

    start_at: datetime
    """When it begins, with the offset of the asked zone."""
    end_at: datetime
    """When it ends."""
    grade: Literal["confirmable", "request_only"]
    """`request_only`: booking it makes a meeting request, and it cannot be held."""


class SlotList(Answer):
    """The bookable times of a page."""

    time_zone: str
    """The asked zone (IANA)."""
    duration_minutes: int
    """The length of each slot, in minutes."""
    mode: Literal["online", "offline"]
    """`offline`: no calendar is connected."""
    host_available: bool
    """False: nobody can book at the moment, so there are no slots."""
    first_bookable_day: date | None
    """From which day of the asked zone on the page is booked, by its notice and its booking window, whatever is taken;
    null: on none any more.
    """
    last_bookable_day: date | None
    """Until which day, by its booking window: later days have no slots; null: on none any more."""
    items: list[Slot]
    """Rising."""
    next_cursor: str | None
    """Always null: all of the asked days are there."""
