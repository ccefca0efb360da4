"""What a person does to the events of their calendar, the same words for each provider, and what is to be seen there.

The one rule: hands act and look past the service: by the sandbox's control, or as another program of the person's.
"""

import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, Literal, Protocol, TypedDict, Unpack
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import httpx

from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.support.hands import ExchangeHands, GoogleHands, Hands, MicrosoftHands, Span, instant, of_graph
from tests.support.people import Person

Answer = Literal["accepted", "tentative", "declined"]


class Said(TypedDict, total=False):
    """What a person says of an event; what is left out is not said."""

    title: str
    start: datetime
    minutes: int
    """60, unless said."""
    text: str
    place: str
    guests: Sequence[str]
    """All of them."""
    private: bool
    days: int
    """It is a series, on so many days in a row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A single event, as its owner sees it."""

    id: str
    title: str
    span: Span
    place: str
    guests: Mapping[str, str]
    """What each has answered: `accepted`, `tentative`, `declined`, `needs_action`."""


class CalendarHands(Hands, Protocol):
    """A person's hands in a calendar at one provider."""

    async def put(self, person: Person, **said: Unpack[Said]) -> str:
        """The person makes an event, and its guests are invited; its id."""

    async def change(self, person: Person, event_id: str, **said: Unpack[Said]) -> None:
        """The person changes an event, a series, or a date of one, and its guests are told."""

    async def delete(self, person: Person, event_id: str) -> None:
        """The person deletes an event, a series, or a date of one, and its guests are told."""

    async def copy(self, person: Person, event_id: str, *, start: datetime) -> str:
        """The person copies an event and puts it at another time, with all that programs marked it with."""

    async def drag(self, person: Person, event_id: str) -> None:
        """The person moves an event to another calendar of theirs, which is made for it."""

    async def answer(self, person: Person, event_id: str, guest: str, answer: Answer) -> None:
        """A guest from elsewhere answers."""

    async def receive(self, person: Person, organizer: str, **said: Unpack[Said]) -> None:
        """Somebody invites the person."""

    async def look(self, person: Person) -> list[Seen]:
        """The single events of the next months."""

    async def dates(self, person: Person, series_id: str) -> list[str]:
        """The ids of the dates of a series that nobody has touched, the earliest first."""

    async def text(self, person: Person, event_id: str) -> str:
        """What an event says."""

    async def our_writes(self, person: Person) -> list[str]:
        """What applications did to the person's calendar: `insert`, `update`, `delete`."""

    async def mails(self, person: Person) -> list[tuple[str, str]]:
        """What the provider has mailed to guests in the person's name: to whom, and `invitation` or what it was."""

    async def lose_next_answer(self, person: Person) -> None:
        """The next event of an application is made and its guests are invited, and what answered that is lost."""


class GoogleCalendarHands(GoogleHands):
    """See `CalendarHands`."""

    async def put(self, person: Person, **said: Unpack[Said]) -> str:
        event = {"summary": "By hand"} | _google(said, person)
        return str((await self.sandbox.insert_google_event(person.email, event))["id"])

    async def change(self, person: Person, event_id: str, **said: Unpack[Said]) -> None:
        await self.sandbox.patch_google_event(person.email, event_id, _google(said, person))

    async def delete(self, person: Person, event_id: str) -> None:
        await self.sandbox.delete_google_event(person.email, event_id)

    async def copy(self, person: Person, event_id: str, *, start: datetime) -> str:
        event = next(item for item in await self.sandbox.google_events(person.email) if item["id"] == event_id)
        copied: dict[str, Any] = {name: event[name] for name in ("summary", "extendedProperties") if name in event}
        copied |= _google({"start": start, "minutes": 30}, person)
        return str((await self.sandbox.insert_google_event(person.email, copied))["id"])

    async def drag(self, person: Person, event_id: str) -> None:
        other = await self.sandbox.google_calendar(person.email, "Work")
        await self.sandbox.move_google_event(person.email, event_id, to=other["id"])

    async def answer(self, person: Person, event_id: str, guest: str, answer: Answer) -> None:
        await self.sandbox.answer_google_invitation(person.email, event_id, attendee=guest, response=answer)

    async def receive(self, person: Person, organizer: str, **said: Unpack[Said]) -> None:
        await self.sandbox.google_account(organizer)
        event = _google({"guests": [person.email], **said}, person)
        await self.sandbox.insert_google_event(organizer, event)

    async def look(self, person: Person) -> list[Seen]:
        return [
            Seen(
                item["id"],
                item.get("summary", ""),
                (instant(item["start"]["dateTime"]), instant(item["end"]["dateTime"])),
                item.get("location", ""),
                {
                    guest["email"]: _SNAKE.get(guest["responseStatus"], guest["responseStatus"])
                    for guest in item.get("attendees", [])
                    if not guest.get("organizer")
                },
            )
            for item in await self.sandbox.google_events(person.email)
            if "recurrence" not in item and "recurringEventId" not in item
        ]

    async def dates(self, person: Person, series_id: str) -> list[str]:
        """Google names a date by its series and its start."""
        [series] = [item for item in await self.sandbox.google_events(person.email) if item["id"] == series_id]
        count = int(series["recurrence"][0].rpartition("=")[2])
        first = datetime.fromisoformat(series["start"]["dateTime"]).astimezone(ZoneInfo(person.time_zone))
        starts = ((first + timedelta(days=day)).astimezone(UTC) for day in range(count))
        return [f"{series_id}_{start:%Y%m%dT%H%M%SZ}" for start in starts]

    async def text(self, person: Person, event_id: str) -> str:
        found = next(item for item in await self.sandbox.google_events(person.email) if item["id"] == event_id)
        return unescape(found.get("description", ""))

    async def our_writes(self, person: Person) -> list[str]:
        return _operations(await self.sandbox.google_ledger(account=person.email, actor="api"))

    async def mails(self, person: Person) -> list[tuple[str, str]]:
        return _mailed(await self.sandbox.google_outbox(), person)

    async def lose_next_answer(self, person: Person) -> None:
        await self.sandbox.add_google_fault("lost_after_commit", account=person.email, method="POST", path="/events$")


class MicrosoftCalendarHands(MicrosoftHands):
    """See `CalendarHands`."""

    async def put(self, person: Person, **said: Unpack[Said]) -> str:
        event = {"subject": "By hand"} | _graph(said, person)
        return str((await self.sandbox.microsoft.create_event(person.email, event))["id"])

    async def change(self, person: Person, event_id: str, **said: Unpack[Said]) -> None:
        await self.sandbox.microsoft.edit_event(person.email, event_id, _graph(said, person))

    async def delete(self, person: Person, event_id: str) -> None:
        await self.sandbox.microsoft.delete_event(person.email, event_id)

    async def copy(self, person: Person, event_id: str, *, start: datetime) -> str:
        moved = _graph({"start": start, "minutes": 30}, person)
        return str((await self.sandbox.microsoft.copy_event(person.email, event_id, moved))["id"])

    async def drag(self, person: Person, event_id: str) -> None:
        other = await self.sandbox.microsoft.calendar(person.email, "Work")
        await self.sandbox.microsoft.move_event(person.email, event_id, to=other["id"])

    async def answer(self, person: Person, event_id: str, guest: str, answer: Answer) -> None:
        response = "tentativelyAccepted" if answer == "tentative" else answer
        await self.sandbox.microsoft.answer_invitation(person.email, event_id, attendee=guest, response=response)

    async def receive(self, person: Person, organizer: str, **said: Unpack[Said]) -> None:
        event = _graph({"guests": [person.email], **said}, person)
        event["organizer"] = {"emailAddress": {"address": organizer}}
        await self.sandbox.microsoft.create_event(person.email, event)

    async def look(self, person: Person) -> list[Seen]:
        start, end = _months()
        return [
            Seen(
                item["id"],
                item["subject"],
                (of_graph(item["start"]), of_graph(item["end"])),
                item["location"].get("displayName", ""),
                {
                    guest["emailAddress"]["address"]: _SNAKE.get(answer := guest["status"]["response"], answer)
                    for guest in item["attendees"]
                },
            )
            for item in await self.sandbox.microsoft.view(person.email, start=start, end=end)
            if item["type"] == "singleInstance"
        ]

    async def dates(self, person: Person, series_id: str) -> list[str]:
        start, end = _months()
        listed = await self.sandbox.microsoft.view(person.email, start=start, end=end)
        return [item["id"] for item in listed if item["seriesMasterId"] == series_id]

    async def text(self, person: Person, event_id: str) -> str:
        """Outlook keeps it as a page."""
        body = (await self.sandbox.microsoft.event(person.email, event_id))["body"]["content"]
        found = re.search("<div>(.*)</div>", body, re.DOTALL)
        assert found is not None, body
        return _stripped(found[1])

    async def our_writes(self, person: Person) -> list[str]:
        return _operations(await self.sandbox.microsoft.ledger(account=person.email, actor="api"))

    async def mails(self, person: Person) -> list[tuple[str, str]]:
        return _mailed(await self.sandbox.microsoft.outbox(), person)

    async def lose_next_answer(self, person: Person) -> None:
        await self.sandbox.microsoft.add_fault(
            "lost_after_commit", account=person.email, method="POST", path="/events$"
        )


class ExchangeCalendarHands(ExchangeHands):
    """See `CalendarHands`."""

    async def put(self, person: Person, **said: Unpack[Said]) -> str:
        item = {"subject": "By hand"} | _ews(said, person)
        return str((await self.sandbox.exchange.create_item(person.email, item, send=True))["id"])

    async def change(self, person: Person, event_id: str, **said: Unpack[Said]) -> None:
        await self.sandbox.exchange.change_item(person.email, event_id, _ews(said, person), send=True)

    async def delete(self, person: Person, event_id: str) -> None:
        await self.sandbox.exchange.delete_item(person.email, event_id, send=True)

    async def copy(self, person: Person, event_id: str, *, start: datetime) -> str:
        moved = _ews({"start": start, "minutes": 30}, person)
        return str((await self.sandbox.exchange.copy_item(person.email, event_id, moved))["id"])

    async def drag(self, person: Person, event_id: str) -> None:
        other = await self.sandbox.exchange.calendar(person.email, "Work")
        await self.sandbox.exchange.move_item(person.email, event_id, other["id"])

    async def answer(self, person: Person, event_id: str, guest: str, answer: Answer) -> None:
        verb = {"accepted": "Accept", "tentative": "Tentative", "declined": "Decline"}[answer]
        await self.sandbox.exchange.respond(person.email, event_id, verb, attendee=guest)

    async def receive(self, person: Person, organizer: str, **said: Unpack[Said]) -> None:
        item = _ews({"guests": [person.email], **said}, person)
        await self.sandbox.exchange.create_item(person.email, item | {"organizer": organizer})

    async def look(self, person: Person) -> list[Seen]:
        return [
            Seen(
                item["id"],
                item["subject"],
                (instant(item["start"]), instant(item["end"])),
                item["location"] or "",
                {guest["email"]: _SNAKE.get(guest["response"], guest["response"]) for guest in item["attendees"]},
            )
            for item in await self.sandbox.exchange.view(person.email, *_months())
            if item["kind"] == "Single"
        ]

    async def dates(self, person: Person, series_id: str) -> list[str]:
        uid = (await self.sandbox.exchange.item(person.email, series_id))["uid"]
        return [item["id"] for item in await self.sandbox.exchange.view(person.email, *_months()) if item["uid"] == uid]

    async def text(self, person: Person, event_id: str) -> str:
        """As another program of the person's reads it."""
        where = await self.sandbox.addresses()
        tls = ssl.create_default_context(cadata=where["ews_authority_pem"])
        async with httpx.AsyncClient(verify=tls, auth=(person.email, PASSWORD)) as http:
            headers = {"Content-Type": "text/xml; charset=utf-8"}
            answer = await http.post(where["ews_url"], content=_GET_BODY.format(event_id), headers=headers)
        found = ET.fromstring(answer.content).find(f".//{{{_TYPES}}}Body")  # noqa: S314 - our own sandbox's
        assert found is not None, answer.text
        return _stripped(found.text or "")

    async def our_writes(self, person: Person) -> list[str]:
        """In the calendar: what is deleted there is inserted into the bin."""
        shown = await self.sandbox.exchange.show_account(person.email)
        own = {calendar["id"] for calendar in shown["calendars"] if not calendar["in_bin"]}
        ledger = await self.sandbox.exchange.ledger(account=person.email, actor="api")
        return _operations([entry for entry in ledger if entry["calendar"] in own])

    async def mails(self, person: Person) -> list[tuple[str, str]]:
        return _mailed(await self.sandbox.exchange.outbox(), person)

    async def lose_next_answer(self, person: Person) -> None:
        """Exchange is asked twice: an event is made, and then its guests are invited."""
        for operation in ("CreateItem", "UpdateItem"):
            match = {"operation": operation, "account": person.email}
            await self.sandbox.exchange.add_fault("lost_after_commit", match=match)


EVERYWHERE: dict[str, Callable[[Sandbox], CalendarHands]] = {
    "google": GoogleCalendarHands,
    "office365": MicrosoftCalendarHands,
    "exchange": ExchangeCalendarHands,
}

_SNAKE = {
    "needsAction": "needs_action", "none": "needs_action", "notResponded": "needs_action", "Unknown": "needs_action",
    "NoResponseReceived": "needs_action", "tentativelyAccepted": "tentative", "Tentative": "tentative",
    "Accept": "accepted", "Decline": "declined",
}  # fmt: skip
_TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
_GET_BODY = f"""<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{_TYPES}"
    xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
  <s:Header><t:RequestServerVersion Version="Exchange2010_SP2"/></s:Header>
  <s:Body><m:GetItem>
    <m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:BodyType>Text</t:BodyType>
      <t:AdditionalProperties><t:FieldURI FieldURI="item:Body"/></t:AdditionalProperties></m:ItemShape>
    <m:ItemIds><t:ItemId Id="{{}}"/></m:ItemIds>
  </m:GetItem></s:Body>
</s:Envelope>"""


def _google(said: Said, person: Person) -> dict[str, Any]:
    body = _renamed(said, title="summary", text="description", place="location")
    if "start" in said:
        for name, moment in zip(("start", "end"), _times(said), strict=True):
            body[name] = {"dateTime": moment.isoformat(), "timeZone": person.time_zone}
    if "guests" in said:
        body["attendees"] = [{"email": guest} for guest in said["guests"]]
    if "private" in said:
        body["visibility"] = "private" if said["private"] else "default"
    if "days" in said:
        body["recurrence"] = [f"RRULE:FREQ=DAILY;COUNT={said['days']}"]
    return body


def _graph(said: Said, person: Person) -> dict[str, Any]:
    body = _renamed(said, title="subject")
    if "start" in said:
        for name, moment in zip(("start", "end"), _times(said), strict=True):
            wall = moment.astimezone(ZoneInfo(person.time_zone))
            body[name] = {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}", "timeZone": person.time_zone}
    if "text" in said:
        body["body"] = {"contentType": "text", "content": said["text"]}
    if "place" in said:
        body["location"] = {"displayName": said["place"]}
    if "guests" in said:
        body["attendees"] = [{"emailAddress": {"address": guest}, "type": "required"} for guest in said["guests"]]
    if "private" in said:
        body["sensitivity"] = "private" if said["private"] else "normal"
    if "days" in said:
        body["recurrence"] = {
            "pattern": {"type": "daily", "interval": 1},
            "range": {
                "type": "numbered",
                "startDate": said["start"].astimezone(ZoneInfo(person.time_zone)).date().isoformat(),
                "numberOfOccurrences": said["days"],
            },
        }
    return body


def _ews(said: Said, person: Person) -> dict[str, Any]:
    body = _renamed(said, title="subject", text="body", place="location", guests="required")
    if "start" in said:
        for name, moment in zip(("start", "end"), _times(said), strict=True):
            body[name] = moment.isoformat()
        body["zone"] = person.time_zone
    if "private" in said:
        body["sensitivity"] = "Private" if said["private"] else "Normal"
    if "days" in said:
        body["recurrence"] = {"pattern": "DailyRecurrence", "count": said["days"]}
    return body


def _renamed(said: Said, **names: str) -> dict[str, Any]:
    return {names[name]: value for name, value in said.items() if name in names}


def _times(said: Said) -> tuple[datetime, datetime]:
    return said["start"], said["start"] + timedelta(minutes=said.get("minutes", 60))


def _months() -> Span:
    now = datetime.now(UTC)
    return now, now + timedelta(days=90)


def _operations(ledger: list[dict[str, Any]]) -> list[str]:
    return [entry["operation"] for entry in ledger]


def _mailed(outbox: list[dict[str, Any]], person: Person) -> list[tuple[str, str]]:
    return [(mail["to"], mail["kind"]) for mail in outbox if mail["sender"] == person.email]


def _stripped(text: str) -> str:
    """Exchange ends lines its own way, and adds one to every text."""
    return unescape(text).replace("\r\n", "\n").rstrip("\n")
