"""The events of another Google: list, get, make, change, delete, and what becomes of the guests' copies.

The one rule: a verb does what its page of the reference says, and refuses what that page does not allow.
"""

import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.providers.another.google import refusals as no
from tests.providers.another.google.bodies import Dresser, check_event, check_id, merged
from tests.providers.another.google.calendars import OWN, Calendar, instant, opaque, opened, stamp, ticks
from tests.providers.another.google.wire import Json

_NOT_WITH_SYNC = {
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
}  # fmt: skip
_PAGING = {"pageToken", "syncToken"}


@dataclass
class _Listing:
    """A listing that is being paged through."""

    calendar: str
    query: Json
    items: list[Json]
    tick: int
    at: int = 0
    breathed: bool = False
    """Has said an empty page."""


@dataclass
class Events:
    """The verbs over all calendars."""

    chance: random.Random
    calendars: dict[str, Calendar]
    page_size: int = 250
    mail: list[tuple[str, str]] = field(default_factory=list)
    """Event and address."""
    meet_takes: int = 1
    """How often a video link is pending before it is there."""
    _listings: list[_Listing] = field(default_factory=list)
    _pending: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dresser = Dresser(self.chance)

    # reading ---------------------------------------------------------------------------------------------------------

    def listed(self, calendar: Calendar, query: Json) -> Json:
        """`events.list`, whole, expanded, by mark, or since a token."""
        if "pageToken" in query:
            listing = self._resumed(calendar, query)
        else:
            listing = _Listing(calendar.id, query, self._found(calendar, query), next(ticks))
            self._listings.append(listing)
        return self._page(calendar, listing, synced=True)

    def instances(self, calendar: Calendar, series_id: str, query: Json) -> Json:
        """`events.instances`."""
        if "pageToken" in query:
            return self._page(calendar, self._resumed(calendar, query), synced=False)
        master = calendar.events.get(series_id)
        if master is None:
            raise no.not_found()
        dates = calendar.instances(master) if master.get("recurrence") and master["status"] != "cancelled" else ()
        found = [one for one in dates if one["status"] != "cancelled" or query.get("showDeleted") == "true"]
        listing = _Listing(calendar.id, query, self._within(calendar, found, query), 0)
        self._listings.append(listing)
        return self._page(calendar, listing, synced=False)

    def get(self, calendar: Calendar, event_id: str) -> Json:
        """`events.get`; deleted events are known a while longer."""
        event = calendar.find(event_id)
        if event is None:
            raise no.not_found()
        if self._pending.get(event_id, 0) > 0:
            self._pending[event_id] -= 1
        elif event_id in self._pending:
            self._meet(event)
        return self._dresser.shown(event, calendar)

    def _resumed(self, calendar: Calendar, query: Json) -> _Listing:
        try:
            number, at, _ = opened(str(query["pageToken"])).split(":")
        except ValueError:
            raise no.invalid("Invalid Value", at="pageToken") from None
        listing = self._listings[int(number)]
        same = {name: value for name, value in query.items() if name not in _PAGING}
        first = {name: value for name, value in listing.query.items() if name not in _PAGING}
        if (calendar.id, same, query.get("syncToken")) != (listing.calendar, first, listing.query.get("syncToken")):
            raise no.invalid("Invalid Value", at="pageToken")
        if "syncToken" in query and listing.tick < calendar.expired_before:
            raise no.full_sync_required()
        listing.at = int(at)
        return listing

    def _found(self, calendar: Calendar, query: Json) -> list[Json]:
        if "syncToken" in query:
            return self._since(calendar, query)
        if query.get("singleEvents") == "true":
            found = list(calendar.expanded())
        else:
            cancelled = [
                one for one in calendar.events.values() if one["status"] == "cancelled" and "recurringEventId" in one
            ]
            exceptions = [
                one for one in calendar.events.values() if "recurringEventId" in one and one["status"] != "cancelled"
            ]
            gone = [
                one
                for one in calendar.events.values()
                if one["status"] == "cancelled" and "recurringEventId" not in one
            ]
            found = calendar.live() + exceptions + cancelled + (gone if query.get("showDeleted") == "true" else [])
        marks = query.get("privateExtendedProperty", [])
        for mark in [marks] if isinstance(marks, str) else marks:
            name, _, value = mark.partition("=")
            found = [one for one in found if one.get("extendedProperties", {}).get("private", {}).get(name) == value]
        found = self._within(calendar, found, query)
        if query.get("orderBy") == "startTime":
            return sorted(found, key=lambda one: instant(one["start"], calendar.zone))
        self.chance.shuffle(found)
        return found

    def _since(self, calendar: Calendar, query: Json) -> list[Json]:
        if query.keys() & _NOT_WITH_SYNC or query.get("showDeleted") == "false":
            raise no.invalid("Sync token cannot be used with other query restrictions.", at="syncToken")
        try:
            owner, tick, kept = opened(str(query["syncToken"])).split("|")
        except ValueError:
            raise no.full_sync_required() from None
        if owner != calendar.id or int(tick) < calendar.expired_before:
            raise no.full_sync_required()
        if kept != _kept(query):
            raise no.invalid("Query parameters differ from those of the initial request.", at="syncToken")
        since = sorted(calendar.changed.items(), key=lambda change: change[1])
        return [calendar.events[event_id] for event_id, changed in since if changed > int(tick)]

    def _within(self, calendar: Calendar, found: list[Json], query: Json) -> list[Json]:
        low = datetime.fromisoformat(query.get("timeMin", "1970-01-01T00:00:00Z"))
        high = datetime.fromisoformat(query.get("timeMax", "2999-01-01T00:00:00Z"))
        if high <= low:
            raise no.invalid("The specified time range is empty.", "timeRangeEmpty", at="timeMax", domain="calendar")
        return [one for one in found if self._touches(calendar, one, low, high)]

    def _touches(self, calendar: Calendar, event: Json, low: datetime, high: datetime) -> bool:
        if event["status"] == "cancelled":
            return True
        if event.get("recurrence"):
            return any(self._touches(calendar, one, low, high) for one in calendar.instances(event))
        return instant(event["end"], calendar.zone) > low and instant(event["start"], calendar.zone) < high

    def _page(self, calendar: Calendar, listing: _Listing, *, synced: bool) -> Json:
        size = min(int(listing.query.get("maxResults", 250)), self.page_size)
        empty = listing.at > 0 and not listing.breathed
        items = [] if empty else listing.items[listing.at : listing.at + size]
        listing.breathed |= empty
        place = listing.at + len(items)
        page: Json = {
            "kind": "calendar#events",
            "summary": calendar.name,
            "timeZone": calendar.zone,
            "accessRole": "owner",
            "items": [self._dresser.shown(event, calendar, listed=True) for event in items],
            "notInTheReference": True,
        }
        if not items and self.chance.random() < 0.5:
            del page["items"]
        if place < len(listing.items):
            page["nextPageToken"] = opaque(self.chance, f"{self._listings.index(listing)}:{place}:{next(ticks)}")
        elif synced:
            page["nextSyncToken"] = opaque(self.chance, f"{calendar.id}|{listing.tick}|{_kept(listing.query)}")
        return page

    # writing ---------------------------------------------------------------------------------------------------------

    def insert(self, calendar: Calendar, query: Json, body: Json) -> Json:
        """`events.insert`."""
        event = merged({}, body)
        check_id(event)
        check_event(event)
        event.setdefault("id", f"{self.chance.getrandbits(100):025x}")
        if event["id"] in calendar.events:
            raise no.Refused(409, "duplicate", "The requested identifier already exists.")
        if query.get("conferenceDataVersion") != "1":
            event.pop("conferenceData", None)
        event = _made(event, calendar)
        if "conferenceData" in event:
            self._ask_meet(event)
        self._store(calendar, event)
        self._post(event, calendar, query)
        return self._dresser.shown(event, calendar)

    def patch(self, calendar: Calendar, event_id: str, query: Json, body: Json, match: str | None) -> Json:
        """`events.patch`, of an event, a series or one date."""
        old = calendar.find(event_id)
        if old is None:
            raise no.not_found()
        if match is not None and match not in {"*", old["etag"]}:
            raise no.Refused(412, "conditionNotMet", "Precondition Failed", at=("header", "If-Match"))
        if ("id" in body and body["id"] != event_id) or ("iCalUID" in body and body["iCalUID"] != old["iCalUID"]):
            raise no.invalid("Invalid resource id value.")
        if query.get("conferenceDataVersion") != "1":
            body = {name: value for name, value in body.items() if name != "conferenceData"}
        new = merged(old, body)
        check_event(new, known=[guest["id"] for guest in old.get("attendees", ()) if "id" in guest])
        new["attendees"] = [_guest(guest) for guest in new.get("attendees", ())]
        if old["organizer"]["email"] != calendar.id and not old.get("guestsCanModify"):
            _only_own(old, new, calendar)
        if new.get("conferenceData", {}).get("createRequest") and new.get("conferenceData") != old.get(
            "conferenceData"
        ):
            self._ask_meet(new)
        if new.get("recurrence") != old.get("recurrence") or (new.get("recurrence") and new["start"] != old["start"]):
            for exception in calendar.exceptions(event_id):
                calendar.forget(exception["id"])
        self._store(calendar, new)
        self._post(new, calendar, query)
        return self._dresser.shown(new, calendar)

    def delete(self, calendar: Calendar, event_id: str, query: Json, match: str | None = None) -> None:
        """`events.delete`: for everybody by the organizer, for oneself by a guest."""
        event = calendar.find(event_id)
        if event is None:
            raise no.not_found()
        if event["status"] == "cancelled":
            raise no.deleted()
        if match is not None and match not in {"*", event["etag"]}:
            raise no.Refused(412, "conditionNotMet", "Precondition Failed", at=("header", "If-Match"))
        for exception in calendar.exceptions(event_id):
            calendar.forget(exception["id"])
        gone = deepcopy(event) | {"status": "cancelled"}
        if event["organizer"]["email"] == calendar.id:
            self._store(calendar, gone)
            self._post(gone, calendar, query)
        else:
            calendar.put(gone)

    def _store(self, calendar: Calendar, event: Json) -> None:
        """Here, and wherever somebody who takes part has a calendar."""
        calendar.put(event)
        people = {guest.get("email") for guest in event.get("attendees", ())} | {event["organizer"]["email"]}
        for other in self.calendars.values():
            if other.id in people and other is not calendar:
                mine = other.events.get(event["id"], {})
                copy = {name: deepcopy(value) for name, value in event.items() if name not in OWN}
                copy["extendedProperties"] = {"shared": event.get("extendedProperties", {}).get("shared", {})}
                other.put(copy | {name: mine[name] for name in (*OWN, "extendedProperties") if name in mine})

    def _post(self, event: Json, calendar: Calendar, query: Json) -> None:
        whom = query.get("sendUpdates", "none")
        for guest in event.get("attendees", ()):
            outside = guest.get("email") not in self.calendars
            if guest.get("email") not in {None, calendar.id} and (
                whom == "all" or (whom == "externalOnly" and outside)
            ):
                self.mail.append((event["id"], guest["email"]))

    def _ask_meet(self, event: Json) -> None:
        request = event["conferenceData"].get("createRequest", {})
        if not request.get("requestId") or request.get("conferenceSolutionKey", {}).get("type") != "hangoutsMeet":
            raise no.invalid("Invalid conference type value.")
        event["conferenceData"] = {"createRequest": request | {"status": {"statusCode": "pending"}}}
        self._pending[event["id"]] = self.meet_takes
        if not self.meet_takes:
            self._meet(event)

    def _meet(self, event: Json) -> None:
        request = event["conferenceData"]["createRequest"] | {"status": {"statusCode": "success"}}
        doors = [
            {"entryPointType": "more", "uri": "https://tel.meet/abc-defg-hij?pin=1"},
            {"entryPointType": "phone", "uri": "tel:+46-8-1", "label": "+46 8 1", "pin": "1"},
            {"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij"},
        ]
        event["conferenceData"] = {"createRequest": request, "entryPoints": doors, "conferenceId": "abc-defg-hij"}
        self._pending.pop(event["id"], None)


def _made(event: Json, calendar: Calendar) -> Json:
    person = {"email": calendar.id}
    return {
        "kind": "calendar#event",
        "status": "confirmed",
        "created": stamp(datetime(2026, 12, 1, tzinfo=UTC)),
        "htmlLink": "https://www.google.com/calendar/event?eid=YWJj",
        "creator": person,
        "organizer": person,
        "iCalUID": f"{event['id']}@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        **event,
        "attendees": [_guest(guest) for guest in event.get("attendees", ())],
    }


def _guest(guest: Json) -> Json:
    """One that is sent without an answer has none; who it is to whom is not the client's to say."""
    return {"responseStatus": "needsAction"} | {name: value for name, value in guest.items() if name != "self"}


def _only_own(old: Json, new: Json, calendar: Calendar) -> None:
    """A guest answers for itself and changes what is its own. Raises: Refused."""
    own = {*OWN, "extendedProperties", "attendees", "visibility"}
    if any(old.get(name) != new.get(name) for name in (old.keys() | new.keys()) - own):
        raise no.only_organizer()
    before, after = (
        [
            (guest.get("email"), guest["responseStatus"])
            for guest in side["attendees"]
            if guest.get("email") != calendar.id
        ]
        for side in (old, new)
    )
    if before != after:
        raise no.only_organizer()


def _kept(query: Json) -> str:
    """What has to stay as it was in the first request."""
    return repr(sorted((name, value) for name, value in query.items() if name not in _PAGING | _NOT_WITH_SYNC))
