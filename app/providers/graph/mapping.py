"""From Microsoft Graph's words to ours. Pure.

The one rule: nothing here raises on what Graph sends. Time that can be read at all stays busy; an event whose time
cannot be read at all is no event (`None`), so that whoever knew it keeps the last known time.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.calendar import (
    AccessRole,
    AllDay,
    Attendee,
    Busy,
    CalendarRef,
    Change,
    Event,
    Removed,
    Response,
    SeriesTouched,
    Timed,
    Unreadable,
    Upsert,
    When,
)
from app.providers.graph.marks import KEY_PROPERTY, key_of
from app.providers.graph.wire import (
    DamagedEvent,
    WireBody,
    WireCalendar,
    WireEvent,
    WirePerson,
    WireProperty,
    WireTime,
)
from app.providers.zones import iana_name

_BUSY = {
    "free": Busy.FREE,
    "workingelsewhere": Busy.FREE,
    "tentative": Busy.TENTATIVE,
    "oof": Busy.OUT_OF_OFFICE,
}
"""`busy`, `unknown`, and whatever else may come: busy."""
_RESPONSES = {
    "accepted": Response.ACCEPTED,
    "organizer": Response.ACCEPTED,
    "tentativelyaccepted": Response.TENTATIVE,
    "declined": Response.DECLINED,
}
_PRIVATE = frozenset({"private", "confidential", "personal"})
_OCCURRENCE = "occurrence"
_DATES = frozenset({_OCCURRENCE, "exception"})
_SERIES = "seriesmaster"
_RESOURCE = "resource"
_UNKNOWN_LENGTH = timedelta(hours=1)
_JUST_NOW = timedelta(seconds=10)
"""How long a damaged event blocks when only its start can be read."""
_DAY = timedelta(days=1)
_NOON = timedelta(hours=12)


def calendar_of(entry: WireCalendar, time_zone: str) -> CalendarRef:
    """A calendar of the list. Graph names no roles; only who owns a calendar may share it."""
    if entry.is_default_calendar or entry.can_share:
        role = AccessRole.OWNER
    else:
        role = AccessRole.WRITER if entry.can_edit else AccessRole.READER
    return CalendarRef(
        id=entry.id,
        name=entry.name or entry.id,
        time_zone=time_zone,
        role=role,
        primary=bool(entry.is_default_calendar),
    )


def changes_of(rows: Iterable[WireEvent]) -> tuple[Change, ...]:
    """What a page of a delta tells, one change per event or series; the last word about an id wins.

    Nothing of a series is taken over as it comes: occurrences are stubs, and one that was deleted is not announced at
    all, only the rest of its series is told again. A series told as removed while dates of it are told as standing is
    read again, not dropped: a removal may mean that it left the window.
    """
    rows = list(rows)
    standing = {series for row in rows if row.removed is None and (series := series_of(row)) is not None}
    changes: dict[str, Change] = {}
    for row in rows:
        told = series_of(row) if row.removed is None else None
        series = row.id if row.id in standing else told
        if series is not None:
            changes[series] = SeriesTouched(series)
        elif row.removed is not None or row.is_cancelled:
            changes[row.id] = Removed(row.id)
        elif (event := event_of(row)) is not None:
            changes[row.id] = Upsert(event)
        else:
            changes.setdefault(row.id, Unreadable(row.id))
    return tuple(changes.values())


def is_part(row: WireEvent) -> bool:
    """Whether a row of a delta lacks what every event has; only a date of a series that is like the others may."""
    if row.removed is not None or isinstance(row, DamagedEvent):
        return False
    times = row.start is not None and row.end is not None
    return not times or (_lower(row.type) != _OCCURRENCE and (row.type is None or row.show_as is None))


def series_of(row: WireEvent) -> str | None:
    """The id of the series that the row is, or is a date of."""
    if row.series_master_id:
        return row.series_master_id
    return row.id if _lower(row.type) == _SERIES else None


def event_of(row: WireEvent) -> Event | None:
    """An event, or None when its time cannot be read."""
    when = _when(row)
    if when is None:
        return None
    span, quarantined = when
    orphaned = _lower(row.type) in _DATES and not row.series_master_id
    return Event(
        id=row.id,
        when=span,
        busy=busy_of(row),
        etag=row.etag,
        ical_uid=row.ical_uid,
        series_id=row.series_master_id or None,
        cancelled=bool(row.is_cancelled),
        title=row.subject,
        description=plain_text(row.body),
        location=(row.location.display_name or None) if row.location else None,
        organizer=_address(row.organizer),
        attendees=tuple(_attendee(person) for person in row.attendees or () if _is_person(person)),
        private=_lower(row.sensitivity) in _PRIVATE,
        video_url=(row.online_meeting.join_url if row.online_meeting else None) or row.online_meeting_url or None,
        key=property_of(row.properties, KEY_PROPERTY) or key_of(row.transaction_id),
        updated_at=_instant_or_none(row.last_modified_date_time),
        quarantined=quarantined or orphaned or isinstance(row, DamagedEvent),
    )


def busy_of(row: WireEvent) -> Busy:
    """How the event blocks its time (R31). An invitation nobody answered is tentative, as Outlook shows it."""
    answer = _lower(row.response_status.response) if row.response_status else ""
    if row.is_cancelled or answer == "declined":
        return Busy.FREE
    return _BUSY.get(_lower(row.show_as), Busy.BUSY)


def property_of(properties: Iterable[WireProperty] | None, property_id: str) -> str | None:
    """The value of a named property; Graph may spell the GUID of its id otherwise than we did."""
    wanted = property_id.lower()
    return next((found.value for found in properties or () if found.id.lower() == wanted), None)


def instant_of(told: WireTime | None) -> datetime | None:
    """The instant, in UTC; None when it cannot be read. A zone nobody knows is UTC, which is what we ask for."""
    if told is None or told.date_time is None:
        return None
    try:
        wall = datetime.fromisoformat(told.date_time)
        if wall.tzinfo is None:
            wall = wall.replace(tzinfo=ZoneInfo(iana_name(told.time_zone) or "UTC"))
        return wall.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def plain_text(body: WireBody | None) -> str | None:
    """A description. Exchange ends lines its own way, and adds one to every body."""
    if body is None or body.content is None:
        return None
    return body.content.replace("\r\n", "\n").rstrip("\n")


def _when(row: WireEvent) -> tuple[When, bool] | None:
    """The event's time, and whether we had to mend it."""
    start, end = instant_of(row.start), instant_of(row.end)
    if start is None:
        return None
    try:
        return _days(row, start, end) if row.is_all_day else _instants(row, start, end)
    except OverflowError:  # the edges of the calendar
        return None


def _instants(row: WireEvent, start: datetime, end: datetime | None) -> tuple[Timed, bool]:
    zone = iana_name(row.original_start_time_zone)
    if end is None:
        return Timed(start, start + _UNKNOWN_LENGTH, zone), True
    return Timed(min(start, end), max(start, end), zone), end < start


def _days(row: WireEvent, start: datetime, end: datetime | None) -> tuple[AllDay, bool]:
    first, mended = _day(start, row.original_start_time_zone)
    if end is None:
        return AllDay(first, first + _DAY), True
    after, also_mended = _day(end, row.original_start_time_zone)
    if after <= first:
        return AllDay(first, first + _DAY), True
    return AllDay(first, after), mended or also_mended


def _day(instant: datetime, zone: str | None) -> tuple[date, bool]:
    """The day that begins at the instant. Whole days are told from midnight to midnight in the zone we asked for; one
    that some client stored in its own zone instead begins at midnight there; any other is the nearest day."""
    for place in (UTC, ZoneInfo(iana_name(zone) or "UTC")):
        if (wall := instant.astimezone(place)).time() == time():
            return wall.date(), False
    return (instant.astimezone(ZoneInfo(iana_name(zone) or "UTC")) + _NOON).date(), True


def _attendee(person: WirePerson) -> Attendee:
    name = person.email_address.name if person.email_address else None
    answer = _lower(person.status.response) if person.status else ""
    return Attendee(email=_address(person) or "", name=name, response=_RESPONSES.get(answer, Response.NEEDS_ACTION))


def _is_person(person: WirePerson) -> bool:
    return _address(person) is not None and _lower(person.type) != _RESOURCE


def _address(person: WirePerson | None) -> str | None:
    return (person.email_address.address or None) if person and person.email_address else None


def _lower(text: str | None) -> str:
    return (text or "").lower()


def is_new(row: WireEvent, *, now: datetime) -> bool:
    """Whether the event was made by what it is the answer to; one that does not say when is taken to be."""
    made_at = _instant_or_none(row.created_date_time)
    return made_at is None or now - made_at < _JUST_NOW


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else instant_of(WireTime(text, "UTC"))
