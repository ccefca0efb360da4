"""A Google whose calendars are canned: `events.list` on its own wire, paged and narrowed as Google does it.

The one rule: an answer is put together from rows made before, so that the server is never what is waited for.

`fields`, `maxResults`, `pageToken` and `syncToken` are obeyed; a token is a number. Nothing else is served.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec

from bench.canned_events import ZONE, CannedChange, CannedEvent, Person, changes, person, size_of
from bench.canned_rows import Asked, Reply, Rows

ROOT: Final = "/calendar/v3"
_EVENTS: Final = re.compile(rf"{ROOT}/calendars/([^/]+)/events")
_MOST: Final = 2500
_USUAL: Final = 250
_ANSWERS: Final = ("accepted", "accepted", "needsAction", "tentative", "declined")

Mask = Mapping[str, "Mask"]
"""The members of an object that are asked for, each with those of its own; none: all of them."""


class CannedGoogle:
    """Answers requests."""

    def __init__(self, first: date) -> None:
        self._first = first
        self._rows: dict[str, Rows] = {}

    def answer(self, asked: Asked) -> Reply:
        """A page, or 404."""
        found = _EVENTS.fullmatch(asked.path)
        if found is None:
            return Reply(404, b"{}")
        calendar, fields = unquote(found[1]), asked.query.get("fields", "items")
        size = size_of(calendar)
        if (token := asked.query.get("syncToken")) is not None:
            after = int(token)
            told = [row(change, read_mask(fields).get("items", {})) for change in changes(size, after, self._first)]
            return Reply(200, _page(told, ("nextSyncToken", after + 1)), len(told), calendar, listing=False)
        begin = int(asked.query.get("pageToken", 0))
        end = min(size, begin + min(_MOST, int(asked.query.get("maxResults", _USUAL))))
        following = ("nextSyncToken", 0) if end == size else ("nextPageToken", end)
        return Reply(
            200, _page(self._rows_of(fields).part(begin, end), following), end - begin, calendar, begins=begin == 0
        )

    def _rows_of(self, fields: str) -> Rows:
        """The rows with these fields only, made once."""
        known = self._rows.get(fields)
        if known is None:
            mask = read_mask(fields).get("items", {})
            known = self._rows[fields] = Rows(partial(_listed, mask=mask, first=self._first))
        return known


def key(event: CannedEvent) -> tuple[str, str]:
    """The id and the etag."""
    return f"{event.number:05d}l{event.number * 7919:020d}", f'"{3_500_000_000_000_000 + event.moved}"'


def row(change: CannedChange, mask: Mask) -> bytes:
    """An event as it stands in a listing."""
    resource = _removed(change.event) if change.removed else _resource(change.event)
    return msgspec.json.encode(_masked(resource, mask))


def _listed(number: int, *, mask: Mask, first: date) -> bytes:
    return row(CannedChange(CannedEvent(number, 0, first), removed=False), mask)


@lru_cache(maxsize=64)
def read_mask(fields: str) -> Mask:
    """Google's `fields`: names, each perhaps with its own in brackets."""
    mask: dict[str, Mask] = {}
    open_masks, last = [mask], ""
    for token in re.findall(r"[\w@*]+|[(),/]", fields):
        if token == "(":
            inner: dict[str, Mask] = {}
            open_masks[-1][last] = inner
            open_masks.append(inner)
        elif token == ")":
            open_masks.pop()
        elif token != ",":
            last = token
            open_masks[-1][last] = {}
    return mask


def _page(rows: list[bytes], following: tuple[str, int]) -> bytes:
    name, token = following
    head = f'{{"kind":"calendar#events","timeZone":"{ZONE}","{name}":"{token}","items":['
    return b"".join((head.encode(), b",".join(rows), b"]}"))


def _masked(value: Any, mask: Mask) -> Any:
    if not mask:
        return value
    if isinstance(value, list):
        return [_masked(each, mask) for each in value]
    return {name: _masked(value[name], mask[name]) for name in value if name in mask}


def _removed(event: CannedEvent) -> dict[str, Any]:
    name, etag = key(event)
    return {"kind": "calendar#event", "etag": etag, "id": name, "status": "cancelled"}


def _resource(event: CannedEvent) -> dict[str, Any]:
    name, etag = key(event)
    owner = person(0)
    resource: dict[str, Any] = {
        "kind": "calendar#event",
        "etag": etag,
        "id": name,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={name}",
        "created": "2026-01-07T08:00:00.000Z",
        "updated": event.changed_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "summary": event.subject,
        "description": "An agenda, a link, and whom to call. " * 8,
        "creator": {"email": owner.email, "self": True},
        "organizer": {"email": owner.email, "displayName": owner.name, "self": True},
        "start": _time(event, "start"),
        "end": _time(event, "end"),
        "iCalUID": f"{name}@google.com",
        "sequence": event.moved,
        "reminders": {"useDefault": True},
        "eventType": "default",
    }
    if event.place is not None:
        resource["location"] = event.place
    if event.guests:
        resource["attendees"] = [_guest(event, guest, place) for place, guest in enumerate(event.guests)]
    if event.is_online:
        resource |= _meeting(event)
    return resource


def _time(event: CannedEvent, name: str) -> dict[str, str]:
    instant = event.start if name == "start" else event.end
    return {"dateTime": instant.astimezone(ZoneInfo(ZONE)).isoformat(), "timeZone": ZONE}


def _guest(event: CannedEvent, guest: Person, place: int) -> dict[str, Any]:
    answer = _ANSWERS[(event.number + place) % len(_ANSWERS)]
    return {"email": guest.email, "displayName": guest.name, "responseStatus": answer}


def _meeting(event: CannedEvent) -> dict[str, Any]:
    code = f"abc-{event.number:04d}-xyz"
    uri = f"https://meet.google.com/{code}"
    phone = {"entryPointType": "phone", "uri": "tel:+46-8-555-0100", "label": "+46 8 555 01 00", "pin": "123456789"}
    conference = {
        "entryPoints": [{"entryPointType": "video", "uri": uri, "label": uri}, phone],
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "conferenceId": code,
    }
    return {"hangoutLink": uri, "conferenceData": conference}
