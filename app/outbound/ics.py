"""The invitation as an iCalendar object (RFC 5545, RFC 5546). Pure.

The one rule: the same booking makes the same bytes. The UID stays for life, SEQUENCE rises, and no character of what
people typed reaches it that a calendar program could take for a line break.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from app.outbound.headers import wire_address
from app.outbound.vtimezone import vtimezone

_PRODUCT: Final = "-//calendar-connect//calendar-connect//EN"
# What icalendar lets through and readers choke on: C0 and C1 controls but tab and line feed, Unicode's line ends, and
# the overrides that turn text around.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_IN_A_URI: Final = "@/:!$&'()*+,;="
"""What an address may have in it and stand in a path as it is (RFC 3986, 3.3)."""


class Method(StrEnum):
    """What the invitation asks of the reader's calendar."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody named in an invitation."""

    email: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    """One meeting, as every invitation to it says."""

    method: Method
    uid: str
    sequence: int
    stamp: datetime
    """When this revision was made."""
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    """IANA; the zone the meeting was planned in."""
    summary: str
    description: str
    location: str | None
    organizer: Person
    visitor: Person
    """Asked for the meeting, and has thereby accepted."""
    guests: tuple[Person, ...] = ()


def invite(meeting: Invite) -> bytes:
    """The iCalendar object: CRLF line ends, lines folded at 75 octets."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", meeting.method.value)
    start, end = _shown(meeting)
    if start.tzinfo is not UTC and meeting.time_zone not in {"UTC", "Etc/UTC"}:
        calendar.add_component(vtimezone(meeting.time_zone, meeting.starts_at.year))
    calendar.add_component(_event(meeting, start, end))
    content: bytes = calendar.to_ical()
    return content


def clean(text: str) -> str:
    """Text without the characters that break lines where nobody expects it."""
    return _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _shown(meeting: Invite) -> tuple[datetime, datetime]:
    """When it begins and ends by the clocks of its zone; in UTC where they show one of the times twice.

    A local time can only mean the first of the two (RFC 5545 3.3.5), and not every program takes it so.
    """
    zone = ZoneInfo(meeting.time_zone)
    start, end = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    if any(time.replace(fold=0).utcoffset() != time.replace(fold=1).utcoffset() for time in (start, end)):
        return start.astimezone(UTC), end.astimezone(UTC)
    return start, end


class _Text(vText):
    r"""A text as it was typed: the library takes a backslash and an N for a line break, RFC 5545 3.3.11 does not."""

    def to_ical(self) -> bytes:
        """Escaped."""
        return rb"\\N".join(vText(part).to_ical() for part in self.split(r"\N"))


def _event(meeting: Invite, start: datetime, end: datetime) -> Event:
    event = Event()
    event.add("uid", meeting.uid)
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", meeting.stamp.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", _Text(_line(meeting.summary)))
    if meeting.description:
        event.add("description", _Text(clean(meeting.description)))
    if meeting.location:
        event.add("location", _Text(_line(meeting.location)))
    event.add("status", "CANCELLED" if meeting.method is Method.CANCEL else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("organizer", _address(meeting.organizer))
    if meeting.visitor.email:  # else they were erased since, and the others still meet
        event.add("attendee", _attendee(meeting.visitor, "ACCEPTED"))
    for guest in meeting.guests:
        event.add("attendee", _attendee(guest, "NEEDS-ACTION"))
    return event


def _attendee(person: Person, answer: str) -> vCalAddress:
    address = _address(person)
    address.params["CUTYPE"] = vText("INDIVIDUAL")
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText(answer)
    address.params["RSVP"] = vText("FALSE")  # nobody reads the organizer's mailbox; the links change the booking
    return address


def _address(person: Person) -> vCalAddress:
    address = vCalAddress(f"mailto:{quote(wire_address(_line(person.email)), safe=_IN_A_URI)}")
    if person.name:
        address.params["CN"] = vText(_line(person.name).replace('"', "'"))  # a quote cannot be escaped there
    return address


def _line(text: str) -> str:
    return " ".join(clean(text).split())
