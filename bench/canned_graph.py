"""An Office 365 whose calendars are canned: `calendarView/delta` on Microsoft Graph's own wire.

The one rule: an answer is put together from rows made before, so that the server is never what is waited for.

`odata.maxpagesize` is obeyed and links are whole, as Graph's are; a token in them is a number. A delta tells whole
events, texts included, and does not let itself be narrowed. Nothing else is served.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from bench.canned_events import CannedChange, CannedEvent, Person, changes, person, size_of
from bench.canned_rows import Asked, Reply, Rows

ROOT: Final = "/v1.0"
_DELTA: Final = re.compile(rf"{ROOT}/me/calendars/([^/]+)/calendarView/delta")
_PAGE_SIZE: Final = re.compile(r"odata\.maxpagesize=(\d+)")
_USUAL: Final = 10
_ANSWERS: Final = ("accepted", "accepted", "none", "tentativelyAccepted", "declined")
_NEVER: Final = "0001-01-01T00:00:00Z"
_ID_HEAD: Final = bytes.fromhex("0009002e00000000001d840311aa6611cd9bc800aa002f845a0d00")
_AGENDA: Final = "Agenda: where we stand, what keeps us, and who does what until we meet again.\r\n"
_JOIN: Final = (
    "________________________________________________________________________________\r\nMicrosoft Teams meeting\r\n"
    "Join on your computer, mobile app or room device\r\nClick here to join the meeting<{url}>\r\nMeeting ID: 300 000 "
    "000 {number:05d}\r\nPasscode: aBcDeF\r\nOr call in (audio only)\r\n+46 8 555 01 00,,{number:09d}#   Sweden, "
    "Stockholm\r\nPhone Conference ID: {number:09d}#\r\nFind a local number | Reset PIN | Meeting options\r\n"
    "________________________________________________________________________________\r\n"
)

_ALWAYS: Final[Mapping[str, Any]] = {
    "@odata.type": "#microsoft.graph.event",
    "categories": [],
    "transactionId": None,
    "originalStartTimeZone": "W. Europe Standard Time",
    "originalEndTimeZone": "W. Europe Standard Time",
    "reminderMinutesBeforeStart": 15,
    "isReminderOn": True,
    "hasAttachments": False,
    "importance": "normal",
    "sensitivity": "normal",
    "isAllDay": False,
    "isCancelled": False,
    "isOrganizer": True,
    "responseRequested": True,
    "seriesMasterId": None,
    "showAs": "busy",
    "type": "singleInstance",
    "onlineMeetingUrl": None,
    "allowNewTimeProposals": True,
    "occurrenceId": None,
    "isDraft": False,
    "hideAttendees": False,
    "recurrence": None,
    "createdDateTime": "2026-01-07T08:00:00.0000000Z",
    "responseStatus": {"response": "organizer", "time": _NEVER},
}
"""What all these events have in common."""


class CannedGraph:
    """Answers requests."""

    def __init__(self, first: date, root: str) -> None:
        """`root` is where we are reached: links begin with it."""
        self._first = first
        self._root = root
        self._rows = Rows(lambda number: row(CannedChange(CannedEvent(number, 0, first), removed=False)))

    def answer(self, asked: Asked) -> Reply:
        """A page, or 404."""
        found = _DELTA.fullmatch(asked.path)
        if found is None:
            return Reply(404, b"{}")
        calendar, query = unquote(found[1]), asked.query
        size, here = size_of(calendar), f"{self._root}{asked.path}"
        if (token := query.get("$deltatoken")) is not None:
            after = int(token)
            told = [row(change) for change in changes(size, after, self._first)]
            return Reply(
                200, _page(told, "delta", f"{here}?$deltatoken={after + 1}"), len(told), calendar, listing=False
            )
        begin = int(query.get("$skiptoken", 0))
        wanted = _PAGE_SIZE.search(asked.headers.get("prefer", ""))
        end = min(size, begin + (int(wanted[1]) if wanted else _USUAL))
        kind, link = ("delta", f"{here}?$deltatoken=0") if end == size else ("next", f"{here}?$skiptoken={end}")
        return Reply(200, _page(self._rows.part(begin, end), kind, link), end - begin, calendar, begins=begin == 0)


def key(event: CannedEvent) -> tuple[str, str]:
    """The id and the etag."""
    token = hashlib.sha256(f"item {event.number}".encode()).digest()[:16]
    name = base64.urlsafe_b64encode(_ID_HEAD + bytes(16) + b"\x00\x46" + bytes(6) + token + bytes(46)).decode()
    return name, f'W/"{_change_key(event)}"'


def row(change: CannedChange) -> bytes:
    """An event as a delta tells it."""
    if change.removed:
        removed = {"@odata.type": "#microsoft.graph.event", "id": key(change.event)[0]}
        return msgspec.json.encode(removed | {"@removed": {"reason": "deleted"}})
    return msgspec.json.encode(_resource(change.event))


def _page(rows: list[bytes], kind: str, link: str) -> bytes:
    head = b'{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Collection(event)","value":['
    return b"".join((head, b",".join(rows), f'],"@odata.{kind}Link":"{link}"}}'.encode()))


def _resource(event: CannedEvent) -> dict[str, Any]:
    name, etag = key(event)
    text = _text(event)
    return {
        **_ALWAYS,
        "@odata.etag": etag,
        "lastModifiedDateTime": event.changed_at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "changeKey": _change_key(event),
        "iCalUId": f"040000008200E00074C5B7101A82E008{event.number:080d}",
        "uid": f"040000008200E00074C5B7101A82E008{event.number:080d}",
        "subject": event.subject,
        "bodyPreview": text[:255],
        "webLink": f"https://outlook.office365.com/owa/?itemid={name}&exvsurl=1&path=/calendar/item",
        "isOnlineMeeting": event.is_online,
        "onlineMeetingProvider": "teamsForBusiness" if event.is_online else "unknown",
        "id": name,
        "body": {"contentType": "text", "content": text},
        "start": _time(event.start),
        "end": _time(event.end),
        "location": _place(event),
        "locations": [_place(event)] if event.place else [],
        "attendees": [_guest(event, guest, place) for place, guest in enumerate(event.guests)],
        "organizer": {"emailAddress": _address(person(0))},
        "onlineMeeting": {"joinUrl": _join_url(event)} if event.is_online else None,
    }


def _text(event: CannedEvent) -> str:
    join = _JOIN.format(url=_join_url(event), number=event.number) if event.is_online else ""
    return f"{_AGENDA * (event.number % 7)}{join}"


def _join_url(event: CannedEvent) -> str:
    return f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{event.number:048d}%40thread.v2/0?context=%7b%7d"


def _time(instant: datetime) -> dict[str, str]:
    return {"dateTime": instant.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}


def _place(event: CannedEvent) -> dict[str, Any]:
    kinds = {"locationType": "default", "uniqueIdType": "private" if event.place else "unknown"}
    return {"displayName": event.place or "", **kinds, "address": {}, "coordinates": {}}


def _guest(event: CannedEvent, guest: Person, place: int) -> dict[str, Any]:
    answer = _ANSWERS[(event.number + place) % len(_ANSWERS)]
    return {
        "type": "required" if place < 4 else "optional",
        "status": {"response": answer, "time": _NEVER},
        "emailAddress": _address(guest),
    }


def _address(known: Person) -> dict[str, str]:
    return {"name": known.name, "address": known.email}


def _change_key(event: CannedEvent) -> str:
    return base64.b64encode(hashlib.sha256(f"{event.number} {event.moved}".encode()).digest()[:22]).decode()
