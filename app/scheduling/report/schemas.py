"""The availability report: the times of a page, what closes each, and what would open it.

The one rule: a host sees the names of their own calendars only; what an event is about, nobody does: it is not kept.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.accounts.schemas import Answer
from app.ids import BookingId, CalendarId, UserId
from app.scheduling.configuration import BookingWindow, DateOverride


class PageRule(Answer):
    """The page's own rule closes the time."""

    rule: Literal[
        "past", "outside_working_hours", "minimum_notice", "outside_booking_window", "daily_limit", "weekly_limit"
    ]
    """Which one. `past`: it is over, and no more is said of it."""


class TakenTime(Answer):
    """Something a host has then closes the time."""

    rule: Literal["busy", "tentative", "booked", "held", "buffer_before", "buffer_after"]
    """`busy`, `tentative`: an event; `booked`: a meeting booked here; `held`: a visitor is about to book; `buffer_…`:
    one of these, too near to the meeting for the page's buffer."""
    host_id: UserId
    """Whose time it is."""
    calendar_id: CalendarId | None
    """The calendar it is in; null: booked or held here, or a colleague's calendar."""
    booking_id: BookingId | None
    """The caller's booking; null: no booking, or a colleague's."""
    start_at: datetime
    """When what is in the way begins; of several events in one calendar the first."""
    end_at: datetime
    """When it ends; of several events the last."""


class HostRule(Answer):
    """It is not known whether a host is free, so the time is closed."""

    rule: Literal["calendar_not_connected", "calendar_unreachable", "not_known_yet"]
    """`not_known_yet`: their calendar has not been read so far ahead."""
    host_id: UserId
    """Whose time it is."""
    calendar_id: CalendarId | None
    """The calendar that cannot be read; null: none, all, or a colleague's."""


class SettingChange(Answer):
    """A setting of the page."""

    change: Literal[
        "minimum_notice_minutes", "daily_limit", "weekly_limit", "buffer_before_minutes", "buffer_after_minutes"
    ]
    """The field of the page."""
    value: int = Field(examples=[60])
    """What it would have to be: the nearest value to what it is that helps."""


class WindowChange(Answer):
    """The booking window of the page."""

    change: Literal["booking_window"]
    """The field of the page."""
    booking_window: BookingWindow
    """What it would have to be."""


class HoursChange(Answer):
    """The working hours of one date."""

    change: Literal["date_override"]
    """One item of the page's `date_overrides`."""
    date_override: DateOverride
    """What it would have to be: the hours there are, and those the meeting lacks."""


class HostTimeChange(Answer):
    """A host would have to be free."""

    change: Literal["free_calendar", "move_booking"]
    """Of an event in a calendar, or by moving what is booked."""
    host_id: UserId
    """Whose time it is."""
    calendar_id: CalendarId | None
    """The calendar; null: a booking, or a colleague's calendar."""
    booking_id: BookingId | None
    """The caller's booking; null: no booking, or a colleague's."""
    start_at: datetime
    """From when they would have to be free."""
    end_at: datetime
    """Until when."""


class CalendarChange(Answer):
    """It would have to be known when a host is free; what is known then may close the time in turn."""

    change: Literal["connect_calendar", "restore_calendar"]
    """`restore_calendar`: reconnect it, get access back, or take it off the checked calendars."""
    host_id: UserId
    """Whose calendar it is."""
    calendar_id: CalendarId | None
    """The calendar; null: none, all, or a colleague's."""


ClosingRule = Annotated[PageRule | TakenTime | HostRule, Field(discriminator="rule")]
OpeningChange = Annotated[
    SettingChange | WindowChange | HoursChange | HostTimeChange | CalendarChange, Field(discriminator="change")
]


class ReportedTime(Answer):
    """A time at which a meeting might begin."""

    start_at: datetime
    """When it would begin, with the offset of the asked zone."""
    end_at: datetime
    """When it would end."""
    grade: Literal["confirmable", "request_only"] | None
    """How it is offered; null: not at all."""
    closed_by: list[ClosingRule]
    """Every rule that closes it; none: it is offered. Of a round robin those of all hosts, for a free one would do."""
    opened_by: list[OpeningChange] | None
    """The least that would have to change, all of it, for the time to be offered; null: nothing can do that now."""


class ReportCalendar(Answer):
    """A calendar that is checked for the caller."""

    calendar_id: CalendarId
    name: str
    """As the provider names it."""
    readable: bool
    """Whether it can be read now."""
    unreachable_policy: Literal["block", "request_only", "last_known", "ignore"]
    """What happens while it cannot."""


class ReportHost(Answer):
    """Somebody who hosts the page's meetings."""

    user_id: UserId
    """The host's id; in the rules and changes `host_id`."""
    name: str | None
    """What they are called."""
    status: Literal["ready", "request_only", "no_calendar", "unavailable"]
    """Whether their time is known: `request_only` lets times be asked for though a calendar cannot be read."""
    calendars: list[ReportCalendar]
    """The caller's own checked calendars; none of colleagues."""


class AvailabilityReport(Answer):
    """Why each time of a page is, or is not, offered."""

    time_zone: str
    """The asked zone (IANA)."""
    duration_minutes: int
    """The length of the meetings, in minutes."""
    mode: Literal["online", "offline"]
    """`offline`: no calendar is connected, so times are asked for."""
    host_available: bool
    """False: nobody can book at the moment, for a calendar cannot be read."""
    turned_off: bool
    """The caller's pages are turned off: visitors see nothing, and this is what they would see."""
    hosts: list[ReportHost]
    """Who hosts; first the one who organizes."""
    items: list[ReportedTime]
    """Rising: the times of the page's grid between the earliest and the latest working hour, on every day."""
