"""Simulated Google as one ASGI application. The one rule: every path is Google's own, below wherever it is mounted.

`create_google(GoogleWorld(Clock()))` gives the application; `sandbox.google.control.create_control` the other door to
the same world. Middleware above it must hand `receive` on unwrapped (plain ASGI, no BaseHTTPMiddleware): faults that
drop connections find the socket through it.
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from sandbox.faults import FaultMiddleware
from sandbox.google import acl, calendar_list, calendars, colors, errors, events, freebusy, listing, settings, watching
from sandbox.google.batch import serve_batch
from sandbox.google.call import Handler, request_id_of, serve
from sandbox.google.discovery import describe, directory
from sandbox.google.errors import GoogleError, render_json
from sandbox.google.faults import google_preset
from sandbox.google.oauth import OAuth
from sandbox.google.overriding import MethodOverride
from sandbox.google.world import GoogleWorld
from sandbox.ledger import RequestRecord

_LIST = "/calendar/v3/users/me/calendarList"
_CALENDARS = "/calendar/v3/calendars"
_EVENTS = f"{_CALENDARS}/{{calendarId}}/events"
_EVENT = f"{_EVENTS}/{{eventId}}"
_ACL = f"{_CALENDARS}/{{calendarId}}/acl"
_RULE = f"{_ACL}/{{ruleId}}"
_SETTINGS = "/calendar/v3/users/me/settings"

ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", _LIST, "calendarList.list", calendar_list.list_entries),
    ("POST", _LIST, "calendarList.insert", calendar_list.insert_entry),
    ("POST", f"{_LIST}/watch", "calendarList.watch", watching.watch_list),
    ("GET", f"{_LIST}/{{calendarId}}", "calendarList.get", calendar_list.get_entry),
    ("PATCH", f"{_LIST}/{{calendarId}}", "calendarList.patch", calendar_list.patch_entry),
    ("PUT", f"{_LIST}/{{calendarId}}", "calendarList.update", calendar_list.update_entry),
    ("DELETE", f"{_LIST}/{{calendarId}}", "calendarList.delete", calendar_list.delete_entry),
    ("POST", _CALENDARS, "calendars.insert", calendars.insert_calendar),
    ("GET", f"{_CALENDARS}/{{calendarId}}", "calendars.get", calendars.get_calendar),
    ("PATCH", f"{_CALENDARS}/{{calendarId}}", "calendars.patch", calendars.patch_calendar),
    ("PUT", f"{_CALENDARS}/{{calendarId}}", "calendars.update", calendars.update_calendar),
    ("DELETE", f"{_CALENDARS}/{{calendarId}}", "calendars.delete", calendars.delete_calendar),
    ("POST", f"{_CALENDARS}/{{calendarId}}/clear", "calendars.clear", calendars.clear_calendar),
    ("GET", _ACL, "acl.list", acl.list_rules),
    ("POST", _ACL, "acl.insert", acl.insert_rule),
    ("POST", f"{_ACL}/watch", "acl.watch", watching.watch_access),
    ("GET", _RULE, "acl.get", acl.get_rule),
    ("PATCH", _RULE, "acl.patch", acl.patch_rule),
    ("PUT", _RULE, "acl.update", acl.update_rule),
    ("DELETE", _RULE, "acl.delete", acl.delete_rule),
    ("GET", _EVENTS, "events.list", listing.list_events),
    ("POST", _EVENTS, "events.insert", events.insert),
    ("POST", f"{_EVENTS}/quickAdd", "events.quickAdd", events.quick_add),
    ("POST", f"{_EVENTS}/import", "events.import", events.import_event),
    ("POST", f"{_EVENTS}/watch", "events.watch", watching.watch_events),
    ("GET", _EVENT, "events.get", events.get_event),
    ("PATCH", _EVENT, "events.patch", events.patch),
    ("PUT", _EVENT, "events.update", events.update),
    ("DELETE", _EVENT, "events.delete", events.delete),
    ("GET", f"{_EVENT}/instances", "events.instances", listing.list_instances),
    ("POST", f"{_EVENT}/move", "events.move", events.move),
    ("POST", "/calendar/v3/channels/stop", "channels.stop", watching.stop),
    ("POST", "/calendar/v3/freeBusy", "freebusy.query", freebusy.query_free_busy),
    ("GET", _SETTINGS, "settings.list", settings.list_settings),
    ("POST", f"{_SETTINGS}/watch", "settings.watch", watching.watch_settings),
    ("GET", f"{_SETTINGS}/{{setting}}", "settings.get", settings.get_setting),
    ("GET", "/calendar/v3/colors", "colors.get", colors.get_colors),
)
_SECRETS = re.compile(r"((?:oauth_token|access_token|refresh_token|token|code|code_verifier|key)=)[^&]+")


async def _discovery(request: Request) -> Response:
    """The API's description, for clients that build themselves from it."""
    if request.path_params.get("version", request.query_params.get("version")) != "v3":
        return await _not_found(request, LookupError())
    return render_json(describe((entry[:3] for entry in ROUTES), _root_of(request)))


async def _directory(request: Request) -> Response:
    return render_json(directory(_root_of(request), request.query_params.get("name")))


def _root_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}/"


_DISCOVERY = (
    Route("/$discovery/rest", _discovery, methods=["GET"]),
    Route("/discovery/v1/apis", _directory, methods=["GET"]),
    Route("/discovery/v1/apis/calendar/{version}/rest", _discovery, methods=["GET"]),
)


def create_google(world: GoogleWorld) -> Starlette:
    """The application over `world`, with faults and the request log around it."""
    app = Starlette(
        routes=[*OAuth(world).routes(), *_DISCOVERY, *(_route(world, *entry) for entry in ROUTES)],
        middleware=[
            Middleware(
                FaultMiddleware,
                plan=lambda: world.faults,
                identify=lambda scope, body: _account_of(world, scope, body),
                preset=google_preset,
                observe=lambda scope, account, fault, status: _record(world, scope, account, fault, status),
                now=world.clock.now,
            ),
            Middleware(MethodOverride),
        ],
        exception_handlers={404: _not_found, 405: _not_found},
    )

    async def batch(request: Request) -> Response:
        return await serve_batch(app, request)

    app.routes.append(Route("/batch/calendar/v3", batch, methods=["POST"]))
    return app


def _route(world: GoogleWorld, verb: str, path: str, method_id: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        return await serve(world, method_id, handler, request)

    function: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(path, function, methods=[verb], name=method_id)


async def _not_found(request: Request, error: Exception) -> Response:
    del request, error
    refusal: GoogleError = errors.not_found()
    return render_json(refusal.body(), refusal.status)


def _account_of(world: GoogleWorld, scope: Scope, body: bytes) -> str | None:
    """Whose token a request carries: in its header, or in the form of the token endpoint."""
    headers = dict(scope["headers"])
    value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2]
    found = world.grants.owner_of(value) if value else None
    if found is None and headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        form = parse_qs(body.decode("utf-8", "replace"))
        for name in ("refresh_token", "code", "token"):
            for secret in form.get(name, ()):
                found = found or world.grants.owner_of(secret)
    return found


def _record(world: GoogleWorld, scope: Scope, account: str | None, fault: str | None, status: int | None) -> None:
    query = scope["query_string"].decode("latin-1")
    world.requests.append(
        lambda seq: RequestRecord(
            seq=seq,
            at=world.clock.now(),
            method=scope["method"],
            path=scope["path"],
            query=_SECRETS.sub(r"\1[redacted]", query),
            status=status,
            account=account,
            request_id=request_id_of(Request(scope)),
            fault=fault,
        )
    )
