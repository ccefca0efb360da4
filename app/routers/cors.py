"""Who may call from a browser: anybody the public operations, without credentials; the front ends the rest.

The one rule: the path decides, not the caller.
"""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

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
    "Idempotency-Key",
    "If-Match",
    "X-Request-Id",
)


class CrossOrigin:
    """ASGI middleware: two policies, chosen by path."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._public = CORSMiddleware(
            app, allow_origins=("*",), allow_methods=_METHODS, allow_headers=_HEADERS, expose_headers=_EXPOSED
        )
        self._private = CORSMiddleware(
            app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_HEADERS, expose_headers=_EXPOSED
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public = scope["type"] == "http" and scope["path"].startswith(_PUBLIC)
        await (self._public if public else self._private)(scope, receive, send)
