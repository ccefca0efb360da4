"""What happens to every request and answer: an id, a log line, a size limit, safe headers.

The one rule: this layer looks at headers and sizes only; it never reads what a body says.
"""

import re
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import structlog
import uuid_utils.compat
from fastapi.routing import APIRoute
from opentelemetry.trace import Span
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError, InternalError, MalformedRequest, Overloaded, PayloadTooLarge, UnsupportedMediaType
from app.routers.operation_ids import operation_id
from app.routers.problems import problem_response
from app.telemetry.metrics import PROBLEMS, REQUEST_SECONDS, REQUESTS
from app.telemetry.traces import failed, request_span

MAX_BODY_BYTES = 256 * 1024
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_SAFE_HEADERS: dict[str, str] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=63072000",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_WITH_BODY = {"POST", "PUT", "PATCH"}

log = structlog.get_logger("app.access")


class _BodyTooLargeError(HTTPException):
    """More bytes came than the limit allows. FastAPI makes a 400 of any other error met while reading a body."""

    def __init__(self) -> None:
        super().__init__(PayloadTooLarge.status_code)


class Envelope:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = request_id_of(headers.get("X-Request-Id", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        exchange = _Exchange(scope, receive, send, request_id)
        with request_span(headers) as current:
            try:
                await self._answer(exchange, headers)
            finally:
                exchange.log()
                exchange.count(current)
                structlog.contextvars.clear_contextvars()

    async def _answer(self, exchange: "_Exchange", headers: Headers) -> None:
        scope = exchange.scope
        refusal = _refusal(scope["method"], headers)
        if refusal is not None:
            await self._problem(exchange, refusal)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except _BodyTooLargeError:
            await self._problem(exchange, PayloadTooLarge())
        except Exception as error:
            log.exception("request.failed", error=type(error).__name__)
            await self._problem(exchange, InternalError())

    @staticmethod
    async def _problem(exchange: "_Exchange", error: AppError) -> None:
        """Answer with a problem, if nothing was answered yet; else cut the answer short."""
        if exchange.started:
            raise error
        request = Request(exchange.scope)
        await problem_response(request, error)(exchange.scope, exchange.receive, exchange.send)


def request_id_of(asked: str) -> str:
    """The caller's own, where it can be one."""
    return asked if _REQUEST_ID.fullmatch(asked) else uuid_utils.compat.uuid7().hex


def safe_headers(
    answered: Iterable[tuple[bytes, bytes]], more: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[bytes, bytes]]:
    """An answer's headers, and with them those that every answer has and it does not."""
    known = list(answered)
    names = {name.lower() for name, _ in known}
    added = ((name.lower().encode(), value.encode("latin-1")) for name, value in (_SAFE_HEADERS | dict(more)).items())
    return [*known, *(pair for pair in added if pair[0] not in names)]


def count_answer(operation: str, status: int | None, problem: str | None, *, began: float) -> None:
    """An answer among its like; status None: there was none, the connection was cut."""
    REQUESTS.labels(operation, "none" if status is None else f"{status // 100}xx").inc()
    REQUEST_SECONDS.labels(operation).observe(time.perf_counter() - began)
    if problem is not None:
        PROBLEMS.labels(operation, problem).inc()


def _refusal(method: str, headers: Headers) -> MalformedRequest | PayloadTooLarge | UnsupportedMediaType | None:
    """What is wrong with the request before its body is read."""
    length = headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        return MalformedRequest()
    if int(length) > MAX_BODY_BYTES:
        return PayloadTooLarge()
    has_body = int(length) > 0 or "Transfer-Encoding" in headers
    media_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if method in _WITH_BODY and has_body and media_type != "application/json":
        return UnsupportedMediaType()
    return None


class _Exchange:
    """One request and its answer, watched."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.scope = scope
        self.started = False
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._received = 0
        self._status = 500
        self._began = time.perf_counter()

    async def receive(self) -> Message:
        """The next message, while the body stays within the limit."""
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY_BYTES:
            raise _BodyTooLargeError
        return message

    async def send(self, message: Message) -> None:
        """Pass on, with the headers every answer has."""
        if message["type"] == "http.response.start":
            self.started = True
            self._status = message["status"]
            more = dict(self.scope["state"].get("answer_headers", {}))
            own = (b"x-request-id", self._request_id.encode())
            message["headers"] = safe_headers([*message["headers"], own], more)
        await self._send(message)

    def log(self) -> None:
        """One line per request: the route, never the query. A crowd that is turned away is counted alone: a line each
        would cost as much as the refusal itself.
        """
        route = self.scope.get("route")
        tell = log.debug if self.scope["state"].get("problem") == Overloaded.code else log.info
        tell(
            "request",
            method=self.scope["method"],
            route=getattr(route, "path", None),
            status=self._status,
            milliseconds=round((time.perf_counter() - self._began) * 1000, 1),
        )

    def count(self, current: Span | None) -> None:
        """The request among its like, by the operation's name; what no operation answers is one kind."""
        route = self.scope.get("route")
        operation = operation_id(route) if isinstance(route, APIRoute) else "none"
        problem = self.scope["state"].get("problem")
        count_answer(operation, self._status if self.started else None, problem, began=self._began)
        if current is not None:
            current.update_name(operation)
            current.set_attribute("http.request.method", self.scope["method"])
            current.set_attribute("http.response.status_code", self._status)
            if self._status >= InternalError.status_code:
                failed(current, problem or "none")
