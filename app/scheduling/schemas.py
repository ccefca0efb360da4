"""Bodies of pages, slots and calendar settings.

The one rule: requests forbid what they do not know; answers carry every field, null for nothing.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.accounts.schemas import Answer, Strict
from app.i18n import Language
from app.ids import CalendarId, DomainId, PageId, UserId
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
    """What to change; what is absent stays."""

    name: Line | None = None
    """What the page is called."""
    slug: Slug | None = None
    """The last part of the page's link."""
    description: Text | None = None
    """What the visitor reads above the times."""
    time_zone: TimeZone | None = None
    """The zone of the hours, overrides, windows and limits."""
    durations_minutes: Durations | None = None
    """The lengths a visitor may choose from, in minutes."""
    increment_minutes: Increment | None = None
    """Minutes between two starts; null: the duration."""
    buffer_before_minutes: Annotated[int, Field(ge=0, le=480)] | None = None
    """Free minutes kept before a booking."""
    buffer_after_minutes: Annotated[int, Field(ge=0, le=480)] | None = None
    """Free minutes kept after a booking."""
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    """The least time between the booking and its start, in minutes."""
    booking_window: BookingWindow | None = None
    """How far ahead can be booked."""
    weekly_hours: Annotated[list[WeeklyHours], Field(max_length=84)] | None = None
    """When meetings may take place."""
    date_overrides: DateOverrides | None = None
    """Dates with other hours than usual."""
    daily_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    """The most bookings a civil day; null: no limit."""
    weekly_limit: Annotated[int, Field(ge=1, le=500)] | None = None
    """The most bookings a week (from Monday); null: no limit."""
    form_fields: FormFields | None = None
    """Questions of the form, beside name and e-mail."""
    max_guests: Annotated[int, Field(ge=0, le=20)] | None = None
    """The most further people a visitor may bring."""
    consent_text: Text | None = None
    """Text whose checkbox must be ticked; null: none."""
    language: Language | None = None
    """The page's language."""
    location: Location | None = None
    """Where the meeting takes place."""
    redirect_url: WebAddress | None = None
    """Where to send the visitor afterwards; null: nowhere."""
    reschedule_cutoff_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    """The least time before the start at which a visitor may still reschedule, in minutes."""
    cancel_cutoff_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    """The least time before the start at which a visitor may still cancel, in minutes."""
    member_ids: Annotated[list[UserId], Field(max_length=50)] | None = None
    """Who hosts a group or a round robin, in order; the page's owner is always one of them, named or not."""


class SchedulingPageCreate(SchedulingPageUpdate):
    """A page to make. What is absent takes its default."""

    type: Literal["personal", "group", "round_robin"]
    """Whose time is offered: one person's, that of everybody at once, or that of one of several by turns."""
    name: Line
    """What the page is called."""


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
    """Where the meeting takes place."""
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
    """`request_only`: booking it makes a meeting request."""


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
    items: list[Slot]
    """Rising."""


class ChatProfile(Answer):
    """The meeting link of the person's chat profile."""

    enabled: bool
    """Whether the chat offers a meeting."""
    page_id: PageId | None
    """Which page it links to; null: the default page."""
    widget_key: str | None = Field(examples=["q83v7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
    """What the chat widget carries; null: the chat has never offered a meeting."""


class ChatProfileUpdate(Strict):
    """The chat profile, whole."""

    enabled: bool
    """Whether the chat offers a meeting."""
    page_id: PageId | None
    """Which page it links to; null: the default page."""


class AvailabilityCalendar(Answer):
    """A calendar that is checked before a time is offered."""

    calendar_id: CalendarId
    name: str
    """As the provider names it."""
    is_primary: bool
    """The primary is always checked, and bookings land on it."""
    status: Literal["active", "inactive"]
    """`inactive`: it cannot be read, so nobody can book."""
    inactive_reason: str | None = Field(examples=["access_lost"])
    """Why it cannot be read."""
    remedy: str | None
    """What helps, in the caller's language."""
    unreachable_policy: str = Field(examples=["block"])
    """What happens to booking while it cannot be read."""
    last_synced_at: datetime | None
    """When its mirror was last true."""


class AvailabilityCalendarUpdate(Strict):
    """What to change of a checked calendar."""

    unreachable_policy: Literal["block", "request_only", "last_known", "ignore"] | None
    """While it cannot be read: `block` offers nothing, `request_only` lets times be asked for, `last_known` goes by
    what was last read, `ignore` does without it."""


class AvailabilityCalendarList(Answer):
    """The calendars that are checked."""

    items: list[AvailabilityCalendar]
    next_cursor: str | None
    """Always null: there are few."""


DriftPolicy = Literal["adopt", "restore", "ask"]


class DriftPolicies(Answer):
    """Whose word counts when a booked event is found otherwise than booked: `adopt`: the calendar's, the booking
    follows; `restore`: the booking's, the event is put back; `ask`: it waits among the drift entries.
    """

    moved: DriftPolicy
    """It begins at another time."""
    resized: DriftPolicy
    """It ends at another time."""
    deleted: DriftPolicy
    """It is gone; adopting cancels the booking."""
    declined: DriftPolicy
    """The visitor has declined; adopting cancels the booking, restoring lets it stand."""
    duplicated: DriftPolicy
    """There are copies; adopting lets them stand, restoring takes them away."""


class DriftPoliciesUpdate(Strict):
    """The policies to change; null: as at first."""

    moved: DriftPolicy | None = None
    """It begins at another time."""
    resized: DriftPolicy | None = None
    """It ends at another time."""
    deleted: DriftPolicy | None = None
    """It is gone."""
    declined: DriftPolicy | None = None
    """The visitor has declined."""
    duplicated: DriftPolicy | None = None
    """There are copies."""


class CalendarSettings(Answer):
    """One person's calendar settings."""

    calendar_sync: bool
    """Meetings of the CRM and the calendar are kept in step."""
    task_sync: bool
    """Tasks appear in a calendar of their own."""
    scheduling_pages: bool
    """The person has scheduling pages at all."""
    turned_off: bool
    """The pages answer that they are turned off; nothing is deleted."""
    tentative_blocks: bool
    """Tentative events block times."""
    availability_calendars: list[AvailabilityCalendar]
    """Calendars checked before a time is offered."""
    meetings_url: str | None
    """The prefix in the links of pages made from now on."""
    default_page_id: PageId | None
    """The page behind the bare meetings URL, and in e-mail templates; null while there is no page."""
    domain_id: DomainId | None
    """The custom domain of the links; null: the shared one."""
    chat_profile: ChatProfile
    """The meeting link of the chat profile."""
    drift_policies: DriftPolicies
    """What happens when a booked event is changed in the calendar."""
    auto_confirm_requests: bool
    """Meeting requests whose time is free are booked as soon as a calendar is connected."""
    version: int
    """Rises with every Save; the `ETag`."""


class CalendarSettingsUpdate(Strict):
    """One Save: all or nothing; what is absent stays."""

    calendar_sync: bool | None = None
    """Keep meetings of the CRM and the calendar in step."""
    task_sync: bool | None = None
    """Show tasks in a calendar of their own."""
    scheduling_pages: bool | None = None
    """Have scheduling pages at all."""
    turned_off: bool | None = None
    """Turn all pages off, or on again."""
    tentative_blocks: bool | None = None
    """Let tentative events block times."""
    availability_calendar_ids: Annotated[list[CalendarId], Field(max_length=50)] | None = None
    """The calendars to check, the primary included; replaces the former choice."""
    meetings_url: Slug | None = None
    """The prefix in the links of pages made from now on; null removes it."""
    default_page_id: PageId | None = None
    """The page behind the bare meetings URL, and in e-mail templates; null: the oldest, as at first."""
    domain_id: DomainId | None = None
    """The custom domain of the links; null: the shared one."""
    chat_profile: ChatProfileUpdate | None = None
    """The meeting link of the chat profile."""
    drift_policies: DriftPoliciesUpdate | None = None
    """What happens when a booked event is changed in the calendar; what is absent stays, null: all as at first."""
    auto_confirm_requests: bool | None = None
    """Book meeting requests whose time is free as soon as a calendar is connected."""
