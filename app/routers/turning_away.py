"""The short way out of a full process: who sends no body is answered before anything else is done for them.

The one rule: the answer is the one that the long way gives, made beforehand by the same hands; only the request's id is
its own.
"""

import time
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Overloaded
from app.i18n import Language, negotiate
from app.routers.admission import Door, has_body
from app.routers.middleware import count_answer, request_id_of, safe_headers
from app.routers.problems import problem_response

_ID: Final = "the-request's-own-id"
_LENGTH: Final = b"content-length"
_OPERATION: Final = "none"

RawHeaders = list[tuple[bytes, bytes]]


class TurningAway:
    """ASGI middleware, around `Envelope` and all that it does for a request."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door
        self._made: dict[tuple[Language, int], tuple[RawHeaders, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._door.is_shut_to(scope) and not has_body(scope):
            await self._turn_away(scope, send)
        else:
            await self._app(scope, receive, send)

    async def _turn_away(self, scope: Scope, send: Send) -> None:
        began = time.perf_counter()
        language, request_id = _asked(scope)
        headers, body = self._answer(scope["app"], language, self._door.wait_seconds())
        body = body.replace(_ID.encode(), request_id)
        own = [(b"x-request-id", request_id), (_LENGTH, str(len(body)).encode())]
        await send({"type": "http.response.start", "status": Overloaded.status_code, "headers": [*headers, *own]})
        await send({"type": "http.response.body", "body": body})
        count_answer(_OPERATION, Overloaded.status_code, Overloaded.code, began=began)

    def _answer(self, app: Starlette, language: Language, seconds: int) -> tuple[RawHeaders, bytes]:
        """Made when it is needed first."""
        made = self._made.get((language, seconds))
        if made is None:
            made = self._made[language, seconds] = _make_answer(app, language, seconds)
        return made


def _asked(scope: Scope) -> tuple[Language, bytes]:
    """The language that is asked for, and what the request is called."""
    given = dict(scope["headers"])
    named = request_id_of(given.get(b"x-request-id", b"").decode("latin-1"))
    return negotiate(given.get(b"accept-language", b"").decode("latin-1")), named.encode()


def _make_answer(app: Starlette, language: Language, seconds: int) -> tuple[RawHeaders, bytes]:
    """Everything that is the same for all who are told this, and the body with a mark in the id's place."""
    asked: Scope = {
        "type": "http",
        "app": app,
        "headers": [(b"accept-language", language.value.encode())],
        "state": {"request_id": _ID},
    }
    answer = problem_response(Request(asked), Overloaded(retry_after=seconds))
    headers = [pair for pair in answer.raw_headers if pair[0] != _LENGTH]
    return safe_headers(headers), bytes(answer.body)
