"""JSON batching: up to 20 requests in one. The one rule: each fails or succeeds by itself, but for what it depends on.

Outlook runs at most four of a batch at a time. https://learn.microsoft.com/graph/json-batching
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope

from sandbox.microsoft.bodies import parse_json, read_bytes
from sandbox.microsoft.errors import GraphError, render_json
from sandbox.microsoft.times import Json

REQUESTS_MAX = 20
_AT_A_TIME = 4


@dataclass
class _Part:
    """One request of a batch and the answer it got."""

    id: str
    method: str
    url: SplitResult
    headers: dict[str, str]
    body: bytes
    depends_on: tuple[str, ...]
    status: int = 424
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answer_headers = {name.decode(): value.decode() for name, value in message.get("headers", ())}
        else:
            self.answer += message.get("body", b"")

    def told(self) -> Json:
        told: Json = {"id": self.id, "status": self.status, "headers": self._headers()}
        if self.status == 424 and not self.answer:
            told["body"] = {"error": {"code": "FailedDependency", "message": "A request it depends on failed."}}
        elif self.answer:
            told["body"] = _parsed(self.answer)
        return told

    def _headers(self) -> dict[str, str]:
        named = {"retry-after": "Retry-After", "content-type": "Content-Type", "location": "Location", "etag": "ETag"}
        named["preference-applied"] = "Preference-Applied"
        return {named[name]: value for name, value in self.answer_headers.items() if name in named}


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


async def serve_batch(app: ASGIApp, request: Request) -> Response:
    """Run every request through `app` and collect the answers. Raises GraphError."""
    parts = _parse(await read_bytes(request))
    seats = asyncio.Semaphore(_AT_A_TIME)
    done = {part.id: asyncio.Event() for part in parts}
    by_id = {part.id: part for part in parts}

    async def run(part: _Part) -> None:
        for other in part.depends_on:
            await done[other].wait()
        try:
            if all(by_id[other].status < 400 for other in part.depends_on):
                async with seats:
                    await app(_scope(request, part), _receiver(part.body), part.send)
        finally:
            done[part.id].set()

    await asyncio.gather(*(run(part) for part in parts))
    return render_json({"responses": [part.told() for part in parts]})


def _bad(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


def _parse(raw: bytes) -> list[_Part]:
    payload = parse_json(raw)
    given = payload.get("requests") if isinstance(payload, dict) else None
    if not isinstance(given, list) or not given:
        raise _bad("Invalid batch payload format.")
    if len(given) > REQUESTS_MAX:
        raise _bad(f"Number of batch request steps exceeds the maximum value of {REQUESTS_MAX}.")
    parts = [_part(each) for each in given]
    earlier: set[str] = set()
    for part in parts:
        if part.id in earlier:
            raise _bad(f"Request id {part.id} is not unique.")
        if not set(part.depends_on) <= earlier:
            raise _bad(f"Request {part.id} depends on a request that does not come before it.")
        earlier.add(part.id)
    return parts


def _part(given: Any) -> _Part:
    if not isinstance(given, dict) or not all(given.get(name) for name in ("id", "method", "url")):
        raise _bad("Each request needs an id, a method and a url.")
    sent, before = given.get("headers") or {}, given.get("dependsOn") or []
    if not isinstance(sent, dict) or not isinstance(before, list):
        raise _bad("Invalid batch payload format.")
    headers = {str(name).lower(): str(value) for name, value in sent.items()}
    body = b""
    if given.get("body") is not None:
        if "content-type" not in headers:
            raise _bad(f"Request {given['id']} has a body and no Content-Type header.")
        body = json.dumps(given["body"]).encode()
    depends_on = tuple(str(each) for each in before)
    return _Part(str(given["id"]), str(given["method"]).upper(), _url(given["url"]), headers, body, depends_on)


def _url(given: Any) -> SplitResult:
    try:
        return urlsplit(str(given))
    except ValueError:
        raise _bad(f"The url '{given}' is not valid.") from None


def _scope(outer: Request, part: _Part) -> Scope:
    """A request of its own, with the token and the host of the batch."""
    root = str(outer.scope.get("root_path", ""))
    path = f"{root}/v1.0/{part.url.path.lstrip('/')}"
    carried = {name: outer.headers[name] for name in ("authorization", "host") if name in outer.headers}
    headers = {**carried, **part.headers}
    return {
        "type": "http",
        "asgi": outer.scope["asgi"],
        "http_version": "1.1",
        "scheme": outer.scope["scheme"],
        "server": outer.scope.get("server"),
        "client": outer.scope.get("client"),
        "root_path": root,
        "method": part.method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": part.url.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


def _receiver(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
