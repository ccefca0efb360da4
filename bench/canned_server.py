"""A canned provider as a server, and a memory of what it was asked.

    GET /asked/listing/{calendar}    the requests of its latest full listing, to be asked again
    GET /asked/change/{calendar}     the latest request for what changed in it

The one rule: a process of its own, served as fast as can be: what it costs to be Google is nobody's figure here.

    python -m bench.canned_server PROVIDER PORT FIRST_DAY [CHAIN KEY]
"""

import sys
from datetime import date
from typing import Final

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.canned_exchange import CannedExchange
from bench.canned_google import CannedGoogle
from bench.canned_graph import CannedGraph
from bench.canned_rows import CannedProvider, Memory, Remembered, asked_of
from bench.floor_app import HOST

ASKED: Final = "/asked/"
_TYPES: Final = {"exchange": b"text/xml; charset=utf-8"}
_KEPT_ALIVE_SECONDS: Final = 120


def canned(provider: str, port: int, first: date) -> CannedProvider:
    """The provider of that name."""
    match provider:
        case "google":
            return CannedGoogle(first)
        case "office365":
            return CannedGraph(first, f"http://{HOST}:{port}")
        case "exchange":
            return CannedExchange(first)
    raise ValueError(provider)


def application(provider: CannedProvider, content_type: bytes) -> ASGIApp:
    """The ASGI application."""
    memory = Memory()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # uvicorn takes the refusal of anything else for "not supported"
        if scope["path"].startswith(ASKED):
            await _send(send, 200, b"application/json", msgspec.json.encode(_remembered(memory, scope["path"])))
            return
        asked = asked_of(scope["method"], _target(scope), _headers(scope), await _body(receive))
        reply = provider.answer(asked)
        memory.keep(asked, reply)
        await _send(send, reply.status, content_type, reply.body)

    return serve


def _remembered(memory: Memory, path: str) -> list[Remembered]:
    kind, _, calendar = path.removeprefix(ASKED).partition("/")
    return memory.listing(calendar) if kind == "listing" else memory.change(calendar)


def _target(scope: Scope) -> str:
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode()


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(provider: str, port: str, first: str, chain: str | None = None, key: str | None = None) -> None:
    """Serve until stopped."""
    uvicorn.run(
        application(canned(provider, int(port), date.fromisoformat(first)), _TYPES.get(provider, b"application/json")),
        host=HOST,
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEPT_ALIVE_SECONDS,
        ssl_certfile=chain,
        ssl_keyfile=key,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
