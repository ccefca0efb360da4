"""A POST that stands for another verb. The one rule: only a POST may, and a GET's parameters then are its body.

Google's clients send a GET whose address would be too long this way, and firewalls make others do so.
https://developers.google.com/workspace/calendar/api/guides/performance#patch
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FORM = "application/x-www-form-urlencoded"


class MethodOverride:
    """Reads `X-HTTP-Method-Override` before the routes do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        verb = headers.get("x-http-method-override", "").upper()
        if not verb or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["method"] = verb
        if verb == "GET" and headers.get("content-type", "").startswith(_FORM):
            body = await Request(scope, receive).body()
            scope["query_string"] = b"&".join(part for part in (scope["query_string"], body) if part)
            receive = _empty
        await self._app(scope, receive, send)


async def _empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
