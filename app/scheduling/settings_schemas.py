"""Bodies of the calendar settings and of the calendars they check.

The one rule: in a Save each field is absent, null or whole; an answer always has all of them.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.ids import CalendarId, DomainId, PageId
from app.scheduling.schemas import Slug


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
    """`inactive`: it cannot be read; `unreachable_policy` says what that means for booking."""
    inactive_reason: str | None = Field(examples=["access_lost"])
    """Why it cannot be read."""
    remedy: str | None
    """What helps, in the caller's language."""
    unreachable_policy: str = Field(examples=["block"])
    """What happens to booking while it cannot be read."""
    last_synced_at: datetime | None
    """When its mirror was last true."""
    allowed_actions: list[str] = Field(examples=[["update", "recheck", "remove"]])


class AvailabilityCalendarUpdate(Strict):
    """What to change of a checked calendar."""

    unreachable_policy: Literal["block", "request_only", "last_known", "ignore"] | None = None
    """While it cannot be read: `block` offers nothing, `request_only` lets times be asked for, `last_known` goes by
    what was last read, `ignore` does without it."""


class AvailabilityCalendarList(Answer):
    """The calendars that are checked."""

    items: list[AvailabilityCalendar]
    next_cursor: str | None


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
