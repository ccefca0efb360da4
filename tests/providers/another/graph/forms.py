"""How things are told: Graph's JSON in every form its documentation leaves open, by a seeded die.

The one rule: whatever the die does, the answer is one that Graph's documentation allows.
"""

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.providers.another.graph.mailbox import Item, person

ZONES = {
    "UTC": "UTC",
    "W. Europe Standard Time": "Europe/Berlin",
    "Pacific Standard Time": "America/Los_Angeles",
    "India Standard Time": "Asia/Kolkata",
    "West Asia Standard Time": "Asia/Tashkent",
    "Europe/Berlin": "Europe/Berlin",
    "Asia/Kolkata": "Asia/Kolkata",
    "Etc/GMT": "UTC",
}
"""Zones that may be asked for: names of Windows, and some of the others `dateTimeTimeZone` lists."""

_DEFAULTS: dict[str, Any] = {
    "allowNewTimeProposals": True,
    "attendees": [],
    "body": {"contentType": "html", "content": ""},
    "bodyPreview": "",
    "categories": [],
    "hasAttachments": False,
    "hideAttendees": False,
    "importance": "normal",
    "isAllDay": False,
    "isCancelled": False,
    "isDraft": False,
    "isOnlineMeeting": False,
    "isOrganizer": True,
    "isReminderOn": True,
    "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}},
    "locations": [],
    "onlineMeeting": None,
    "onlineMeetingProvider": "unknown",
    "onlineMeetingUrl": None,
    "organizer": None,
    "originalEndTimeZone": "W. Europe Standard Time",
    "originalStartTimeZone": "W. Europe Standard Time",
    "recurrence": None,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
    "sensitivity": "normal",
    "seriesMasterId": None,
    "showAs": "busy",
    "subject": "",
    "webLink": "https://outlook.office365.com/owa/?itemid=x&exvsurl=1&path=/calendar/item",
}
EVENT_MEMBERS = frozenset(_DEFAULTS) | {
    *("id", "iCalUId", "changeKey", "createdDateTime", "lastModifiedDateTime", "start", "end", "type", "originalStart"),
    *("transactionId", "occurrenceId", "uid", "cancelledOccurrences"),
}
_MAY_BE_MISSING = frozenset(
    {
        *("onlineMeeting", "onlineMeetingUrl", "recurrence", "seriesMasterId", "locations", "categories"),
        *("bodyPreview", "isDraft", "hideAttendees", "webLink", "importance", "allowNewTimeProposals"),
        *("originalStartTimeZone", "originalEndTimeZone", "createdDateTime", "hasAttachments"),
    }
)
_STRANGE = {
    "@odata.type": "#microsoft.graph.event",
    "calendar@odata.navigationLink": "https://graph.microsoft.com/v1.0/users('x')/calendars('y')",
    "sensitivityLabel": {"id": "7c5b", "nested": [{"deep": None}]},
    "exceptionOccurrences": [],
}


class Forms:
    """Tells items."""

    def __init__(self, die: Random, address: str) -> None:
        self._die = die
        self._defaults = _DEFAULTS | {"organizer": person(address, "Zoë O'Brien")}

    def event(self, item: Item, master: Item | None, wish: "Wish") -> dict[str, Any]:
        """An event as it is told to who wished for it so."""
        told = self._defaults | (master.members if master else {}) | item.members
        if item.master:
            told |= {"seriesMasterId": wish.id(item.master), "recurrence": None, "occurrenceId": f"OID.{item.id}"}
        told |= self._stamps(item)
        told |= {"start": self.moment(item.start, wish.zone), "end": self.moment(item.end, wish.zone)}
        if told["isAllDay"]:
            told |= {"start": _midnight(item.start, wish.zone), "end": _midnight(item.end, wish.zone)}
        told |= {"id": wish.id(item.id), "type": item.type, "attendees": self._attendees(told["attendees"])}
        if wish.text:
            told["body"] = {"contentType": "text", "content": _plain(told["body"]["content"])}
        told = {word: value for word, value in told.items() if not self._left_out(word, value)}
        if wish.select:
            told = {word: value for word, value in told.items() if word in wish.select}
        else:
            told |= {word: _STRANGE[word] for word in _STRANGE if self._die.random() < 0.5}
        return self.shuffled(told | {"id": wish.id(item.id), "@odata.etag": etag(item)})

    def stub(self, item: Item, wish: "Wish") -> dict[str, Any]:
        """A date of a series in change tracking: when it is, and of which series."""
        times = {"start": self.moment(item.start, wish.zone), "end": self.moment(item.end, wish.zone)}
        assert item.master
        ids = {"id": wish.id(item.id), "seriesMasterId": wish.id(item.master), "type": "occurrence"}
        return self.shuffled({"@odata.type": "#microsoft.graph.event", "@odata.etag": etag(item), **ids, **times})

    def gone(self, item_id: str, wish: "Wish") -> dict[str, Any]:
        """Something that is not, or not any more, among what is tracked."""
        reason = {"reason": self._die.choice(("deleted", "changed"))}
        return self.shuffled(
            {
                "@odata.type": "#microsoft.graph.event",
                "id": wish.id(item_id),
                "@removed": self._die.choice((reason, {})),
            }
        )

    def moment(self, moment: datetime, zone: str) -> dict[str, str]:
        """A `dateTimeTimeZone`: with seven digits after the point as the samples have it, or fewer, or none."""
        local = moment.astimezone(ZoneInfo(ZONES[zone])).replace(tzinfo=None)
        digits = self._die.choice((".0000000", ".0000000", ".000", ""))
        return self.shuffled({"dateTime": local.isoformat(timespec="seconds") + digits, "timeZone": zone})

    def shuffled(self, told: dict[str, Any]) -> dict[str, Any]:
        """JSON objects have no order."""
        words = list(told)
        self._die.shuffle(words)
        return {word: told[word] for word in words}

    def _attendees(self, attendees: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        answered = {"status": {"response": "none", "time": "0001-01-01T00:00:00Z"}, "type": "required"}
        return [self.shuffled(answered | attendee) for attendee in attendees]

    def _left_out(self, word: str, value: Any) -> bool:
        return word in _MAY_BE_MISSING and value in (None, [], "", False, "normal") and self._die.random() < 0.5

    def _stamps(self, item: Item) -> dict[str, Any]:
        changed = datetime(2026, 3, 1, 9, 0, item.version % 60, 561970, tzinfo=UTC)
        stamp = self._die.choice((changed.isoformat(), changed.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")))
        return {
            "changeKey": _change_key(item),
            "iCalUId": f"040000008200E00074C5B7101A82E008{item.id}",
            "lastModifiedDateTime": stamp,
            "createdDateTime": stamp,
        }


class Wish:
    """What the headers and the query of a request say of the form of its answer."""

    def __init__(self, prefer: dict[str, str], select: frozenset[str], expand: frozenset[str]) -> None:
        self.zone = prefer.get("outlook.timezone", "UTC")
        self.immutable = prefer.get("idtype") == "ImmutableId"
        self.text = prefer.get("outlook.body-content-type") == "text"
        self.page = int(prefer.get("odata.maxpagesize", 10))
        self.select = select
        self.expand = expand
        """Ids of extended properties, in small letters."""

    def id(self, item_id: str) -> str:
        """An event has two names: who does not ask for the one that stays gets the one that does not."""
        return item_id if self.immutable else f"mutable-{item_id}"


def etag(item: Item) -> str:
    """Of the version that stands there."""
    return f'W/"{_change_key(item)}"'


def _change_key(item: Item) -> str:
    return f"EZ9r3czxY0m2/+{item.version:04}Q=="


def _midnight(moment: datetime, zone: str) -> dict[str, str]:
    """An event that lasts whole days is at midnight in whatever zone is asked for."""
    return {"dateTime": f"{moment.date().isoformat()}T00:00:00.0000000", "timeZone": zone}


def _plain(page: str) -> str:
    """A page of HTML as text: line breaks are where it has them, and one at the end."""
    text = re.sub(r"<head>.*?</head>|\r\n", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br>|</p>", "\r\n", text))) + "\r\n"
