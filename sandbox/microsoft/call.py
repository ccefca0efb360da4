"""One Graph call after admission: token, permissions, options and body have been checked.

The one rule: nothing reaches a handler that Graph's front end would have refused.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import SCOPE_KEY, Action
from sandbox.microsoft import errors
from sandbox.microsoft.acting import acting_account
from sandbox.microsoft.bodies import parse_json, read_bytes
from sandbox.microsoft.errors import GraphError, render_json
from sandbox.microsoft.grants import AccessToken, Grant
from sandbox.microsoft.ids import EventId, read_event_id, read_folder_id
from sandbox.microsoft.paths import path_below
from sandbox.microsoft.prefer import Preferences, read_preferences
from sandbox.microsoft.query import Allowed, Options, read_options
from sandbox.microsoft.render import Reader, event_etag
from sandbox.microsoft.scopes import READ_SHARED, WRITE_SHARED
from sandbox.microsoft.shapes import Open, Struct, check
from sandbox.microsoft.times import Json
from sandbox.microsoft.views import View, view_of
from sandbox.microsoft.world import Account, Actor, Calendar, Group, Item, MicrosoftWorld, Role, rank

_LOG = logging.getLogger(__name__)
_RATE_WINDOW = 600  # seconds
PAGE_SIZE = 10


@dataclass(frozen=True)
class Answer:
    """What a handler returns. `body` None means an empty answer, or `content` that is no JSON."""

    body: Json | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str | None = None


Handler = Callable[["Call"], Answer | Awaitable[Answer]]


@dataclass(frozen=True)
class Operation:
    """A method on a path. `scopes` are alternatives; `writes` asks for more where a calendar is another's.

    `mailbox` is False for what no mailbox is asked for: its limits do not count there.
    """

    handler: Handler
    scopes: frozenset[str]
    allowed: Allowed
    body: Struct | Open | None = None
    action: bool = False
    writes: bool = False
    directory: bool = False
    mailbox: bool = True


@dataclass(frozen=True)
class Call:
    world: MicrosoftWorld
    account: Account
    grant: Grant
    operation: Operation
    scopes: frozenset[str]
    params: dict[str, str]
    options: Options
    body: Json
    preferences: Preferences
    headers: dict[str, str]
    base: str
    path: str
    query: tuple[tuple[str, str], ...]
    request_id: str
    fault: Action | None = None

    @property
    def root(self) -> str:
        """Where Microsoft is, above the version."""
        return self.base.removesuffix("/v1.0")

    @property
    def actor(self) -> Actor:
        return Actor(self.account.email, "api", self.request_id)

    @property
    def mailbox(self) -> Account:
        """Whose mailbox the path names."""
        user = self.params.get("user")
        if user is None:
            return self.account
        found = self.world.find_account(user)
        if found is None:
            raise errors.user_not_found(user)
        return found

    # calendars ----------------------------------------------------------------------------

    def calendar(self, *, at_least: Role = "freeBusyRead") -> Calendar:
        """The calendar the path names, or the default one."""
        calendar = self._named() if "calendar" in self.params else self.mailbox.default
        role = calendar.role_of(self.account)
        if role == "none" or rank(role) < rank(at_least):
            raise errors.access_denied()
        self._check_shared(calendar)
        return calendar

    def own_calendar(self) -> Calendar:
        """The same, of the caller."""
        calendar = self.calendar()
        if calendar.owner is not self.account:
            raise errors.access_denied()
        return calendar

    def group(self) -> Group | None:
        """The group the path names, if it names one; `calendarGroup` without a key is the default one."""
        named = self.params.get("group")
        if named is None:
            return self.mailbox.groups[0] if "/calendargroup/" in f"{self.path.lower()}/" else None
        found = read_folder_id(named)
        if found is None:
            raise errors.malformed_id()
        for group in self.mailbox.groups:
            if found == (self.mailbox.mailbox, group.token):
                return group
        raise errors.item_not_found()

    def _named(self) -> Calendar:
        group, found = self.group(), read_folder_id(self.params["calendar"])
        if found is None:
            raise errors.malformed_id()
        mailbox, token = found
        owner = self.mailbox
        listed = owner.calendars if owner is self.account else owner.listed
        for calendar in listed:
            if group is not None and owner.group_of(calendar) is not group:
                continue
            if calendar.token == token and mailbox == owner.mailbox and not calendar.deleted:
                return calendar
        raise errors.item_not_found()

    def _check_shared(self, calendar: Calendar) -> None:
        if calendar.owner is self.account:
            return
        if not self.scopes & (WRITE_SHARED if self.operation.writes else READ_SHARED):
            raise errors.access_denied()

    def events_of(self) -> Calendar:
        """The calendar, for reading or writing its events."""
        return self.calendar(at_least="write" if self.operation.writes else "limitedRead")

    def reader(self, calendar: Calendar) -> Reader:
        return Reader(self.account, calendar, self.preferences, self.base)

    # events -------------------------------------------------------------------------------

    def event(self) -> tuple[Calendar, View]:
        """The event the path names. Without a calendar in the path only the mailbox of the path is looked through."""
        where = self._event_id()
        for calendar in self._looked_through():
            item = calendar.items.get(where.item)
            if item is None or item.deleted or where.mailbox != calendar.owner.mailbox:
                continue
            if where.folder is not None and where.folder != calendar.token:
                continue
            self._check_event_access(calendar)
            found = view_of(item, where.day)
            if found is not None:
                return calendar, found
        raise errors.item_not_found()

    def names_deleted(self) -> bool:
        """Whether the path names, by its immutable id, an event that was deleted."""
        where = self._event_id()
        if where.folder is not None:
            return False
        found = [calendar.items.get(where.item) for calendar in self._looked_through()]
        return any(item is not None and item.deleted for item in found)

    def _event_id(self) -> EventId:
        where = read_event_id(self.params["event"])
        if where is None:
            raise errors.malformed_id()
        return where

    def _looked_through(self) -> list[Calendar]:
        if "calendar" in self.params:
            return [self.events_of()]
        mailbox = self.mailbox
        return [each for each in mailbox.calendars if each.owner is mailbox]

    def _check_event_access(self, calendar: Calendar) -> None:
        needed: Role = "write" if self.operation.writes else "limitedRead"
        if rank(calendar.role_of(self.account)) < rank(needed):
            raise errors.access_denied()
        self._check_shared(calendar)

    def match(self, calendar: Calendar) -> Callable[[Item], None]:
        """If-Match: 412 unless the item is what the client has seen."""
        expected = self.headers.get("if-match")
        reader = self.reader(calendar)

        def check_version(item: Item) -> None:
            if expected is None or expected.strip() == "*":
                return
            if event_etag(reader, item) not in {tag.strip() for tag in expected.split(",")}:
                raise errors.change_key()

        return check_version

    # lists --------------------------------------------------------------------------------

    def context(self, fragment: str) -> str:
        return f"{self.base}/$metadata#users('{quote(self.mailbox.oid)}')/{fragment}"

    def page(self, rows: list[Any], render: Callable[[Any], Json], fragment: str) -> Answer:
        """One page of a list, with the link to the next."""
        size = self.options.top or self.preferences.max_page_size or PAGE_SIZE
        size = min(size, self.world.knobs.page_size_cap or size)
        begin = self.options.skip
        body: Json = {"@odata.context": self.context(fragment)}
        if self.options.count:
            body["@odata.count"] = len(rows)
        body["value"] = [render(row) for row in rows[begin : begin + size]]
        if begin + size < len(rows):
            kept = [(name, value) for name, value in self.query if name.lower() not in {"$skip", "skip"}]
            body["@odata.nextLink"] = self.link([*kept, ("$skip", str(begin + size))])
        return Answer(body)

    def link(self, query: list[tuple[str, str]]) -> str:
        return f"{self.base}{self.path}?{urlencode(query, quote_via=quote, safe='$/:()')}"


# admission ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Admitted:
    """Who may do what to which path."""

    account: Account
    token: AccessToken
    operation: Operation
    params: dict[str, str]


def request_id_of(request: Request) -> tuple[str, str]:
    """The service's id of a request, and the client's own (the same, if it sends none)."""
    known: str = request.scope.setdefault("sandbox.request_id", "")
    if not known:
        known = str(uuid4())
        request.scope["sandbox.request_id"] = known
    return known, request.headers.get("client-request-id") or known


async def answer(world: MicrosoftWorld, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """What `work` gives, or its refusal. What it should never have met is logged, and told in Graph's shape as well."""
    try:
        return await work()
    except GraphError as error:
        refusal = error
    except Exception:  # noqa: BLE001 - the last resort
        _LOG.exception("%s %s failed", request.method, request.url.path)
        refusal = errors.internal()
    request_id, client_request_id = request_id_of(request)
    body = refusal.body(now=world.clock.now(), request_id=request_id, client_request_id=client_request_id)
    return render_json(body, refusal.status, {**_ids(request), **refusal.headers})


def _ids(request: Request) -> dict[str, str]:
    request_id, client_request_id = request_id_of(request)
    return {"request-id": request_id, "client-request-id": client_request_id}


async def serve(
    world: MicrosoftWorld, find: Callable[[], tuple[Operation, dict[str, str]]], request: Request
) -> Response:
    """Admit a request, run its handler, render the outcome. Raises GraphError."""
    token = authenticate(world, request)
    operation, params = find()
    if not token.scopes & operation.scopes:
        raise errors.request_denied() if operation.directory else errors.access_denied()
    account = await acting_account(world, token, params, request)
    admitted = _Admitted(account, token, operation, params)
    serving = _within_limits if operation.mailbox else _handle
    answered, preferences = await serving(world, admitted, request)
    headers = _ids(request) | answered.headers
    applied = [*preferences.applied, *(["odata.track-changes"] if operation.allowed.delta else [])]
    if applied:
        headers["preference-applied"] = ", ".join(applied)
    if answered.body is None:
        return Response(answered.content, answered.status, headers, answered.media_type)
    return render_json(answered.body, answered.status, headers)


def authenticate(world: MicrosoftWorld, request: Request) -> AccessToken:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise errors.no_token()
    token = world.grants.find_access(value.strip())
    if token is None:
        raise errors.unknown_token()
    if not world.grants.is_alive(token):
        raise errors.expired_token()
    return token


async def _within_limits(world: MicrosoftWorld, admitted: _Admitted, request: Request) -> tuple[Answer, Preferences]:
    """Outlook's limits are per app and mailbox: how many calls at once, how many in ten minutes."""
    knobs, account = world.knobs, admitted.account
    if knobs.mailbox_concurrency is not None and account.in_flight >= knobs.mailbox_concurrency:
        raise errors.over_concurrency(knobs.retry_after)
    now = world.clock.now().timestamp()
    while account.recent and account.recent[0] <= now - _RATE_WINDOW:
        account.recent.popleft()
    if knobs.requests_per_ten_minutes is not None and len(account.recent) >= knobs.requests_per_ten_minutes:
        raise errors.over_rate(knobs.retry_after)
    account.recent.append(now)
    account.in_flight += 1
    try:
        if knobs.service_time:
            await asyncio.sleep(knobs.service_time.total_seconds())
        return await _handle(world, admitted, request)
    finally:
        account.in_flight -= 1


async def _handle(world: MicrosoftWorld, admitted: _Admitted, request: Request) -> tuple[Answer, Preferences]:
    call = await _admit(world, admitted, request)
    answer = admitted.operation.handler(call)
    return (await answer if inspect.isawaitable(answer) else answer), call.preferences


async def _admit(world: MicrosoftWorld, admitted: _Admitted, request: Request) -> Call:
    operation = admitted.operation
    preferences = read_preferences(request.headers.getlist("prefer"))
    strict = world.knobs.strict
    pairs = tuple(request.query_params.multi_items())
    options = read_options(pairs, operation.allowed, strict=strict)
    root = request.scope.get("root_path", "")
    url = f"{request.url.scheme}://{request.url.netloc}{root}"
    return Call(
        world=world,
        account=admitted.account,
        grant=admitted.token.grant,
        operation=operation,
        scopes=admitted.token.scopes,
        params=admitted.params,
        options=options,
        body=await _body(request, operation, strict=strict),
        preferences=preferences,
        headers=dict(request.headers),
        base=f"{url}/v1.0",
        path=f"/{path_below(request.scope, '/v1.0/')}",
        query=pairs,
        request_id=request_id_of(request)[0],
        fault=request.scope.get(SCOPE_KEY),
    )


async def _body(request: Request, operation: Operation, *, strict: bool) -> Json:
    if operation.body is None:
        return {}
    raw = await read_bytes(request)
    if not raw:
        if operation.action:
            return {}
        raise errors.no_body()
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise errors.unsupported_media()
    return check(operation.body, parse_json(raw), action=operation.action, strict=strict)
