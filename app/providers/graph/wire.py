"""Microsoft Graph's JSON as typed structs, and the tolerant decoding of it. Pure.

The one rule: one damaged row never spoils a page. What can be saved of it (its id, its series, its time) becomes a
`DamagedEvent`; unknown fields are ignored everywhere, and null means what a missing field means.
https://learn.microsoft.com/graph/api/resources/event
"""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
import structlog

from app.calendar import normalised
from app.providers.mending import mended

_log = structlog.get_logger(__name__)


class _Wire(msgspec.Struct, rename="camel", gc=False):
    """gc=False: JSON has no cycles, and a page has hundreds of these."""


class WireTime(_Wire):
    """A wall time without offset, with seven digits of fraction, and the zone it is told in."""

    date_time: str | None = None
    time_zone: str | None = None


class WireAddress(_Wire):
    """A mail address."""

    name: str | None = None
    address: str | None = None


class WireStatus(_Wire):
    """An answer to an invitation."""

    response: str | None = None


class WirePerson(_Wire):
    """An attendee (who also has a type and a status) or an organizer."""

    email_address: WireAddress | None = None
    type: str | None = None
    status: WireStatus | None = None


class WireBody(_Wire):
    """The description, as text because we ask for text."""

    content: str | None = None


class WireLocation(_Wire):
    """Where."""

    display_name: str | None = None


class WireMeeting(_Wire):
    """The video meeting."""

    join_url: str | None = None


class WireProperty(_Wire):
    """A mark that a program left on an event."""

    id: str
    value: str | None = None


class WireEvent(_Wire):
    """An event as Graph sends it. In a delta an occurrence is a stub: ids, type and times only."""

    id: str
    removed: dict[str, Any] | None = msgspec.field(name="@removed", default=None)
    etag: str | None = msgspec.field(name="@odata.etag", default=None)
    type: str | None = None
    series_master_id: str | None = None
    transaction_id: str | None = None
    ical_uid: str | None = msgspec.field(name="iCalUId", default=None)
    subject: str | None = None
    body: WireBody | None = None
    location: WireLocation | None = None
    start: WireTime | None = None
    end: WireTime | None = None
    original_start_time_zone: str | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    show_as: str | None = None
    sensitivity: str | None = None
    response_status: WireStatus | None = None
    organizer: WirePerson | None = None
    attendees: tuple[WirePerson, ...] | None = None
    online_meeting: WireMeeting | None = None
    online_meeting_url: str | None = None
    created_date_time: str | None = None
    last_modified_date_time: str | None = None
    properties: tuple[WireProperty, ...] | None = msgspec.field(name="singleValueExtendedProperties", default=None)


class DamagedEvent(WireEvent):
    """What could be saved of an event that does not fit its own schema."""


class EventsPage(_Wire):
    """A page of any listing. `value` is asked for so that no other JSON passes as an empty page."""

    value: tuple[WireEvent, ...]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class WireCalendar(_Wire):
    """A calendar of the person's list."""

    id: str
    name: str | None = None
    is_default_calendar: bool | None = None
    can_edit: bool | None = None
    can_share: bool | None = None
    properties: tuple[WireProperty, ...] | None = msgspec.field(name="singleValueExtendedProperties", default=None)


class CalendarsPage(_Wire):
    """A page of the calendar list."""

    value: tuple[WireCalendar, ...]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class WireZone(_Wire):
    """A zone by name."""

    name: str | None = None


class WireHours(_Wire):
    """The working hours; of them the zone they are told in."""

    time_zone: WireZone | None = None


class MailboxSettings(_Wire):
    """What we want of a mailbox's settings."""

    time_zone: str | None = None
    working_hours: WireHours | None = None

    @property
    def zones(self) -> tuple[str | None, ...]:
        """The names of the mailbox's zone, the likeliest first: some mailboxes tell it with the working hours only."""
        hours = self.working_hours
        return self.time_zone, None if hours is None or hours.time_zone is None else hours.time_zone.name


class WireScheduleItem(_Wire):
    """A span of somebody's schedule."""

    status: str | None = None
    start: WireTime | None = None
    end: WireTime | None = None


class WireScheduleError(_Wire):
    """Why a schedule was not told."""

    response_code: str | None = None


class WireSchedule(_Wire):
    """One person's part of a getSchedule answer."""

    schedule_id: str
    availability_view: str | None = None
    schedule_items: tuple[WireScheduleItem, ...] | None = None
    error: WireScheduleError | None = None


class Standing(_Wire):
    """What an update must know of the event before it writes; guests stay dicts so that no field of theirs is lost."""

    etag: str | None = msgspec.field(name="@odata.etag", default=None)
    subject: str | None = None
    body: WireBody | None = None
    location: WireLocation | None = None
    start: WireTime | None = None
    end: WireTime | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    is_online_meeting: bool | None = None
    show_as: str | None = None
    attendees: tuple[dict[str, Any], ...] | None = None
    properties: tuple[WireProperty, ...] | None = msgspec.field(name="singleValueExtendedProperties", default=None)


BUSY_FIELDS = (
    "id,type,seriesMasterId,transactionId,start,end,originalStartTimeZone,isAllDay,isCancelled,showAs,responseStatus"
)
"""What we ask for where only the time counts."""
LISTED_FIELDS = (
    f"{BUSY_FIELDS},iCalUId,subject,location,sensitivity,organizer,attendees,onlineMeeting,onlineMeetingUrl,"
    "lastModifiedDateTime"
)
"""What we ask for of many: no bodies, a page of them can pass any size we would accept."""
EVENT_FIELDS = f"{LISTED_FIELDS},body"
STANDING_FIELDS = "id,subject,body,location,start,end,isAllDay,isCancelled,isOnlineMeeting,showAs,attendees"
CALENDAR_FIELDS = "id,name,isDefaultCalendar,canEdit,canShare"


class _RawPage(_Wire):
    """A page with its rows left alone."""

    value: tuple[msgspec.Raw, ...]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


_EVENT = msgspec.json.Decoder(WireEvent)
_EVENTS = msgspec.json.Decoder(EventsPage)
_CALENDAR = msgspec.json.Decoder(WireCalendar)
_CALENDARS = msgspec.json.Decoder(CalendarsPage)
_SCHEDULE = msgspec.json.Decoder(WireSchedule)
_RAW_PAGE = msgspec.json.Decoder(_RawPage)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)

T = TypeVar("T")

decode_settings = msgspec.json.Decoder(MailboxSettings).decode
decode_standing = msgspec.json.Decoder(Standing).decode
decode_calendar = _CALENDAR.decode


def decode_events(content: bytes) -> EventsPage:
    """A page of events, damaged rows included as far as they can be saved. Raises: msgspec.DecodeError."""
    try:
        return _EVENTS.decode(content)
    except _UNREADABLE:
        page = _RAW_PAGE.decode(mended(content))  # one row is damaged, or everything is: then this raises
    rows = tuple(row for row in map(_event_or_remains, page.value) if row is not None)
    return EventsPage(rows, page.next_link, page.delta_link)


def decode_event(content: bytes) -> WireEvent:
    """One event. Raises: msgspec.DecodeError when not even an id can be read."""
    try:
        return _EVENT.decode(content)
    except _UNREADABLE:
        event = _event_or_remains(msgspec.Raw(mended(content)))
    if event is None:
        raise msgspec.DecodeError("not an event")
    return event


def decode_calendars(content: bytes) -> CalendarsPage:
    """A page of the calendar list without the entries that cannot be read. Raises: msgspec.DecodeError."""
    try:
        return _CALENDARS.decode(content)
    except _UNREADABLE:
        page = _RAW_PAGE.decode(mended(content))
    return CalendarsPage(tuple(_readable(page.value, _CALENDAR)), page.next_link)


def decode_schedules(content: bytes) -> dict[str, WireSchedule]:
    """The schedules that can be read, by their address, normalised. Raises: msgspec.DecodeError."""
    page = _RAW_PAGE.decode(content)
    return {normalised(schedule.schedule_id): schedule for schedule in _readable(page.value, _SCHEDULE)}


def _readable(items: Iterable[msgspec.Raw], decoder: msgspec.json.Decoder[T]) -> Iterable[T]:
    for raw in items:
        try:
            yield decoder.decode(raw)
        except _UNREADABLE:
            _log.warning("office365_row_unreadable")


def _event_or_remains(raw: msgspec.Raw) -> WireEvent | None:
    try:
        return _EVENT.decode(raw)
    except _UNREADABLE:
        event = _remains(bytes(raw))
    _log.warning("office365_event_damaged", event_id=event.id if event else None)
    return event


def _remains(content: bytes) -> DamagedEvent | None:
    row = json.loads(content)
    if not isinstance(row, dict) or not _text(row, "id"):
        return None
    return DamagedEvent(
        id=row["id"],
        removed={} if row.get("@removed") else None,
        etag=_text(row, "@odata.etag"),
        type=_text(row, "type"),
        series_master_id=_text(row, "seriesMasterId"),
        transaction_id=_text(row, "transactionId"),
        start=_time(row.get("start")),
        end=_time(row.get("end")),
        original_start_time_zone=_text(row, "originalStartTimeZone"),
        is_all_day=row.get("isAllDay") is True,
        is_cancelled=row.get("isCancelled") is True,
        show_as=_text(row, "showAs"),
    )


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value.isprintable() else None


def _time(value: object) -> WireTime | None:
    if not isinstance(value, dict):
        return None
    return WireTime(_text(value, "dateTime"), _text(value, "timeZone"))
