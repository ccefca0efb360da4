"""Batched calls: up to 50 requests in one multipart/mixed body. The one rule: each part fails or succeeds by itself.

https://developers.google.com/workspace/calendar/api/guides/batch
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message as Part
from email.parser import BytesParser
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope

from sandbox.google.bodies import read_body
from sandbox.google.errors import GoogleError, render_json

CALLS_MAX = 50
_SERVED = "/calendar/v3/"


@dataclass
class _Inner:
    """One call of a batch and the answer it got."""

    content_id: str | None
    method: str
    target: SplitResult
    headers: list[tuple[bytes, bytes]]
    body: bytes
    status: int = 500
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answer_headers = list(message.get("headers", ()))
        else:
            self.answer += message.get("body", b"")


async def serve_batch(app: ASGIApp, request: Request) -> Response:
    """Run every part through `app`, one after the other, and join the answers."""
    try:
        calls = list(_parse(request, await read_body(request)))
    except GoogleError as error:
        return render_json(error.body(), error.status)
    except ValueError:  # neither text nor an address
        refusal = GoogleError(400, "badRequest", "Failed to parse batch request.")
        return render_json(refusal.body(), refusal.status)
    for call in calls:
        await _run(app, request.scope, call)
    boundary = f"batch_{uuid4().hex}"
    parts = b"".join(f"--{boundary}\r\n".encode() + _part(call) for call in calls)
    content = parts + f"--{boundary}--\r\n".encode()
    return Response(content, media_type=f'multipart/mixed; boundary="{boundary}"')


def _parse(request: Request, body: bytes) -> Iterator[_Inner]:
    content_type = request.headers.get("content-type", "")
    if not content_type.startswith("multipart/mixed"):
        raise GoogleError(400, "badRequest", "Batch requests must be multipart/mixed.")
    message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = message.get_payload()
    if not isinstance(parts, list) or not parts:
        raise GoogleError(400, "badRequest", "Failed to parse batch request, error: no parts.")
    if len(parts) > CALLS_MAX:
        raise GoogleError(
            400, "badRequest", f"The batch request exceeds the maximum number of calls: {len(parts)} > {CALLS_MAX}."
        )
    outer = request.headers.get("authorization")
    for part in parts:
        assert isinstance(part, Part)
        yield _parse_part(part, outer)


def _parse_part(part: Part, outer_authorization: str | None) -> _Inner:
    if part.get_content_type() != "application/http":
        raise GoogleError(400, "badRequest", "Each part of a batch must be of type application/http.")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    head, _, body = bytes(payload).lstrip().replace(b"\r\n", b"\n").partition(b"\n\n")
    request_line, _, raw_headers = head.partition(b"\n")
    words = request_line.decode().split()
    if len(words) < 2:
        raise GoogleError(400, "badRequest", "Failed to parse the request line of a part.")
    named = BytesParser().parsebytes(raw_headers + b"\n\n", headersonly=True)
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    if outer_authorization and not any(name == b"authorization" for name, _ in headers):
        headers.append((b"authorization", outer_authorization.encode()))
    return _Inner(part.get("Content-ID"), words[0].upper(), urlsplit(words[1]), headers, body.strip(b"\n"))


async def _run(app: ASGIApp, outer: Scope, call: _Inner) -> None:
    at = call.target.path.find(_SERVED)
    if at < 0:
        refusal = GoogleError(404, "notFound", "Not Found")
        call.status, call.answer = refusal.status, bytes(render_json(refusal.body()).body)
        return
    root = str(outer.get("root_path", ""))
    path = root + call.target.path[at:]
    scope: Scope = {
        "type": "http",
        "asgi": outer["asgi"],
        "http_version": "1.1",
        "scheme": outer["scheme"],
        "server": outer.get("server"),
        "client": outer.get("client"),
        "root_path": root,
        "method": call.method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": call.target.query.encode(),
        "headers": call.headers,
    }
    await app(scope, _receiver(call.body), call.send)


def _receiver(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _part(call: _Inner) -> bytes:
    content_id = f"Content-ID: <response-{call.content_id.strip('<>')}>\r\n" if call.content_id else ""
    # At least one header: Google's own client cannot read a part without any.
    named = {b"content-length": str(len(call.answer)).encode(), **dict(call.answer_headers)}
    headers = "".join(f"{name.decode().title()}: {value.decode()}\r\n" for name, value in named.items())
    head = (
        f"Content-Type: application/http\r\n{content_id}\r\nHTTP/1.1 {call.status} {_REASONS.get(call.status, '')}\r\n"
    )
    return (head + headers + "\r\n").encode() + call.answer + b"\r\n"


_REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized"}
_REASONS |= {403: "Forbidden", 404: "Not Found", 409: "Conflict", 410: "Gone", 412: "Precondition Failed"}
_REASONS |= {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
