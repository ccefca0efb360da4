"""Calendars of another Google: what stands in them, what changed since, and how a series expands.

The one rule: written from Google's reference and from RFC 5545 by a library; ids and tokens mean nothing to anybody.
"""

import base64
import hashlib
import itertools
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

Json = dict[str, Any]
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)
OWN = ("transparency", "reminders", "colorId")
"""What everybody's copy of an event has for itself."""
ticks = itertools.count(1)


@dataclass
class Calendar:
    """A calendar, and who may do what with it."""

    id: str
    name: str
    zone: str
    owner: str
    roles: dict[str, str]
    description: str | None = None
    deleted: bool = False
    can_push: bool = True
    events: dict[str, Json] = field(default_factory=dict)
    """As stored: complete, and without `self`, which depends on whose copy it is."""
    changed: dict[str, int] = field(default_factory=dict)
    expired_before: int = 0
    """Sync tokens older than this are gone."""

    def put(self, event: Json) -> None:
        """Store an event as it is now."""
        tick = next(ticks)
        event["etag"] = f'"{3_000_000_000_000_000 + tick * 7}"'
        event["updated"] = stamp(datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=tick))
        self.events[event["id"]] = event
        self.changed[event["id"]] = tick

    def forget(self, event_id: str) -> None:
        """Drop an event without a trace: an exception whose series is no more."""
        del self.events[event_id]
        self.changed.pop(event_id, None)

    def exceptions(self, series_id: str) -> list[Json]:
        return [event for event in self.events.values() if event.get("recurringEventId") == series_id]

    def live(self) -> list[Json]:
        """What was not deleted, series by their master."""
        return [
            event
            for event in self.events.values()
            if event["status"] != "cancelled" and "recurringEventId" not in event
        ]

    def instances(self, master: Json) -> Iterator[Json]:
        """Every date of a series, the changed ones as changed, the cancelled ones as cancelled."""
        changed = {instant(event["originalStartTime"], self.zone): event for event in self.exceptions(master["id"])}
        for original in dates(master, self.zone):
            yield changed.get(instant(original, self.zone)) or _date_of(master, original, self.zone)

    def find(self, event_id: str) -> Json | None:
        """An event, a series, or a date of one, changed or not."""
        if event_id in self.events:
            return self.events[event_id]
        masters = [
            event for event in self.events.values() if event.get("recurrence") and event["status"] != "cancelled"
        ]
        return next((date for master in masters for date in self.instances(master) if date["id"] == event_id), None)

    def expanded(self) -> Iterator[Json]:
        """All events with series as their dates, cancelled ones left out."""
        for event in self.live():
            for one in self.instances(event) if event.get("recurrence") else [event]:
                if one["status"] != "cancelled":
                    yield one


def dates(master: Json, zone: str) -> list[Json]:
    """The starts of a series, in its own zone's wall time (RFC 5545 3.8.5)."""
    start = master["start"]
    lines = "\n".join(master["recurrence"])
    if "date" in start:
        first = datetime.combine(date.fromisoformat(start["date"]), time())
        rules = rrulestr(lines, dtstart=first, forceset=True)
        return [{"date": found.date().isoformat()} for found in itertools.islice(rules, 400)]
    home = ZoneInfo(start.get("timeZone") or zone)
    first = datetime.fromisoformat(start["dateTime"]).astimezone(home)
    rules = rrulestr(lines, dtstart=first, forceset=True)
    found = itertools.takewhile(lambda moment: moment < FOREVER, itertools.islice(rules, 400))
    return [{"dateTime": moment.isoformat(), "timeZone": home.key} for moment in found]


def _date_of(master: Json, original: Json, zone: str) -> Json:
    length = instant(master["end"], zone) - instant(master["start"], zone)
    mark = hashlib.sha256(f"{master['id']} {instant(original, zone)}".encode()).hexdigest()[:20]
    one = {name: deepcopy(value) for name, value in master.items() if name != "recurrence"}
    return one | {
        "id": f"x{mark}_{master['id'][:6]}",
        "recurringEventId": master["id"],
        "originalStartTime": original,
        "start": original,
        "end": _later(original, length),
        "etag": master["etag"][:-1] + mark[:4] + '"',
    }


def _later(start: Json, length: timedelta) -> Json:
    if "date" in start:
        return {"date": (date.fromisoformat(start["date"]) + length).isoformat()}
    end = datetime.fromisoformat(start["dateTime"]).astimezone(UTC) + length
    return {"dateTime": end.astimezone(ZoneInfo(start["timeZone"])).isoformat(), "timeZone": start["timeZone"]}


def instant(bound: Json, zone: str) -> datetime:
    """When a start or an end is; whole days begin at midnight in the calendar's zone."""
    if "date" in bound:
        return datetime.combine(date.fromisoformat(bound["date"]), time(), ZoneInfo(zone)).astimezone(UTC)
    moment = datetime.fromisoformat(bound["dateTime"])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(bound["timeZone"]))
    return moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """As `created` and `updated` are told."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def opaque(chance: random.Random, text: str) -> str:
    """A token that only we can read, with every character that a URL minds."""
    return base64.b64encode(text.encode()).decode() + chance.choice((" +/=", "==%2F", "&a=b", "+é"))


def opened(token: str) -> str:
    """What `opaque` hid. Raises ValueError for what it never made."""
    for tail in (" +/=", "==%2F", "&a=b", "+é"):
        if token.endswith(tail):
            return base64.b64decode(token.removesuffix(tail), validate=True).decode()
    raise ValueError(token)
