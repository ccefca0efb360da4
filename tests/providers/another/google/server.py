"""Another Google: a small, strict server written from Google's documentation alone, to meet the adapter on a real wire.

It takes nothing that the published document does not name, and answers in every form that the reference leaves open:
members come in another order, optional ones by chance, unknown ones as well; tokens hold what a URL minds; pages are
short or empty. What it is asked is judged by the discovery document.

The one rule: it shares nothing with the simulator of the sandbox, so that the two can disagree.
"""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from jsonschema import ValidationError

from tests.providers.another.google import refusals as no
from tests.providers.another.google.calendars import Calendar, instant, opaque, opened
from tests.providers.another.google.events import Events
from tests.providers.another.google.fields import selected
from tests.providers.another.google.oauth import CLIENT_ID, CLIENT_SECRET, Doors, Grant
from tests.providers.another.google.wire import Asked, Json, Lost, Said, Wire
from tests.providers.stage import Fault
from tests.sandbox.google.discovery import method as described
from tests.sandbox.google.discovery import validate_request

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "AnotherGoogle", "another_google", "spans_of"]

_ROUTES: Final = {
    ("GET", "users", "me", "calendarList"): "calendarList.list",
    ("POST", "calendars"): "calendars.insert",
    ("GET", "calendars", "*"): "calendars.get",
    ("GET", "calendars", "*", "events"): "events.list",
    ("POST", "calendars", "*", "events"): "events.insert",
    ("POST", "calendars", "*", "events", "watch"): "events.watch",
    ("GET", "calendars", "*", "events", "*"): "events.get",
    ("PATCH", "calendars", "*", "events", "*"): "events.patch",
    ("DELETE", "calendars", "*", "events", "*"): "events.delete",
    ("GET", "calendars", "*", "events", "*", "instances"): "events.instances",
    ("POST", "freeBusy"): "freebusy.query",
    ("POST", "channels", "stop"): "channels.stop",
}
WRITES: Final = ("events.insert", "events.patch", "events.delete", "calendars.insert")
_ACCESS: Final = ["none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner"]
_FREE_KINDS: Final = {"workingLocation", "birthday"}
_LOGIN: Final = "<!doctype html><title>Sign in</title><form action=/login>"


@dataclass(frozen=True)
class Seen:
    """A good request."""

    verb: str
    path: tuple[str, ...]
    query: Json
    body: Any
    headers: dict[str, str]


class AnotherGoogle:
    """The server's memory and its verbs."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.calendars: dict[str, Calendar] = {}
        self.subjects: dict[str, str] = {}
        self.doors = Doors(self.chance, self.subjects)
        self.events = Events(self.chance, self.calendars)
        self.channels: dict[str, str] = {}
        """Resource by channel."""
        self.seen: list[Seen] = []
        self.refused: list[str] = []
        """What was asked that nobody may ask: bodies and parameters that the reference does not know."""
        self.faults: list[tuple[str, Fault | no.Refused | Said]] = []
        """Verb, and what befalls its next request."""
        self.busy_error: str | None = None
        self.url = ""

    def person(self, email: str, zone: str) -> Calendar:
        """A new account with its primary calendar."""
        self.subjects[email] = str(10**20 + len(self.subjects))
        return self.calendar(email, email, zone, owner=email)

    def calendar(self, calendar_id: str, name: str, zone: str, *, owner: str) -> Calendar:
        made = Calendar(calendar_id, name, zone, owner, {owner: "owner"})
        self.calendars[calendar_id] = made
        return made

    # the wire --------------------------------------------------------------------------------------------------------

    async def answer(self, asked: Asked) -> Said:
        """Any request."""
        try:
            match asked.path:
                case ("token",):
                    return self.doors.token(asked)
                case ("revoke",):
                    return self.doors.revoke(asked)
                case ("v1", "userinfo"):
                    return self.doors.userinfo(asked)
                case ("calendar", "v3", *rest):
                    return self._api(asked, tuple(rest))
            return Said(404, "<!doctype html><title>Error 404 (Not Found)!!1</title>")
        except no.Refused as refused:
            return refused.said(self.chance)

    def _api(self, asked: Asked, path: tuple[str, ...]) -> Said:
        verb = next((name for route, name in _ROUTES.items() if _fits(route, (asked.method, *path))), None)
        if verb is None:
            self.refused.append(f"{asked.method} {path}")
            return Said(404, "<!doctype html><title>Error 404 (Not Found)!!1</title>")
        grant = self.doors.holder(asked)
        body = self._judged(asked, verb)
        if grant.scopes.isdisjoint(described(verb)["scopes"]):
            raise no.too_few_scopes()
        fault = next((fault for fault in self.faults if fault[0] == verb), None)
        if fault:
            self.faults.remove(fault)
            early = _struck(fault[1])
            if early:
                return early
        said = self._said(verb, grant, path, asked, body)
        if "fields" in asked.query:
            said = replace(
                said, body=selected(str(asked.query["fields"]), described(verb)["response"]["$ref"], said.body)
            )
        self.seen.append(Seen(verb, path, asked.query, body, asked.headers))
        if fault and fault[1] is Fault.LOST_ANSWER:
            raise Lost
        return replace(said, cut=bool(fault) and fault[1] is Fault.TRUNCATED)

    def _judged(self, asked: Asked, verb: str) -> Any:
        """The body. Raises: Refused, for whatever the published document does not allow."""
        try:
            body = json.loads(asked.body) if asked.body else None
            validate_request(verb, asked.query, body)
            _check_headers(asked)
        except (ValueError, AssertionError, ValidationError) as error:
            self.refused.append(f"{verb}: {error}")
            raise no.invalid(f"Invalid JSON payload received. Unknown name: {error}", "badRequest") from error
        return body

    def _said(self, verb: str, grant: Grant, path: tuple[str, ...], asked: Asked, body: Any) -> Said:
        match verb:
            case "calendarList.list":
                return Said(200, self._listed(grant, asked.query))
            case "calendars.insert":
                return Said(200, self._insert_calendar(grant, body))
            case "freebusy.query":
                return Said(200, self._busy(grant, body))
            case "channels.stop":
                return self._stop(body)
        if verb == "calendars.get":
            return Said(200, _resource(self._reached(grant, path[1], "reader")))
        return self._event(verb, grant, path, asked, body)

    def _event(self, verb: str, grant: Grant, path: tuple[str, ...], asked: Asked, body: Any) -> Said:
        calendar = self._reached(grant, path[1], "writer" if verb in WRITES else "reader")
        query, event_id, match = asked.query, path[3] if len(path) > 3 else "", asked.headers.get("if-match")
        told: Json | None = None
        match verb:
            case "events.watch":
                told = self._watch(calendar, body)
            case "events.list":
                told = self.events.listed(calendar, query)
            case "events.instances":
                told = self.events.instances(calendar, event_id, query)
            case "events.get":
                told = self.events.get(calendar, event_id)
            case "events.insert":
                told = self.events.insert(calendar, query, body)
            case "events.patch":
                told = self.events.patch(calendar, event_id, query, body, match)
            case "events.delete":
                self.events.delete(calendar, event_id, query, match)
        return Said(200, told) if told else Said(204)

    def _reached(self, grant: Grant, calendar_id: str, role: str) -> Calendar:
        """Raises: Refused."""
        calendar = self.calendars.get(grant.email if calendar_id == "primary" else calendar_id)
        has = calendar.roles.get(grant.email, "none") if calendar and not calendar.deleted else "none"
        if calendar is None or has == "none":
            raise no.not_found()
        if _ACCESS.index(has) < _ACCESS.index(role):
            raise no.no_access(role)
        return calendar

    # calendars -------------------------------------------------------------------------------------------------------

    def _listed(self, grant: Grant, query: Json) -> Json:
        mine = [
            one for one in self.calendars.values() if one.roles.get(grant.email, "none") != "none" and not one.deleted
        ]
        start = int(opened(str(query["pageToken"]))) if "pageToken" in query else 0
        size = 0 if start == 1 and len(mine) == 1 else min(self.events.page_size, int(query.get("maxResults", 100)))
        page: Json = {"kind": "calendar#calendarList", "etag": '"p1"', "items": []}
        for calendar in mine[start : start + size]:
            entry = _resource(calendar) | {"accessRole": calendar.roles[grant.email], "selected": True, "colorId": "9"}
            if calendar.id == grant.email:
                entry["primary"] = True
            page["items"].append(entry)
        if start + size < len(mine) or not start:  # after the first page comes another, be it an empty one
            page["nextPageToken"] = opaque(self.chance, str(min(start + size, len(mine))))
        else:
            page["nextSyncToken"] = opaque(self.chance, "calendars")
        return page

    def _insert_calendar(self, grant: Grant, body: Json) -> Json:
        if not body.get("summary"):
            raise no.invalid("Missing title.", "required")
        made = self.calendar(
            f"{self.chance.getrandbits(128):032x}@group.calendar.google.com",
            body["summary"],
            body.get("timeZone", "UTC"),
            owner=grant.email,
        )
        made.description = body.get("description")
        return _resource(made)

    def _busy(self, grant: Grant, body: Json) -> Json:
        try:
            low, high = instant({"dateTime": body["timeMin"]}, "UTC"), instant({"dateTime": body["timeMax"]}, "UTC")
        except KeyError:
            raise no.invalid("Missing timeMin or timeMax.", "required") from None
        if high <= low:
            raise no.invalid("The specified time range is empty.", "timeRangeEmpty", at="timeMax", domain="calendar")
        asked = [item["id"] for item in body.get("items", ())]
        found: Json = {}
        for calendar_id in asked:
            calendar = self.calendars.get(calendar_id)
            reason = self.busy_error or ("tooManyCalendarsRequested" if len(asked) > 50 else None)
            if calendar is None or calendar.deleted or grant.email not in calendar.roles:
                reason = "notFound"
            error = {"errors": [{"domain": "global", "reason": reason}], "busy": []}
            found[calendar_id] = error if reason or calendar is None else {"busy": spans_of(calendar, low, high)}
        self.busy_error = None
        return {"kind": "calendar#freeBusy", "timeMin": body["timeMin"], "calendars": found, "groups": {}}

    # channels --------------------------------------------------------------------------------------------------------

    def _watch(self, calendar: Calendar, body: Json) -> Json:
        if not calendar.can_push:
            message = "Push notifications are not supported by this resource."
            raise no.invalid(message, "pushNotSupportedForRequestedResource")
        if body.get("type") not in {"web_hook", "webhook"} or not 0 < len(body.get("id", "")) <= 64:
            raise no.invalid("Invalid channel", "required")
        if not body.get("address", "").startswith("https://"):
            raise no.invalid("WebHook callback must be HTTPS", "push.webhookUrlNotHttps")
        if body["id"] in self.channels:
            raise no.invalid("Channel id not unique", "channelIdNotUnique", at="entity.channelId")
        self.channels[body["id"]] = f"o3{self.chance.getrandbits(80):020x}_-/+="
        told: Json = {"kind": "api#channel", "id": body["id"], "resourceId": self.channels[body["id"]]}
        lifetime = min(int(body.get("params", {}).get("ttl", 604_800)), 2_592_000)
        expiration = int((datetime.now(UTC).timestamp() + lifetime) * 1000)
        told |= self.chance.choice(({"expiration": expiration}, {"expiration": str(expiration)}, {}))
        return told | {"token": body.get("token", ""), "resourceUri": f"{self.url}/calendar/v3/x?alt=json"}

    def _stop(self, body: Json) -> Said:
        if self.channels.get(body.get("id", "")) != body.get("resourceId"):
            raise no.Refused(404, "notFound", f"Channel '{body.get('id')}' not found for project '1234'")
        del self.channels[body["id"]]
        return Said(204)


def _check_headers(asked: Asked) -> None:
    """Raises: ValueError."""
    kind = asked.headers.get("content-type", "application/json" if not asked.body else "").partition(";")[0]
    if kind != "application/json":
        raise ValueError("Content-Type must be application/json")
    if asked.body and asked.method == "GET":
        raise ValueError("Your client has issued a malformed or illegal request.")
    if asked.method == "POST" and "content-length" not in asked.headers:
        raise ValueError("Length Required")


def _fits(route: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(route) == len(path) and all(part in {"*", given} for part, given in zip(route, path, strict=True))


def _struck(fault: Fault | no.Refused | Said) -> Said | None:
    """What is said before anything is done; None: it is done."""
    match fault:
        case Said():
            return fault
        case no.Refused():
            raise fault
        case Fault.LOST_REQUEST:
            raise Lost
        case Fault.UNAVAILABLE:
            raise no.Refused(503, "backendError", "The service is currently unavailable.")
        case Fault.THROTTLED:
            wait = {"Retry-After": "7"}
            raise no.Refused(
                403, "userRateLimitExceeded", "User Rate Limit Exceeded", domain="usageLimits", headers=wait
            )
        case Fault.LOGIN_PAGE:
            return Said(200, _LOGIN)
    return None


def _resource(calendar: Calendar) -> Json:
    told = {"kind": "calendar#calendar", "etag": '"c1"', "id": calendar.id, "summary": calendar.name}
    if calendar.description is not None:
        told["description"] = calendar.description
    return told | {"timeZone": calendar.zone, "dataOwner": calendar.owner, "autoAcceptInvitations": False}


def spans_of(calendar: Calendar, low: Any, high: Any) -> list[Json]:
    """Merged, and as long as they are: the reference does not say that they end with the window."""
    spans: list[list[Any]] = []
    found = [
        (instant(event["start"], calendar.zone), instant(event["end"], calendar.zone))
        for event in calendar.expanded()
        if not _is_free(event, calendar)
    ]
    for start, end in sorted(found):
        if end <= low or start >= high:
            continue
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([start, end])
    return [{"start": start.isoformat(), "end": end.isoformat()} for start, end in spans]


def _is_free(event: Json, calendar: Calendar) -> bool:
    declined = any(
        guest.get("email") == calendar.id and guest.get("responseStatus") == "declined" for guest in event["attendees"]
    )
    return declined or event.get("transparency") == "transparent" or event.get("eventType") in _FREE_KINDS


@asynccontextmanager
async def another_google(seed: int = 0) -> AsyncIterator[AnotherGoogle]:
    """Up and answering."""
    google = AnotherGoogle(seed)
    async with Wire(google.answer, google.chance) as wire:
        google.url = wire.url
        yield google
    assert not google.refused, google.refused
