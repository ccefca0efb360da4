"""Google Calendar's JSON as typed structs, and the tolerant decoding of it. Pure.

The one rule: one damaged row never spoils a page. What can be saved of it (its id, its series, its time) becomes a
`DamagedEvent`; unknown fields are ignored everywhere, and null, which Google
itself never sends, means what a missing field means.
https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal, TypeVar

import msgspec
import structlog

from app.providers.mending import mended

_log = structlog.get_logger(__name__)


class _Wire(msgspec.Struct, rename="camel", gc=False):
    """gc=False: JSON has no cycles, and a page has tens of thousands of these."""


class WireTime(_Wire):
    """A day, or an instant with its zone."""

    day: date | None = msgspec.field(name="date", default=None)
    date_time: datetime | None = None
    time_zone: str | None = None


class WirePerson(_Wire):
    """An attendee or an organizer."""

    email: str | None = None
    display_name: str | None = None
    response_status: str | None = None
    is_self: bool = msgspec.field(name="self", default=False)
    resource: bool = False


class WireEntryPoint(_Wire):
    """A way into a conference."""

    entry_point_type: str | None = None
    uri: str | None = None


class WireConference(_Wire):
    """A video conference, whoever hosts it."""

    entry_points: tuple[WireEntryPoint, ...] = ()


class WireOutcome(_Wire):
    """How far the making of a conference is."""

    status_code: str | None = None


class WireRequest(_Wire):
    """A conference that was asked for."""

    status: WireOutcome | None = None


class StandingConference(WireConference):
    """A video conference, or one that is still being made."""

    create_request: WireRequest | None = None

    @property
    def stands(self) -> bool:
        """Whether there is a way in, or will be one: Google makes its own after it has answered."""
        status = self.create_request.status if self.create_request else None
        return bool(self.entry_points) or (status is not None and status.status_code == "pending")


class WireProperties(_Wire):
    """Marks that programs leave on an event."""

    private: dict[str, str] = {}


class WireEvent(_Wire):
    """An event as Google sends it; a cancelled exception has nothing but ids and its original start."""

    id: str
    status: str | None = None
    etag: str | None = None
    ical_uid: str | None = msgspec.field(name="iCalUID", default=None)
    summary: str | None = None
    description: str | None = None
    location: str | None = None
    start: WireTime | None = None
    end: WireTime | None = None
    original_start_time: WireTime | None = None
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str | None = None
    transparency: str | None = None
    visibility: str | None = None
    event_type: str | None = None
    organizer: WirePerson | None = None
    attendees: tuple[WirePerson, ...] = ()
    hangout_link: str | None = None
    conference_data: WireConference | None = None
    extended_properties: WireProperties | None = None
    updated: str | None = None
    """Text, because Google also sends the year 0 here, which no datetime can hold."""


class DamagedEvent(WireEvent):
    """What could be saved of an event that does not fit its own schema."""


def _is_page(*members: object) -> None:
    """A page says what it is, or has at least one member of a page: no other JSON passes as an empty one.

    Raises: msgspec.DecodeError.
    """
    if all(member is None for member in members):
        raise msgspec.ValidationError("not a page")


class EventsPage(_Wire):
    """A page of events.list or events.instances."""

    kind: Literal["calendar#events"] | None = None
    rows: tuple[WireEvent, ...] | None = msgspec.field(name="items", default=None)
    next_page_token: str | None = None
    next_sync_token: str | None = None
    time_zone: str | None = None
    """The calendar's."""

    def __post_init__(self) -> None:
        _is_page(self.kind, self.rows, self.next_page_token, self.next_sync_token)

    @property
    def items(self) -> tuple[WireEvent, ...]:
        """Its events; a page may have none, and more after it."""
        return self.rows or ()


class WireCalendar(_Wire):
    """An entry of the calendar list, or a calendar itself, which says less."""

    id: str
    summary: str | None = None
    description: str | None = None
    summary_override: str | None = None
    time_zone: str | None = None
    access_role: str | None = None
    primary: bool = False
    deleted: bool = False


class CalendarsPage(_Wire):
    """A page of calendarList.list."""

    kind: Literal["calendar#calendarList"] | None = None
    rows: tuple[WireCalendar, ...] | None = msgspec.field(name="items", default=None)
    next_page_token: str | None = None

    def __post_init__(self) -> None:
        _is_page(self.kind, self.rows, self.next_page_token)

    @property
    def items(self) -> tuple[WireCalendar, ...]:
        """Its entries."""
        return self.rows or ()


class WirePeriod(_Wire):
    """A busy span."""

    start: datetime
    end: datetime


class WireReason(_Wire):
    """Why something was not said."""

    reason: str = "unknown"


class WireBusy(_Wire):
    """One calendar's part of a free/busy answer."""

    busy: tuple[WirePeriod, ...] = ()
    errors: tuple[WireReason, ...] = ()


class FreeBusyAnswer(_Wire):
    """The answer of freeBusy.query; each calendar is decoded on its own."""

    calendars: dict[str, msgspec.Raw]


class Standing(_Wire):
    """What an update must know of the event before it writes; guests stay dicts so that no field of theirs is lost."""

    etag: str | None = None
    status: str | None = None
    attendees: tuple[dict[str, Any], ...] = ()
    attendees_omitted: bool = False
    transparency: str | None = None
    extended_properties: WireProperties | None = None
    hangout_link: str | None = None
    conference_data: StandingConference | None = None


_PERSON = "email,displayName,responseStatus,self,resource"
_LISTED = (
    "id,status,etag,iCalUID,summary,location,start,end,originalStartTime,recurrence,recurringEventId,transparency,"
    f"visibility,eventType,organizer({_PERSON.replace(',responseStatus', '').replace(',resource', '')}),"
    f"attendees({_PERSON}),hangoutLink,conferenceData(entryPoints(entryPointType,uri)),extendedProperties(private),"
    "updated"
)
EVENT_FIELDS = f"{_LISTED},description"
"""What we ask for of one event."""
EVENTS_FIELDS = f"kind,nextPageToken,nextSyncToken,timeZone,items({_LISTED})"
"""What we ask for of many: no descriptions, a page of them can pass any size we would accept. Of changes the same:
Google wants every other parameter beside a sync token as it was at the first listing."""
STANDING_FIELDS = (
    "etag,status,attendees,attendeesOmitted,transparency,extendedProperties(private),hangoutLink,"
    "conferenceData(createRequest(status(statusCode)),entryPoints(entryPointType,uri))"
)
CALENDARS_FIELDS = (
    "kind,nextPageToken,items(id,summary,summaryOverride,description,timeZone,accessRole,primary,deleted)"
)
CALENDAR_FIELDS = "id,summary,description,timeZone"


class _RawEvents(_Wire):
    """An `EventsPage` with its rows left alone."""

    kind: Literal["calendar#events"] | None = None
    rows: tuple[msgspec.Raw, ...] | None = msgspec.field(name="items", default=None)
    next_page_token: str | None = None
    next_sync_token: str | None = None
    time_zone: str | None = None


class _RawCalendars(_Wire):
    """A `CalendarsPage` with its rows left alone."""

    kind: Literal["calendar#calendarList"] | None = None
    rows: tuple[msgspec.Raw, ...] | None = msgspec.field(name="items", default=None)
    next_page_token: str | None = None


_EVENT = msgspec.json.Decoder(WireEvent)
_EVENTS = msgspec.json.Decoder(EventsPage)
_CALENDAR = msgspec.json.Decoder(WireCalendar)
_CALENDARS = msgspec.json.Decoder(CalendarsPage)
_RAW_EVENTS = msgspec.json.Decoder(_RawEvents)
_RAW_CALENDARS = msgspec.json.Decoder(_RawCalendars)
_BUSY = msgspec.json.Decoder(WireBusy)
_FREE_BUSY = msgspec.json.Decoder(FreeBusyAnswer)
_STANDING = msgspec.json.Decoder(Standing)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)

T = TypeVar("T")


def decode_events(content: bytes) -> EventsPage:
    """A page of events, damaged rows included as far as they can be saved. Raises: msgspec.DecodeError."""
    try:
        return _EVENTS.decode(content)
    except _UNREADABLE:
        page = _RAW_EVENTS.decode(mended(content))  # one row is damaged, or everything is: then this raises
    rows = None if page.rows is None else tuple(row for row in map(_event_or_remains, page.rows) if row is not None)
    return EventsPage(page.kind, rows, page.next_page_token, page.next_sync_token, page.time_zone)


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
        page = _RAW_CALENDARS.decode(mended(content))
    rows = None if page.rows is None else tuple(_readable(page.rows, _CALENDAR))
    return CalendarsPage(page.kind, rows, page.next_page_token)


def decode_calendar(content: bytes) -> WireCalendar:
    """One calendar. Raises: msgspec.DecodeError."""
    return _decoded(_CALENDAR, content)


def decode_free_busy(content: bytes) -> dict[str, WireBusy]:
    """Each calendar's busy spans; one that cannot be read carries an error. Raises: msgspec.DecodeError."""
    answer = _FREE_BUSY.decode(content)
    return {calendar_id: _busy(raw) for calendar_id, raw in answer.calendars.items()}


def decode_standing(content: bytes) -> Standing:
    """What an update must know. Raises: msgspec.DecodeError."""
    return _decoded(_STANDING, content)


def _decoded(decoder: msgspec.json.Decoder[T], content: bytes) -> T:
    try:
        return decoder.decode(content)
    except _UNREADABLE:
        return decoder.decode(mended(content))


def _busy(raw: msgspec.Raw) -> WireBusy:
    try:
        return _decoded(_BUSY, bytes(raw))
    except _UNREADABLE:
        return WireBusy(errors=(WireReason("unreadable"),))


def _readable(items: Iterable[msgspec.Raw], decoder: msgspec.json.Decoder[T]) -> Iterable[T]:
    for raw in items:
        try:
            yield decoder.decode(raw)
        except _UNREADABLE:
            _log.warning("google_row_unreadable")


def _event_or_remains(raw: msgspec.Raw) -> WireEvent | None:
    try:
        return _EVENT.decode(raw)
    except _UNREADABLE:
        event = _remains(bytes(raw))
    _log.warning("google_event_damaged", event_id=event.id if event else None)
    return event


def _remains(content: bytes) -> DamagedEvent | None:
    row = json.loads(content)
    if not isinstance(row, dict) or not _text(row, "id"):
        return None
    return DamagedEvent(
        id=row["id"],
        status=_text(row, "status"),
        etag=_text(row, "etag"),
        start=_time(row.get("start")),
        end=_time(row.get("end")),
        original_start_time=_time(row.get("originalStartTime")),
        recurrence=("damaged",) if row.get("recurrence") else (),
        recurring_event_id=_text(row, "recurringEventId"),
        transparency=_text(row, "transparency"),
        event_type=_text(row, "eventType"),
    )


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value.isprintable() else None


def _time(value: object) -> WireTime | None:
    if not isinstance(value, dict):
        return None
    try:
        if day := _text(value, "date"):
            return WireTime(day=date.fromisoformat(day))
        if instant := _text(value, "dateTime"):
            return WireTime(date_time=datetime.fromisoformat(instant), time_zone=_text(value, "timeZone"))
    except ValueError:
        return None
    return None
