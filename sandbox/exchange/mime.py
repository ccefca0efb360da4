"""A calendar item as iCalendar, which is its MIME content. The one rule: times are told on the item's own clock.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/mimecontent
"""

import base64
from datetime import UTC, datetime
from typing import Any

from icalendar import Calendar, Event, vCalAddress

from sandbox.exchange.bodies import as_text
from sandbox.exchange.items import Attendee, View
from sandbox.exchange.markup import Markup, element
from sandbox.exchange.recurrence import Recurrence, rule_parts

_ROLES = {
    "RequiredAttendees": "REQ-PARTICIPANT",
    "OptionalAttendees": "OPT-PARTICIPANT",
    "Resources": "NON-PARTICIPANT",
}
_ANSWERS = {"Accept": "ACCEPTED", "Tentative": "TENTATIVE", "Decline": "DECLINED"}
_CLASSES = {"Personal": "PRIVATE", "Private": "PRIVATE", "Confidential": "CONFIDENTIAL"}


def mime_content(view: View) -> Markup:
    return element("t:MimeContent", base64.b64encode(as_icalendar(view)).decode(), CharacterSet="UTF-8")


def as_icalendar(view: View) -> bytes:
    """An item with its exceptions; an occurrence by itself."""
    calendar = Calendar()
    calendar.add("prodid", "Microsoft Exchange Server 2010")
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST" if view.guests() else "PUBLISH")
    calendar.add_component(_event(view))
    if view.kind == "RecurringMaster":
        for original in sorted(view.item.exceptions):
            calendar.add_component(_event(View(view.item, original)))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(view: View) -> Event:
    event = Event()
    event.add("uid", view.item.uid)
    event.add("dtstamp", view.item.modified.astimezone(UTC))
    event.add("summary", view.get("Subject", ""))
    event.add("dtstart", _moment(view, view.start))
    event.add("dtend", _moment(view, view.end))
    if view.original is not None:
        event.add("recurrence-id", _moment(view, view.original))
    event.add("class", _CLASSES.get(view.get("Sensitivity", "Normal"), "PUBLIC"))
    event.add("sequence", view.get("AppointmentSequenceNumber", 0))
    event.add("status", "CANCELLED" if view.get("IsCancelled", False) else "CONFIRMED")
    busy = view.get("LegacyFreeBusyStatus", "Busy")
    event.add("transp", "TRANSPARENT" if busy == "Free" else "OPAQUE")
    event.add("x-microsoft-cdo-busystatus", busy.upper())
    _add_texts(event, view)
    _add_people(event, view)
    _add_recurrence(event, view)
    return event


def _moment(view: View, moment: datetime) -> Any:
    """A whole day is a date."""
    at = moment.astimezone(view.item.zone.rules)
    return at.date() if view.get("IsAllDayEvent", False) else at


def _add_texts(event: Event, view: View) -> None:
    kind, text = view.get("Body", ("Text", ""))
    plain = as_text(text) if kind == "HTML" else text
    for name, value in (("description", plain), ("location", view.get("Location"))):
        if value:
            event.add(name, value)
    if view.get("Categories"):
        event.add("categories", list(view.get("Categories")))


def _add_people(event: Event, view: View) -> None:
    organizer = view.get("Organizer")
    if organizer is None or not view.guests():
        return
    event.add("organizer", _address(organizer[0], organizer[1]))
    for role, told in _ROLES.items():
        for guest in view.get(role, ()):
            event.add("attendee", _guest(guest, told))


def _guest(guest: Attendee, role: str) -> vCalAddress:
    address = _address(guest.email, guest.name)
    address.params["ROLE"] = role
    address.params["PARTSTAT"] = _ANSWERS.get(guest.response, "NEEDS-ACTION")
    address.params["RSVP"] = "TRUE"
    return address


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"MAILTO:{email}")
    address.params["CN"] = name
    return address


def _add_recurrence(event: Event, view: View) -> None:
    recurrence: Recurrence | None = view.item.recurrence
    if view.kind != "RecurringMaster" or recurrence is None:
        return
    event.add("rrule", rule_parts(recurrence, view.start))
    for original in sorted(view.item.deletions):
        event.add("exdate", _moment(view, original))
