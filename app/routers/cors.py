"""Who may call from a browser: anybody the public operations, without credentials; the front ends the rest.

The one rule: the path decides, not the caller.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Forbidden
from app.routers.middleware import Envelope
from app.routers.problems import problem_response

_PUBLIC = ("/v1/public/", "/health/")
_EXPOSED = (
    "Content-Language",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HEADERS = (
    "Accept-Language",
    "Authorization",
    "Booking-Token",
    "Content-Type",
    "Hold-Token",
    "Idempotency-Key",
    "If-Match",
    "Visitor-Token",
    "X-Request-Id",
)


class CrossOrigin:
    """ASGI middleware: two policies, chosen by path."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._public, self._private = _policy(app, ("*",)), _policy(app, origins)
        self._preflights = Envelope(self._answer_preflight)  # what the application never sees is logged and named too

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_preflight(scope):
            await self._preflights(scope, receive, send)
        else:
            await self._policy_for(scope)(scope, receive, send)

    async def _answer_preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._policy_for(scope).preflight_response(Headers(scope=scope))
        if answer.status_code >= 400:  # noqa: PLR2004
            answer = problem_response(Request(scope), Forbidden())
        await answer(scope, receive, send)

    def _policy_for(self, scope: Scope) -> CORSMiddleware:
        return self._public if scope.get("path", "").startswith(_PUBLIC) else self._private


def _policy(app: ASGIApp, origins: Sequence[str]) -> CORSMiddleware:
    return CORSMiddleware(
        app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_HEADERS, expose_headers=_EXPOSED
    )


def _is_preflight(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return scope["method"] == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers
