"""From Google's words to ours. Pure.

The one rule: nothing here raises on what Google sends. Time that can be read at all stays busy; an event whose time
cannot be read at all is no event (`None`), so that whoever knew it keeps the last known time.
"""

import html
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
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
from app.providers.google.wire import DamagedEvent, WireCalendar, WireEvent, WirePerson, WireTime

KEY_PROPERTY = "calendar_connect_key"
"""The private property our idempotency key travels in. It comes back in every listing, sync included."""

_ROLES = {
    "owner": AccessRole.OWNER,
    "writer": AccessRole.WRITER,
    "writerWithoutPrivateAccess": AccessRole.WRITER,
    "reader": AccessRole.READER,
    "freeBusyReader": AccessRole.FREE_BUSY_READER,
}
_RESPONSES = {
    "needsAction": Response.NEEDS_ACTION,
    "accepted": Response.ACCEPTED,
    "tentative": Response.TENTATIVE,
    "declined": Response.DECLINED,
}
RESPONSE_STATUS = {response: status for status, response in _RESPONSES.items()}
"""Our answers in Google's words."""
_NEVER_BUSY = frozenset({"workingLocation", "birthday"})
_PRIVATE = frozenset({"private", "confidential"})
_UNKNOWN_LENGTH = timedelta(hours=1)
"""How long a damaged event blocks when only its start can be read."""
_DAY = timedelta(days=1)


def calendar_of(entry: WireCalendar) -> CalendarRef:
    """A calendar as its list entry shows it; an access role we do not know is the weakest."""
    return CalendarRef(
        id=entry.id,
        name=entry.summary_override or entry.summary or entry.id,
        time_zone=known_zone(entry.time_zone) or "UTC",
        role=_ROLES.get(entry.access_role or "", AccessRole.FREE_BUSY_READER),
        primary=entry.primary,
    )


def changes_of(rows: Iterable[WireEvent], *, zone: str | None = None) -> tuple[Change, ...]:
    """What a page of an unexpanded listing tells, one change per event or series; the last word about an id wins.

    Two readings need the whole page. A cancelled instance says nothing that the removal or the new shape of its own
    series does not say better. A live instance of a removed series is real: that happens to a guest who was taken off
    a series and kept on one date, so the series has to be read again, not dropped.
    """
    rows = list(rows)
    live = {row.recurring_event_id for row in rows if row.recurring_event_id and not is_cancelled(row)}
    changes: dict[str, Change] = {}
    for row in rows:
        if row.recurring_event_id:
            touched = SeriesTouched(row.recurring_event_id)
            if is_cancelled(row):
                changes.setdefault(row.recurring_event_id, touched)
            else:
                changes[row.recurring_event_id] = touched
        elif row.id in live or (row.recurrence and not is_cancelled(row)):
            changes[row.id] = SeriesTouched(row.id)
        elif is_cancelled(row):
            changes[row.id] = Removed(row.id)
        elif (event := event_of(row, zone=zone)) is not None:
            changes[row.id] = Upsert(event)
        else:
            changes.setdefault(row.id, Unreadable(row.id))
    return tuple(changes.values())


def event_of(row: WireEvent, *, zone: str | None = None) -> Event | None:
    """An event, or None when its time cannot be read. `zone` is the calendar's, for instants without an offset."""
    when = _when(row, zone)
    if when is None:
        return None
    span, quarantined = when
    return Event(
        id=row.id,
        when=span,
        busy=busy_of(row),
        etag=row.etag,
        ical_uid=row.ical_uid,
        series_id=row.recurring_event_id,
        cancelled=is_cancelled(row),
        title=row.summary,
        description=_plain(row.description),
        location=row.location,
        organizer=row.organizer.email if row.organizer else None,
        attendees=tuple(_attendee(person) for person in row.attendees if person.email and not person.resource),
        private=row.visibility in _PRIVATE,
        video_url=_video_url(row),
        key=key_of(row),
        updated_at=_instant_or_none(row.updated),
        quarantined=quarantined or isinstance(row, DamagedEvent),
    )


def key_of(row: WireEvent) -> str | None:
    """The idempotency key it was marked with, when it is ours."""
    return row.extended_properties.private.get(KEY_PROPERTY) if row.extended_properties else None


def is_cancelled(row: WireEvent) -> bool:
    """Deleted, or a date taken out of its series."""
    return row.status == "cancelled"


def busy_of(row: WireEvent) -> Busy:
    """How the event blocks its time (R31). An invitation nobody answered blocks, as Google shows it."""
    answer = next((person.response_status for person in row.attendees if person.is_self), None)
    if is_cancelled(row) or row.transparency == "transparent" or row.event_type in _NEVER_BUSY or answer == "declined":
        return Busy.FREE
    if row.event_type == "outOfOffice":
        return Busy.OUT_OF_OFFICE
    if "tentative" in (row.status, answer):
        return Busy.TENTATIVE
    return Busy.BUSY


@lru_cache(maxsize=1024)
def known_zone(name: str | None) -> str | None:
    """The name if tzdata knows it: Google passes on whatever an import once said."""
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name at all, the name of a directory ("America")
        return None
    return name


def _plain(description: str | None) -> str | None:
    """Google keeps HTML: what was escaped on the way there reads as it was written. Markup stays as it is."""
    return None if description is None else html.unescape(description)


def _attendee(person: WirePerson) -> Attendee:
    return Attendee(
        email=person.email or "",
        name=person.display_name,
        response=_RESPONSES.get(person.response_status or "", Response.NEEDS_ACTION),
        is_self=person.is_self,
    )


def _video_url(row: WireEvent) -> str | None:
    if row.hangout_link or row.conference_data is None:
        return row.hangout_link
    return next((way.uri for way in row.conference_data.entry_points if way.entry_point_type == "video"), None)


def _when(row: WireEvent, zone: str | None) -> tuple[When, bool] | None:
    """The event's time, and whether we had to mend it. A cancelled exception only has the time it once was at."""
    start = row.start or row.original_start_time
    if start is None:
        return None
    try:
        if start.day is not None:
            return _days(start.day, row.end, mended=row.start is not None)
        if start.date_time is not None:
            return _instants(start, row.end, zone, mended=row.start is not None)
    except OverflowError:  # the edges of the calendar: 0001-01-01 in the east, 9999-12-31 in the west
        return None
    return None


def _days(first: date, end: WireTime | None, *, mended: bool) -> tuple[AllDay, bool]:
    if end is not None and end.day is not None and end.day > first:
        return AllDay(first, end.day), False
    # Imports leave all-day events that end on the day they start, or before.
    return AllDay(first, first + _DAY), mended and (end is None or end.day is None)


def _instants(start: WireTime, end: WireTime | None, zone: str | None, *, mended: bool) -> tuple[Timed, bool]:
    begin, name = _utc(start, zone), known_zone(start.time_zone)
    assert begin is not None
    finish = _utc(end, zone) if end is not None else None
    if finish is not None and finish >= begin:
        return Timed(begin, finish, name), False
    if finish is not None:
        return Timed(finish, begin, name), True
    return Timed(begin, begin + _UNKNOWN_LENGTH, name), mended


def _utc(time: WireTime, zone: str | None) -> datetime | None:
    """The instant; the offset decides, and a name only where there is no offset."""
    if time.date_time is None:
        return None
    if time.date_time.tzinfo is not None:
        return time.date_time.astimezone(UTC)
    name = known_zone(time.time_zone) or known_zone(zone) or "UTC"
    return time.date_time.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)


def _instant_or_none(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
