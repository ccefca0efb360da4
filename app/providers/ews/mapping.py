"""From Exchange's words to ours. Pure.

The one rule: nothing here raises on what Exchange sends. Time that can be read at all stays busy; an event whose time
cannot be read at all is no event (`None`), so that whoever knew it keeps the last known time.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.calendar import (
    AccessRole,
    AllDay,
    Attendee,
    Busy,
    CalendarRef,
    Event,
    Removed,
    Response,
    SeriesTouched,
    Timed,
    Unreadable,
    Upsert,
    When,
    normalised,
)
from app.calendar import Change as CalendarChange
from app.providers.ews.wire import MASTER, Change, Folder, Item, Person
from app.providers.zones import iana_name

_BUSY = {
    "Free": Busy.FREE,
    "Tentative": Busy.TENTATIVE,
    "OOF": Busy.OUT_OF_OFFICE,
    "WorkingElsewhere": Busy.FREE,
    "NoData": Busy.FREE,  # of an item: how a schema of 2010 says WorkingElsewhere, both are 4 in the store
}
"""`Busy`, and whatever else may come: busy."""
_RESPONSES = {
    "Accept": Response.ACCEPTED,
    "Organizer": Response.ACCEPTED,
    "Tentative": Response.TENTATIVE,
    "Decline": Response.DECLINED,
}
NOT_THE_GUEST = frozenset({None, "Organizer", "Unknown"})
"""What Exchange calls the person's answer to an event of their own."""
_PRIVATE = frozenset({"Private", "Confidential", "Personal"})
_OWNS = frozenset({"CreateContents", "CreateHierarchy", "Delete", "Modify", "Read"})
_WRITES = frozenset({"CreateContents", "Modify", "Read"})
_UNKNOWN_LENGTH = timedelta(hours=1)
"""How long a damaged event blocks when only its start can be read."""
_DAY = timedelta(days=1)
_NOON = timedelta(hours=12)


def calendar_of(folder: Folder, *, time_zone: str, primary: bool) -> CalendarRef:
    """A calendar as its folder shows it; without the right to read it, only its busy times can be told."""
    if folder.rights >= _OWNS:
        role = AccessRole.OWNER
    elif folder.rights >= _WRITES:
        role = AccessRole.WRITER
    else:
        role = AccessRole.READER if "Read" in folder.rights else AccessRole.FREE_BUSY_READER
    return CalendarRef(id=folder.id, name=folder.name or folder.id, time_zone=time_zone, role=role, primary=primary)


def changes_of(
    rows: Iterable[Change], *, email: str, since: datetime | None = None, over: Collection[str] = ()
) -> tuple[CalendarChange, ...]:
    """What a page of changes tells, one per event or series; the last word about an id wins.

    With `since` it is a page of a full listing, and what was over by then is left out of it, the series `over` too.
    """
    changes: dict[str, CalendarChange] = {}
    for row in rows:
        if row.kind == "Delete":
            changes[row.id] = Removed(row.id)
        elif row.item is None or row.id in over or (since is not None and single_is_over(row.item, since)):
            continue
        elif row.item.kind == MASTER:
            changes[row.id] = SeriesTouched(row.id)
        elif row.item.cancelled:
            changes[row.id] = Removed(row.id)
        elif (event := event_of(row.item, email=email)) is not None:
            changes[row.id] = Upsert(event)
        else:
            changes.setdefault(row.id, Unreadable(row.id))
    return tuple(changes.values())


def event_of(item: Item, *, email: str, series_id: str | None = None, zone: str | None = None) -> Event | None:
    """An event, or None when its time cannot be read. `zone`: Windows' name of the zone, where the item has none."""
    when = _when(item, iana_name(item.zone or zone))
    if when is None:
        return None
    span, quarantined = when
    return Event(
        id=item.id,
        when=span,
        busy=busy_of(item),
        etag=item.change_key,
        ical_uid=item.uid,
        series_id=series_id,
        cancelled=item.cancelled,
        title=item.subject,
        description=_plain(item.body),
        location=item.location or None,
        organizer=item.organizer,
        attendees=tuple(_attendee(person, email) for person in (*item.required, *item.optional)),
        private=item.sensitivity in _PRIVATE,
        key=item.key,
        updated_at=item.modified,
        quarantined=quarantined or item.damaged,
    )


def busy_of(item: Item) -> Busy:
    """How the event blocks its time (R31). An invitation nobody answered is tentative, as Outlook shows it."""
    if item.cancelled or item.my_response == "Decline":
        return Busy.FREE
    return _BUSY.get(item.free_busy or "", Busy.BUSY)


def span_of(item: Item) -> Timed | None:
    """The instants an item takes, whole days as their author meant them; None when they cannot be read."""
    if item.start is None:
        return None
    end = item.end if item.end is not None else item.start + _UNKNOWN_LENGTH
    return Timed(min(item.start, end), max(item.start, end))


def series_is_over(series: Item, since: datetime) -> bool:
    """Whether all dates of a series have ended; one without end, or of which that is not known, goes on."""
    ends = [end for end in (series.last_end, series.moved_end) if end is not None]
    return series.last_end is not None and max(ends) <= since - _DAY


def single_is_over(item: Item, since: datetime) -> bool:
    """Whether a single event has ended; a series never has by what it tells itself."""
    span = None if item.kind == MASTER else span_of(item)
    return span is not None and span.end <= (since - _DAY if item.all_day else since)


def _when(item: Item, zone: str | None) -> tuple[When, bool] | None:
    """The event's time, and whether we had to mend it."""
    span = span_of(item)
    if span is None:
        return None
    mended = item.end is None or span.start != item.start
    if not item.all_day:
        return Timed(span.start, span.end, zone), mended
    try:
        first, guessed = _day(span.start, zone)
        after, also_guessed = _day(span.end, zone)
    except OverflowError:  # the edges of the calendar
        return None
    return AllDay(first, max(after, first + _DAY)), mended or guessed or also_guessed or after <= first


def _day(instant: datetime, zone: str | None) -> tuple[date, bool]:
    """The day that begins at the instant. Exchange tells whole days from midnight to midnight of the zone they were
    made in; where nobody knows that zone, it is the nearest day."""
    for place in (ZoneInfo(zone or "UTC"), UTC):
        if (wall := instant.astimezone(place)).time() == time():
            return wall.date(), False
    return (instant.astimezone(ZoneInfo(zone or "UTC")) + _NOON).date(), True


def _attendee(person: Person, email: str) -> Attendee:
    return Attendee(
        email=person.email,
        name=person.name if person.name != person.email else None,
        response=_RESPONSES.get(person.response or "", Response.NEEDS_ACTION),
        is_self=normalised(person.email) == normalised(email),
    )


def _plain(text: str | None) -> str | None:
    """Exchange ends lines its own way, and adds one to every body."""
    return None if text is None else text.replace("\r\n", "\n").rstrip("\n")
