"""What a reader is shown of an event. The one rule: a stored event is never handed out, only a rendering of it.

The rendering depends on the calendar the copy lies on (who is "self"), on the reader's role (whose private events are
blocks of time without details) and on the time zone asked for.
"""

import base64
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sandbox.google.times import Json, find_zone, read_when, rfc3339
from sandbox.google.world import Calendar, Event, Role, rank

Detail = Literal["full", "times"]

# The order of Google's answers.
_ORDER = (
    "kind etag id status htmlLink created updated summary description location colorId creator organizer start end "
    "endTimeUnspecified recurrence recurringEventId originalStartTime transparency visibility iCalUID sequence "
    "attendees attendeesOmitted extendedProperties hangoutLink conferenceData gadget anyoneCanAddSelf "
    "guestsCanInviteOthers guestsCanModify guestsCanSeeOtherGuests privateCopy locked reminders source "
    "workingLocationProperties outOfOfficeProperties focusTimeProperties birthdayProperties attachments eventType"
)
_POSITION = {name: position for position, name in enumerate(_ORDER.split())}
# Fields Google leaves out while they have their default.
_DEFAULTS: Mapping[str, object] = {
    "transparency": "opaque",
    "visibility": "default",
    "anyoneCanAddSelf": False,
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
    "privateCopy": False,
    "locked": False,
    "endTimeUnspecified": False,
}
# All that a free/busy reader, or anybody looking at somebody's private event, may know.
_TIMES = (
    "kind etag id status start end recurrence recurringEventId originalStartTime transparency iCalUID eventType "
    "created updated htmlLink"
)
_TIMES_ONLY = frozenset(_TIMES.split())
_TOMBSTONE = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")


@dataclass(frozen=True)
class Reader:
    """Who looks, and how. `free_busy_only` is set by scopes that open times but no details."""

    account: str
    role: Role
    zone: str | None = None
    max_attendees: int | None = None
    free_busy_only: bool = False

    def detail(self, event: Event, calendar: Calendar) -> Detail:
        if self.free_busy_only or rank(self.role) < rank("reader"):
            return "times"
        private = event.fields.get("visibility") in {"private", "confidential"}
        if private and rank(self.role) < rank("writer") and not _attends(self.account, event, calendar):
            return "times"
        return "full"


def _attends(account: str, event: Event, calendar: Calendar) -> bool:
    if account == calendar.id:
        return True
    return any(attendee.get("email") == account for attendee in event.fields.get("attendees", ()))


def render(event: Event, calendar: Calendar, reader: Reader) -> Json:
    """The Events resource as this reader gets it."""
    fields = deepcopy(event.fields)
    fields |= {"kind": "calendar#event", "etag": event.etag, "htmlLink": _link(event, calendar)}
    fields.setdefault("status", "confirmed")
    fields.setdefault("eventType", "default")
    for name, default in _DEFAULTS.items():
        if fields.get(name) == default:
            del fields[name]
    for name in ("start", "end", "originalStartTime"):
        if name in fields:
            fields[name] = _in_zone(fields[name], reader.zone or calendar.time_zone)
    if reader.detail(event, calendar) == "times":
        fields = {name: value for name, value in fields.items() if name in _TIMES_ONLY}
        fields["visibility"] = "private"
        return _ordered(fields)
    _mark_people(fields, calendar)
    _limit_attendees(fields, calendar, reader.max_attendees)
    if fields.get("creator", {}).get("email") != reader.account:
        fields.pop("source", None)  # "Can only be seen or modified by the creator of the event"
    return _ordered(fields)


def tombstone(event: Event, calendar: Calendar, reader: Reader) -> Json:
    """A cancelled event with no more than Google guarantees."""
    fields: Json = {
        "kind": "calendar#event",
        "etag": event.etag,
        "id": event.id,
        "status": "cancelled",
    }
    for name in ("recurringEventId", "originalStartTime"):
        if name in event.fields:
            fields[name] = deepcopy(event.fields[name])
    if "originalStartTime" in fields:
        fields["originalStartTime"] = _in_zone(fields["originalStartTime"], reader.zone or calendar.time_zone)
    return {name: fields[name] for name in _TOMBSTONE if name in fields}


def _ordered(fields: Json) -> Json:
    return {name: fields[name] for name in sorted(fields, key=lambda name: _POSITION.get(name, len(_POSITION)))}


def _in_zone(value: Json, zone_name: str) -> Json:
    """Google tells instants with the offset of the calendar (or of `timeZone=`), beside the event's own zone."""
    when = read_when(value)
    if when is None or when.instant is None:
        return value
    local = when.instant.astimezone(find_zone(zone_name) or UTC)
    return {**value, "dateTime": rfc3339(local)}


def _mark_people(fields: Json, calendar: Calendar) -> None:
    """`self` is whoever's calendar this copy lies on."""
    for role in ("creator", "organizer"):
        person = fields.get(role)
        if person is not None and person.get("email") == calendar.id:
            person["self"] = True
    organizer = fields.get("organizer", {}).get("email")
    for attendee in fields.get("attendees", ()):
        if attendee.get("email") == organizer:
            attendee["organizer"] = True
        if attendee.get("email") == calendar.id:
            attendee["self"] = True


def _limit_attendees(fields: Json, calendar: Calendar, limit: int | None) -> None:
    attendees = fields.get("attendees")
    if attendees is None:
        return
    organizing = fields.get("organizer", {}).get("email") == calendar.id
    hidden = fields.get("guestsCanSeeOtherGuests") is False and not organizing
    if hidden or (limit is not None and len(attendees) > limit):
        fields["attendees"] = [attendee for attendee in attendees if attendee.get("self")]
        fields["attendeesOmitted"] = True


def _link(event: Event, calendar: Calendar) -> str:
    eid = base64.urlsafe_b64encode(f"{event.id} {calendar.id}".encode()).decode().rstrip("=")
    return f"https://www.google.com/calendar/event?eid={eid}"


def collection_etag(*parts: object) -> str:
    """The etag of a list: any change of its parts changes it."""
    joined = "|".join(str(part) for part in parts)
    return f'"p{base64.urlsafe_b64encode(joined.encode()).decode().rstrip("=")[-22:]}"'


def event_time(value: datetime, zone_name: str | None) -> str:
    """An instant for free/busy answers: in the zone asked for, `Z` without one."""
    return rfc3339(value.astimezone(find_zone(zone_name or "UTC") or UTC))
