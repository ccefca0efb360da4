"""One API call after admission: token, scope, parameters and body have been checked. The one rule: nothing reaches a
handler that Google's front end would have refused.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import SCOPE_KEY, Action
from sandbox.google import errors
from sandbox.google.bodies import read_body
from sandbox.google.errors import GoogleError, render_json
from sandbox.google.fields import Selection, pick_fields, read_fields
from sandbox.google.grants import Grant
from sandbox.google.resources import Reader
from sandbox.google.shapes import answer_shape, check_body
from sandbox.google.surface import AUTH, METHODS, Method
from sandbox.google.times import Json, find_zone
from sandbox.google.world import Account, Actor, Calendar, GoogleWorld, Role, rank

_log = logging.getLogger(__name__)
# Of OAuth (RFC 6750, section 2.3), not of the API: no discovery document names it.
# https://developers.google.com/identity/protocols/oauth2/web-server#callinganapi
_TOKEN_PARAMETER = "access_token"
# Scopes that open calendars only to look at times, or only the person's own ones.
_TIMES_ONLY = f"{AUTH}calendar.events.freebusy"
_OWNED = frozenset({f"{AUTH}calendar.events.owned", f"{AUTH}calendar.events.owned.readonly"})
_PUBLIC = f"{AUTH}calendar.events.public.readonly"
_APP = f"{AUTH}calendar.app.created"


@dataclass(frozen=True)
class Answer:
    """What a handler returns. `body` None means an empty answer."""

    body: Json | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """`scopes` are those of the token that this method accepts; `grant` is what the token was issued under."""

    world: GoogleWorld
    account: Account
    grant: Grant
    method: Method
    scopes: frozenset[str]
    path: dict[str, str]
    query: dict[str, Any]
    body: Json
    headers: dict[str, str]
    request_id: str
    selection: Selection | None = None
    fault: Action | None = None

    def calendar(self, calendar_id: str | None = None, *, at_least: Role = "freeBusyReader") -> Calendar:
        """The calendar named in the path (or given), or Google's refusal."""
        asked = calendar_id or self.path["calendarId"]
        calendar = self.world.find_calendar(self.account.email if asked == "primary" else asked)
        if calendar is None or self.role(calendar) == "none" or not self._in_scope(calendar):
            raise errors.not_found()
        if rank(self.role(calendar)) < rank(at_least):
            raise errors.access_level("writer" if at_least == "writerWithoutPrivateAccess" else at_least)
        return calendar

    def role(self, calendar: Calendar) -> Role:
        return calendar.role_of(self.account.email)

    def _in_scope(self, calendar: Calendar) -> bool:
        """Whether any of the token's scopes reaches this calendar, not only this method."""
        for scope in self.scopes:
            if scope in _OWNED and self.role(calendar) != "owner":
                continue
            if scope == _PUBLIC and "default" not in calendar.rules:
                continue
            if scope == _APP and not calendar.created_by_app:
                continue
            return True
        return False

    def reader(self, calendar: Calendar) -> Reader:
        zone = self.query.get("timeZone")
        if zone is not None and find_zone(zone) is None:
            raise errors.invalid_parameter("timeZone", f"Invalid time zone: '{zone}'.")
        return Reader(
            account=self.account.email,
            role=self.role(calendar),
            zone=zone,
            max_attendees=self.query.get("maxAttendees"),
            free_busy_only=self.scopes == {_TIMES_ONLY},
        )

    @property
    def actor(self) -> Actor:
        notify = self.query.get("sendUpdates") or ("all" if self.query.get("sendNotifications") else "none")
        return Actor(self.account.email, "api", self.request_id, notify)

    def match_etag(self, etag: str) -> None:
        """If-Match: 412 unless the resource is what the client has seen."""
        expected = self.headers.get("if-match")
        if expected is not None and expected != "*" and etag not in {tag.strip() for tag in expected.split(",")}:
            raise errors.condition_not_met()

    def unless_known(self, etag: str, body: Json) -> Answer:
        """If-None-Match: 304 where the client has it already."""
        if self.headers.get("if-none-match") == etag:
            return Answer(None, 304, {"etag": etag})
        return Answer(body, 200, {"etag": etag})


Handler = Callable[[Call], Answer]


def request_id_of(request: Request) -> str:
    """The id of a request in ledger and log: the client's own, if it sends one."""
    request_id: str = request.scope.setdefault("sandbox.request_id", "")
    if not request_id:
        request_id = request.headers.get("x-request-id") or uuid4().hex
        request.scope["sandbox.request_id"] = request_id
    return request_id


async def serve(world: GoogleWorld, method_id: str, handler: Handler, request: Request) -> Response:
    """Admit a request, run its handler, render the outcome."""
    try:
        call = await _admit(world, method_id, request)
        answer = handler(call)
        if answer.body is None:
            return Response(status_code=answer.status if answer.status != 200 else 204, headers=answer.headers)
        return render_json(pick_fields(answer.body, call.selection), answer.status, answer.headers)
    except GoogleError as error:
        return render_json(error.body(), error.status, error.headers)
    except Exception:  # noqa: BLE001 - the last resort: a client can read even our own mistakes
        _log.exception("%s failed", method_id)
        refusal = errors.backend_error()
        return render_json(refusal.body(), refusal.status)


async def _admit(world: GoogleWorld, method_id: str, request: Request) -> Call:
    method, token = METHODS[method_id], _bearer(request)
    if token is None:
        raise errors.login_required()
    access = world.grants.find_access(token)
    if access is None:
        raise errors.invalid_credentials()
    scopes = access.scopes & method.scopes
    if not scopes:
        raise errors.insufficient_scope(method.name)
    asked = [pair for pair in request.query_params.multi_items() if pair[0] != _TOKEN_PARAMETER]
    query = method.parse_query(asked, strict=world.knobs.strict)
    return Call(
        world=world,
        account=world.accounts[access.grant.account],
        grant=access.grant,
        method=method,
        scopes=scopes,
        path=dict(request.path_params),
        query=query,
        body=await _body(request, method, strict=world.knobs.strict),
        headers=dict(request.headers),
        request_id=request_id_of(request),
        selection=_selection(method_id, query.get("fields")),
        fault=request.scope.get(SCOPE_KEY),
    )


def _bearer(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    return request.query_params.get(_TOKEN_PARAMETER) or request.query_params.get("oauth_token")


def _selection(method_id: str, selector: str | None) -> Selection | None:
    shape = answer_shape(method_id)
    return read_fields(selector, shape) if selector and shape is not None else None


async def _body(request: Request, method: Method, *, strict: bool) -> Json:
    if method.body is None:
        return {}
    raw = await read_body(request)
    if not request.headers.get("content-type", "").startswith("application/json") and raw:
        raise errors.bad_request()
    try:
        parsed = json.loads(raw or b"{}")
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is JSON, and no text
    except (ValueError, RecursionError):
        raise errors.parse_error() from None
    return check_body(method.body, parsed, strict=strict, nulls=request.method == "PATCH")
