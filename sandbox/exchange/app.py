"""Simulated Exchange as one ASGI application. The one rule: every path is Exchange's own, below wherever it is mounted.

`create_exchange(ExchangeWorld(Clock()))` gives the application; `sandbox.exchange.control.create_control` the other
door to the same world. Middleware above it must hand `receive` on unwrapped (plain ASGI): the connection is found
through it, for NTLM and for faults that drop connections.

All calls have one path, so what a fault rule can match on is put into the query: `op=CreateItem&mailbox=ada@...`.
"""

import asyncio
import re
from collections.abc import Awaitable, MutableMapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.exchange.authentication import Authenticator
from sandbox.exchange.autodiscover import POX_PATH, SOAP_PATH, answer_pox, answer_soap
from sandbox.exchange.call import new_request_id
from sandbox.exchange.dispatch import serve
from sandbox.exchange.faults import exchange_preset
from sandbox.exchange.reading import NotXml, read
from sandbox.exchange.streaming import Stream
from sandbox.exchange.world import ExchangeWorld, Mailbox
from sandbox.faults import SCOPE_KEY, FaultMiddleware
from sandbox.ledger import RequestRecord

EWS_PATH = "/ews/exchange.asmx"
_CALLER = "sandbox.exchange.caller"
_STREAM = "sandbox.exchange.stream"
_REQUEST_ID = "sandbox.request_id"
_XML = "text/xml; charset=utf-8"
_OPERATION = re.compile(rb"<(?:[\w.-]+:)?Body[^>]*>\s*(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?(\w+)", re.DOTALL)
_IMPERSONATED = re.compile(
    rb"ConnectingSID[^>]*>\s*<(?:[\w.-]+:)?(?:PrimarySmtpAddress|SmtpAddress|PrincipalName)[^>]*>\s*([^<\s]+)"
)


def create_exchange(world: ExchangeWorld) -> ASGIApp:
    """The application over `world`: sign-in, then faults and the request log, then the service."""
    service = FaultMiddleware(
        _service(world),
        plan=lambda: world.faults,
        identify=lambda scope, _: str(scope[_CALLER].email),
        preset=exchange_preset,
        observe=lambda scope, account, fault, status: _record(world, scope, account, fault, status),
        now=world.clock.now,
    )
    return _front(world, service)


def _front(world: ExchangeWorld, service: ASGIApp) -> ASGIApp:
    authenticator = Authenticator(world)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _read_body(receive, world.knobs.max_request_bytes)
        scope = {**scope, _REQUEST_ID: headers.get("client-request-id") or new_request_id()}
        refusal = _refuse_early(scope, body)
        if refusal is not None:
            _record(world, scope, None, None, refusal)
            await _send(scope, send, refusal, b"", {})
            return
        assert body is not None
        scope["query_string"] = _matchable(body)
        connection = authenticator.connection(_transport_of(receive), scope.get("client"))
        verdict = authenticator.judge(connection, headers.get("authorization"))
        if verdict.mailbox is None:
            _record(world, scope, None, None, 401)
            await _send(scope, send, 401, b"", {}, challenges=verdict.challenges)
            return
        scope[_CALLER] = verdict.mailbox
        await _with_stream(service, scope, _Replay(body, receive), send)

    return front


def _refuse_early(scope: Scope, body: bytes | None) -> int | None:
    """What the web server refuses before anybody signs in: another path or verb, too much, compressed."""
    path = _path(scope)
    if path not in {EWS_PATH, POX_PATH, SOAP_PATH}:
        return 404
    if scope["method"] != "POST":
        return 405
    if any(name == b"content-encoding" and value.strip().lower() != b"identity" for name, value in scope["headers"]):
        return 415  # answers may be compressed, requests not
    return 413 if body is None else None


def _path(scope: Scope) -> str:
    """Below the mount, and without regard to case, as IIS looks it up."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).lower()


def _service(world: ExchangeWorld) -> ASGIApp:
    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        caller: Mailbox = scope[_CALLER]
        try:
            if _path(scope) == POX_PATH:
                status, answer = 200, answer_pox(world, read(body), _origin(scope))
            elif _path(scope) == SOAP_PATH:
                status, answer = 200, answer_soap(world, read(body), _origin(scope))
            else:
                served = await serve(world, body, caller, scope[_REQUEST_ID], scope.get(SCOPE_KEY))
                status, answer, scope[_STREAM] = served.status, served.body, served.stream
        except NotXml:
            status, answer = 400, b""  # WCF answers what it cannot read with a bare 400
        await _send(scope, send, status, answer, {"content-type": _XML})

    return service


async def _with_stream(service: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Call the service; where its answer goes on, and no fault cut it, hand on what comes for as long as it does."""
    goes_on = False

    async def relay(message: Message) -> None:
        nonlocal goes_on
        if message["type"] == "http.response.body" and not message.get("more_body") and scope.get(_STREAM):
            goes_on = True
            message = {**message, "more_body": True}
        await send(message)

    await service(scope, receive, relay)
    if goes_on:
        await _pour(scope[_STREAM], receive, send)


async def _pour(stream: Stream, receive: Receive, send: Send) -> None:
    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        stream.close()

    watching = asyncio.create_task(watch())
    try:
        async with aclosing(stream.documents()) as documents:
            async for document in documents:
                await send({"type": "http.response.body", "body": document, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        watching.cancel()


def _origin(scope: Scope) -> str:
    """How the client reached the server, up to where it is mounted."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
    return f"{scope['scheme']}://{host}{scope.get('root_path', '')}"


def _matchable(body: bytes) -> bytes:
    operation = _OPERATION.search(body[:65536])
    impersonated = _IMPERSONATED.search(body[:65536])
    query = {
        "op": operation[1].decode() if operation is not None else "",
        "mailbox": impersonated[1].decode("utf-8", "replace").lower() if impersonated is not None else "",
    }
    return urlencode({name: value for name, value in query.items() if value}, safe="@").encode()


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The body, or None where it is larger than the server takes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks)
        chunk = bytes(message.get("body", b""))
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if size <= limit else None


class _Replay:
    """A `receive` that gives the body again, and knows the one it stands for."""

    def __init__(self, body: bytes, original: Receive) -> None:
        self.original = original
        self._pending: Message | None = {"type": "http.request", "body": body, "more_body": False}

    def __call__(self) -> Awaitable[MutableMapping[str, Any]]:
        return self._next()

    async def _next(self) -> Message:
        if self._pending is not None:
            message, self._pending = self._pending, None
            return message
        return await self.original()


def _transport_of(receive: Receive) -> asyncio.Transport | None:
    """The connection, from the server's own request object, which `receive` is a method of."""
    transport: asyncio.Transport | None = getattr(getattr(receive, "__self__", None), "transport", None)
    return transport


async def _send(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    headers: dict[str, str],
    *,
    challenges: tuple[str, ...] = (),
) -> None:
    named = {
        "cache-control": "private",
        "request-id": scope[_REQUEST_ID],
        "x-diaginfo": "EXCH01",
        **headers,
    }
    if not scope.get(_STREAM):
        named["content-length"] = str(len(body))
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    pairs += [(b"www-authenticate", challenge.encode("latin-1")) for challenge in challenges]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _record(world: ExchangeWorld, scope: Scope, account: str | None, fault: str | None, status: int | None) -> None:
    world.requests.append(
        lambda seq: RequestRecord(
            seq=seq,
            at=world.clock.now(),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            status=status,
            account=account,
            request_id=scope[_REQUEST_ID],
            fault=fault,
        )
    )
