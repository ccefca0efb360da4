"""How many requests a process works on at once; what comes beyond that is turned away with 503 and Retry-After.

The one rule: a request is let in or turned away before anything of it has happened. Who is turned away has cost little
and changed nothing and may simply ask again; who is let in waits behind a known number of others, not behind a crowd.

Work is counted, not connections: a body that is still coming holds no place, else two hundred callers who send theirs a
byte a second would close the service.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Overloaded
from app.routers.problems import problem_response
from app.telemetry.metrics import IN_FLIGHT

_ALWAYS: Final = ("/health/", "/metrics")
"""Whoever runs the service has to see it most of all when it is full. A full process is alive, and ready: were it taken
out of service for being full, the others would be full next."""
_SPREAD: Final = 4
"""Seconds over which those who are turned away come back: not all of them at once."""
_BODY_HEADERS: Final = {b"content-length", b"transfer-encoding"}


class Door:
    """How many requests a process is at work on, of how many."""

    def __init__(self, *, at_once: int) -> None:
        self._at_once = at_once
        self._at_work = 0
        self._turned_away = 0

    def is_shut_to(self, scope: Scope) -> bool:
        """Whether this request is to be turned away now."""
        return self._at_work >= self._at_once and not _is_exempt(scope)

    def wait_seconds(self) -> int:
        """When somebody who is turned away shall come back."""
        self._turned_away += 1
        return 1 + self._turned_away % _SPREAD

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """Be at work."""
        self._count(1)
        try:
            yield Place(self._count)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        self._at_work += more
        IN_FLIGHT.inc(more)


class Place:
    """One at work."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Hold it for nobody meanwhile: who waits is not at work. Afterwards it is there again, however full it is."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)


class Admission:
    """ASGI middleware, inside `Envelope`: it sees to the size of a body, and names what is turned away."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_exempt(scope):
            await self._app(scope, receive, send)
            return
        if has_body(scope):
            receive = await _arrived(receive)
        if self._door.is_shut_to(scope):
            refusal = Overloaded(retry_after=self._door.wait_seconds())
            await problem_response(Request(scope), refusal)(scope, receive, send)
            return
        with self._door.place() as place:
            scope.setdefault("state", {})["place"] = place
            await self._app(scope, receive, send)


def has_body(scope: Scope) -> bool:
    """Whether the request says that it brings one."""
    return any(name in _BODY_HEADERS for name, _ in scope["headers"])


def _is_exempt(scope: Mapping[str, Any]) -> bool:
    return str(scope["path"]).startswith(_ALWAYS)


async def _arrived(receive: Receive) -> Receive:
    """Waits for the whole body; `Envelope` sees to its size. The way to receive it once more, and what comes after."""
    parts: list[Message] = []
    while not parts or parts[-1].get("more_body", False):
        parts.append(await receive())
    parts.reverse()

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return again
