"""Events on their way in and out of another Google: what may be sent, and in which of the allowed forms it comes back.

The one rule: what the reference calls optional is there or not by chance; what it does not name is there as well.
"""

import random
import re
from collections.abc import Collection
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.providers.another.google.calendars import Calendar, instant
from tests.providers.another.google.refusals import invalid

Json = dict[str, Any]
_ID = re.compile(r"[a-v0-9]{5,1024}")
_ADDRESS = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+")
_DEFAULTS = {"transparency": "opaque", "visibility": "default", "eventType": "default", "sequence": 0}
"""Members whose absence says the same."""
_DECORATION = ("kind", "htmlLink", "created", "creator", "reminders", "sequence")
_RULE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)[:;]")


def check_event(event: Json, *, known: Collection[str | None] = ()) -> None:
    """What the reference asks of a whole event; guests that are known need no address. Raises: Refused."""
    for bound in ("start", "end"):
        _check_bound(event.get(bound), bound, recurring=bool(event.get("recurrence")))
    if instant(event["end"], "UTC") < instant(event["start"], "UTC") or ("date" in event["start"]) != (
        "date" in event["end"]
    ):
        raise invalid("The specified time range is empty.", "timeRangeEmpty", domain="calendar")
    for guest in event.get("attendees", ()):
        if guest.get("id") not in known and not _ADDRESS.fullmatch(guest.get("email", "")):
            raise invalid("Invalid attendee email.")
    for line in event.get("recurrence", ()):
        if not _RULE.match(line):
            raise invalid("Invalid recurrence rule.")
    for properties in event.get("extendedProperties", {}).values():
        if len(properties) > 300 or any(len(name) > 44 or len(value) > 1024 for name, value in properties.items()):
            raise invalid("Extended property too long.")
    if event.get("status") not in {None, "confirmed", "tentative", "cancelled"}:
        raise invalid("Invalid value for: status")


def check_id(event: Json) -> None:
    """Raises: Refused."""
    if "id" in event and not _ID.fullmatch(event["id"]):
        raise invalid("Invalid resource id value.")
    if "id" in event and "iCalUID" in event:
        raise invalid("Only one of id and iCalUID may be supplied.")


def _check_bound(bound: Json | None, name: str, *, recurring: bool) -> None:
    if not bound or ("date" in bound) == ("dateTime" in bound):
        raise invalid(f"Missing {name} time.", "required")
    if "date" in bound:
        return
    zone = bound.get("timeZone")
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError) as error:
            raise invalid(f"Invalid time zone definition for {name} time.") from error
    elif recurring or datetime.fromisoformat(bound["dateTime"]).tzinfo is None:
        raise invalid(f"Missing time zone definition for {name} time.", "required")


def merged(old: Any, new: Any) -> Any:
    """Patch semantics: objects are merged, lists replaced, null erases."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return deepcopy(new)
    result = {name: value for name, value in old.items() if name not in new}
    for name, value in new.items():
        if value is not None:
            result[name] = merged(old.get(name), value)
    return result


class Dresser:
    """Shows events as one person sees them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def shown(self, event: Json, calendar: Calendar, *, listed: bool = False) -> Json:
        """The event of this calendar; a cancelled one has in listings no more than is promised."""
        if listed and event["status"] == "cancelled":
            return self._stub(event)
        told = deepcopy(event)
        for person in (told.get("organizer"), told.get("creator"), *told.get("attendees", ())):
            if person and person.get("email") == calendar.id:
                person["self"] = True
        for bound in ("start", "end", "originalStartTime"):
            if bound in told:
                told[bound] = self._bound(told[bound], calendar)
        for name, default in _DEFAULTS.items():
            if told.get(name, default) == default and self._likely():
                told.pop(name, None)
        for name in _DECORATION:
            if self._likely():
                told.pop(name, None)
        return told | {"unheardOf": {"list": [1, None, {}]}, "guestsMood": "good"}

    def _stub(self, event: Json) -> Json:
        kept = ("id", "status", "recurringEventId", "originalStartTime")
        decoration = ("kind", "etag", "updated") if self._likely() else ()
        return {name: event[name] for name in (*kept, *decoration) if name in event}

    def _bound(self, bound: Json, calendar: Calendar) -> Json:
        if "date" in bound:
            return dict(bound)
        moment = instant(bound, calendar.zone)
        zone = ZoneInfo(self._chance.choice((calendar.zone, bound.get("timeZone") or "UTC", "America/St_Johns")))
        text = moment.astimezone(zone).isoformat()
        if self._likely():
            text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return bound | {"dateTime": text}

    def _likely(self) -> bool:
        return self._chance.random() < 0.5
