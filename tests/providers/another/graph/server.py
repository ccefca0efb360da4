"""Microsoft Graph's calendar, written from its documentation alone: somebody else's idea of the server we talk to.

It is strict: what the documentation does not allow is refused and kept in `complaints`. And it is free: what the
documentation leaves open differs from answer to answer, by a seeded die (`forms.py`, `wire.py`).
Sources: github.com/microsoftgraph/microsoft-graph-docs-contrib (`api-reference/v1.0`, `concepts`).

The one rule: it knows nothing of `app/` and nothing of `sandbox/`.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote
from uuid import UUID

from tests.providers.another.graph.events import Events
from tests.providers.another.graph.forms import Forms
from tests.providers.another.graph.mailbox import HOME_ADDRESS, Mailbox
from tests.providers.another.graph.rules import LISTING, Refusal, body_of, mark_id, marked, query_of, wish_of
from tests.providers.another.graph.signin import SignIn
from tests.providers.another.graph.tracking import Tracking
from tests.providers.another.graph.wire import Asked, Said, Wire
from tests.providers.stage import Fault

_CALENDAR = frozenset(
    {
        *("id", "name", "color", "hexColor", "canEdit", "canShare", "canViewPrivateItems", "changeKey", "owner"),
        *("isDefaultCalendar", "isRemovable", "isTallyingResponses", "allowedOnlineMeetingProviders"),
        "defaultOnlineMeetingProvider",
    }
)
_USER = frozenset({"id", "mail", "userPrincipalName", "displayName", "otherMails", "proxyAddresses", "identities"})
_SUBSCRIPTION = {"changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime"} | {
    *("clientState", "latestSupportedTlsVersion", "includeResourceData", "notificationUrlAppId")
}
_READ = {"Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "Calendars.Read.Shared"}
_WRITE = {"Calendars.ReadWrite", "Calendars.ReadWrite.Shared"}
_AT_ONCE = 4
_THINKS = 0.002
Doorbell = Callable[[str, dict[str, str]], Awaitable[str]]


class AnotherGraph:
    """One person's mailbox behind Graph and Microsoft's sign-in, while it is entered."""

    def __init__(self, seed: int, address: str = HOME_ADDRESS) -> None:
        die = Random(seed)  # noqa: S311 - chance that can be repeated
        self.die = die
        self.mailbox = Mailbox(die, address)
        self.forms = Forms(die, address)
        self.tracking = Tracking(self.mailbox, self.forms, die)
        self.sign_in = SignIn(die)
        self.events = Events(self)
        self.seen: list[Asked] = []
        self.complaints: list[str] = []
        self.strikes: deque[Said] = deque()
        """What the next requests to Graph get, whatever they ask for."""
        self.fault: Callable[[Asked], Fault | None] = lambda asked: None
        """What befalls a request to Graph."""
        self.time_zone = "W. Europe Standard Time"
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.doorbell: Doorbell | None = None
        """Rings at a notification URL, and hears what is said there."""
        self.longest_subscription = timedelta(minutes=4230)
        self._busy = 0
        self._wire = Wire(self._serve, die)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)

    @property
    def authority(self) -> str:
        return f"{self._wire.url}/common"

    @property
    def url(self) -> str:
        return f"{self._wire.url}/v1.0"

    async def _serve(self, asked: Asked) -> Said:
        self.seen.append(asked)
        self._busy += 1
        try:
            if asked.path == "/common/oauth2/v2.0/token" and asked.method == "POST":
                return self.sign_in.token(asked)
            if self.strikes:
                return self.strikes.popleft()
            return await self._befallen(asked, self.fault(asked))
        except Refusal as no:
            if no.status in {400, 405, 411, 415} and no.code != "ErrorDuplicateTransactionId":
                self.complaints.append(f"{asked.method} {asked.path} {asked.query}: {no.code} {no}")
            return self._stamped(self.refused(no.status, no.code, str(no), **no.headers))
        finally:
            self._busy -= 1

    async def _befallen(self, asked: Asked, fault: Fault | None) -> Said:
        match fault:
            case Fault.LOST_REQUEST:
                return Said(0, lost=True)
            case Fault.UNAVAILABLE:
                return self.refused(503, "serviceNotAvailable")
            case Fault.THROTTLED:
                return self.refused(429, "ApplicationThrottled", Retry_After="7")
            case Fault.LOGIN_PAGE:
                return Said(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
        said = self._stamped(await self._answer(asked))
        return replace(said, lost=fault is Fault.LOST_ANSWER, cut=fault is Fault.TRUNCATED)

    def refused(self, status: int, code: str, message: str = "No.", **headers: str) -> Said:
        """An error in Graph's words; the inner one is written in two ways."""
        inner = {"date": "2026-03-01T09:00:00", "request-id": "1137f277", "client-request-id": "1137f277"}
        error = {"message": message, "code": code, self.die.choice(("innerError", "innererror")): inner}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Said(status, {"error": self.forms.shuffled(error)}, named)

    def _stamped(self, said: Said) -> Said:
        more = {"request-id": str(UUID(int=self.die.getrandbits(128))), "Strict-Transport-Security": "max-age=31536000"}
        return Said(said.status, said.body, {**said.headers, **more, "x-ms-ags-diagnostic": '{"ServerInfo":{}}'})

    async def _answer(self, asked: Asked) -> Said:
        if not asked.path.startswith("/v1.0/"):
            raise Refusal(400, "BadRequest", "Invalid version.")
        scopes = self.sign_in.access.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if scopes is None:
            message = "Lifetime validation failed, the token is expired."
            raise Refusal(401, "InvalidAuthenticationToken", message, WWW_Authenticate='Bearer realm=""')
        if self._busy > _AT_ONCE:
            message = "Application is over its MailboxConcurrency limit."
            raise Refusal(429, "ApplicationThrottled", message, Retry_After="1")
        await asyncio.sleep(_THINKS)
        path = _segments(asked.path)
        if path[0] == "subscriptions":
            self._needs(scopes, _READ)
            return await self._subscription(asked, path[1:])
        if path[0] != "me":
            raise Refusal(400, "BadRequest", f"Resource not found for the segment '{path[0]}'.")
        return self._mine(asked, path[1:], scopes)

    def _needs(self, scopes: frozenset[str], one_of: set[str]) -> None:
        if not scopes & one_of:
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")

    def _mine(self, asked: Asked, path: list[str], scopes: frozenset[str]) -> Said:
        match asked.method, path:
            case "GET", []:
                self._needs(scopes, {"User.Read"})
                return self._user(asked)
            case "GET", ["mailboxSettings"] | ["mailboxSettings", "timeZone"]:
                self._needs(scopes, {"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
                return self._settings(asked, path[1:])
            case "GET", ["calendars"]:
                self._needs(scopes, _READ)
                return self._calendars(asked)
            case "POST", ["calendars"]:
                self._needs(scopes, _WRITE)
                return self._new_calendar(asked)
        self._needs(scopes, _READ if asked.method == "GET" or path[-1] == "getSchedule" else _WRITE)
        return self.events.answer(asked, *self._within(path))

    def _within(self, path: list[str]) -> tuple[str | None, list[str]]:
        """The calendar a path leads to, if only to one, and what is asked there."""
        match path:
            case ["calendars", calendar, *rest]:
                if calendar not in self.mailbox.calendars:
                    raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
                return calendar, rest
            case ["calendar", *rest]:
                return self.mailbox.home, rest
            case ["calendarView", *_]:
                return self.mailbox.home, path
            case ["events", *_]:
                return None, path
        raise Refusal(400, "BadRequest", f"Resource not found for the segment '{path[0]}'.")

    def _user(self, asked: Asked) -> Said:
        wish = wish_of(asked, query_of(asked, frozenset({"$select"})), _USER)
        known = {"id": "48d31887-5fad-4d73-a9f5-3c356e68a038", "displayName": "Zoë", "mail": self.mailbox.address}
        more = {"userPrincipalName": self.mailbox.address, "otherMails": [], "proxyAddresses": []}
        told = {word: value for word, value in (known | more).items() if not wish.select or word in wish.select}
        return Said(200, self.forms.shuffled(told | {"@odata.context": "x"}))

    def _settings(self, asked: Asked, path: list[str]) -> Said:
        query_of(asked, frozenset({"$select"}))
        word = "value" if path else "timeZone"
        return Said(200, {"@odata.context": "x", word: self.time_zone})

    def _calendars(self, asked: Asked) -> Said:
        query = query_of(asked, LISTING)
        wish = wish_of(asked, query, _CALENDAR)
        found = list(self.mailbox.calendars.values())
        if "$filter" in query:
            mark, value = marked(query["$filter"])
            found = [one for one in found if one.get("marks", {}).get(mark, "").casefold() == value]
        rows = [self._calendar(one, wish.select, wish.expand) for one in found]
        return Said(200, self.paged(asked, rows, min(wish.page, 2)))

    def _calendar(
        self, calendar: dict[str, Any], select: frozenset[str] = frozenset(), expand: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        told = {word: value for word, value in calendar.items() if word in (select or _CALENDAR)}
        marks = [{"id": mark, "value": value} for mark, value in calendar.get("marks", {}).items() if mark in expand]
        expanded = {"singleValueExtendedProperties": marks} if marks else {}
        return self.forms.shuffled(told | expanded | {"id": calendar["id"], "@odata.unknown": None})

    def _new_calendar(self, asked: Asked) -> Said:
        query_of(asked, frozenset())
        body = body_of(asked)
        if set(body) - {"name", "color", "singleValueExtendedProperties"}:
            raise Refusal(400, "RequestBodyRead", f"The property does not exist on type 'calendar': {set(body)}")
        if body["name"] in {one["name"] for one in self.mailbox.calendars.values()}:
            raise Refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        marks = {mark_id(one["id"]): one["value"] for one in body.get("singleValueExtendedProperties", ())}
        made = self.mailbox.add_calendar(body["name"], marks=marks)
        return Said(201, self._calendar(self.mailbox.calendars[made]))

    def paged(self, asked: Asked, rows: list[dict[str, Any]], size: int) -> dict[str, Any]:
        """One page of a list; the link to the next one says where it begins, and all that was asked."""
        at = int(next((value for name, value in asked.query if name == "$skip"), 0))
        page: dict[str, Any] = {"@odata.context": "x", "value": rows[at : at + size]}
        if at + size < len(rows):
            kept = [(name, value) for name, value in asked.query if name != "$skip"] + [("$skip", str(at + size))]
            link = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in kept)
            keyed = re.sub(r"/calendars/([^/]+)", r"/calendars('\1')", asked.path)
            page["@odata.nextLink"] = f"{self._wire.url}{self.die.choice((keyed, asked.path))}?{link}"
        return self.forms.shuffled(page)

    async def _subscription(self, asked: Asked, path: list[str]) -> Said:
        query_of(asked, frozenset())
        if not path and asked.method == "POST":
            return await self._subscribe(asked)
        if not path or path[0] not in self.subscriptions:
            raise Refusal(404, "ResourceNotFound", "The object was not found.")
        match asked.method, path[1:]:
            case "DELETE", []:
                del self.subscriptions[path[0]]
                return Said(204)
            case "PATCH", []:
                body = body_of(asked)
                if set(body) != {"expirationDateTime"}:
                    raise Refusal(400, "InvalidRequest", "Only expirationDateTime can be changed.")
                self.subscriptions[path[0]]["expirationDateTime"] = self._expiry(body["expirationDateTime"])
                return Said(200, self.subscriptions[path[0]])
            case "POST", ["reauthorize"]:
                return Said(204)
        raise Refusal(405, "MethodNotAllowed", "The HTTP method is not allowed on the resource.")

    async def _subscribe(self, asked: Asked) -> Said:
        body = body_of(asked)
        if set(body) - _SUBSCRIPTION or not {"changeType", "notificationUrl", "resource"} <= set(body):
            raise Refusal(400, "InvalidRequest", f"Subscriptions are not made of {sorted(body)}.")
        if set(body["changeType"].split(",")) - {"created", "updated", "deleted"}:
            raise Refusal(400, "InvalidRequest", "Unknown change type.")
        if not re.fullmatch(r"/?me/(events|calendars/[^/]+/events)", body["resource"], re.IGNORECASE):
            raise Refusal(400, "ExtensionError", f"Resource '{body['resource']}' cannot be subscribed to.")
        if len(body.get("clientState", "")) > 128:
            raise Refusal(400, "InvalidRequest", "clientState is too long.")
        for word in ("notificationUrl", "lifecycleNotificationUrl"):
            if word in body:
                await self._ring(body[word])
        expires = {"expirationDateTime": self._expiry(body["expirationDateTime"])}
        made = str(UUID(int=self.die.getrandbits(128)))
        self.subscriptions[made] = body | expires | {"id": made, "applicationId": "24d3", "notificationUrlAppId": None}
        return Said(201, self.subscriptions[made])

    async def _ring(self, url: str) -> None:
        token = "Validation: Testing client application reachability for subscription <Request-Id> & é+%20"
        if not url.startswith("https://"):
            raise Refusal(400, "InvalidRequest", "NotificationUrl must be https.")
        if self.doorbell is None or await self.doorbell(url, {"validationToken": token}) != token:
            raise Refusal(400, "ValidationError", "Subscription validation request failed.")

    def _expiry(self, wished: str) -> str:
        latest = datetime.now(UTC) + self.longest_subscription
        at = datetime.fromisoformat(wished)
        if at.tzinfo is None or at > latest + timedelta(minutes=1):
            raise Refusal(400, "ExtensionError", "Subscription expiration can only be 4230 minutes in the future.")
        return min(at, latest).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"


def _segments(path: str) -> list[str]:
    """The segments after the version, without escapes; a key may stand in brackets."""
    found: list[str] = []
    for segment in path.removeprefix("/v1.0/").split("/"):
        keyed = re.fullmatch(r"(\w+)\('(.*)'\)", unquote(segment))
        found += [keyed[1], keyed[2]] if keyed else [unquote(segment)]
    return found
