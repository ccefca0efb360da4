"""A small HTTP/1.1 server that says what it has to say in every form the protocol allows, by a seeded die.

The one rule: only the form differs from answer to answer (counted or chunked, packed or plain, names of headers in any
case, text escaped or not); what is said is the affair of whoever serves.
"""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

_CONTENT_TYPES = (
    "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8",
    'application/json;charset="UTF-8"',
    "application/json",
)
_CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, str)
_CRLF = b"\r\n"


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str
    """Still percent-encoded."""
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """What is to be answered; no `body`, no content."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False
    """The connection breaks instead."""
    cut: bool = False
    """It breaks half-way through the body."""


Serve = Callable[[Asked], Awaitable[Said]]


class Wire:
    """Serves on a free port of this machine while it is entered."""

    def __init__(self, serve: Serve, die: Random) -> None:
        self._serve = serve
        self._die = die
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _read(reader)
                said = await self._serve(asked)
                if said.lost:
                    return
                formed = self._formed(said, "gzip" in asked.headers.get("accept-encoding", ""))
                writer.write(formed[:-7] if said.cut else formed)
                await writer.drain()
                if said.cut:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _formed(self, said: Said, may_pack: bool) -> bytes:
        headers = dict(said.headers)
        if said.body is None:
            return self._head(said.status, headers if said.status == 204 else headers | {"Content-Length": "0"})
        body = said.body
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=self._die.random() < 0.5).encode()
            headers.setdefault("Content-Type", self._die.choice(_CONTENT_TYPES))
        if may_pack and self._die.random() < 0.4:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        if self._die.random() < 0.5:
            return self._head(said.status, headers | {"Content-Length": str(len(body))}) + body
        chunks = b"".join(self._chunks(body))
        return self._head(said.status, headers | {"Transfer-Encoding": "chunked"}) + chunks

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        case = self._die.choice(_CASES)
        lines = [f"HTTP/1.1 {status} ", *(f"{case(name)}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode()

    def _chunks(self, body: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(body):
            size = self._die.randint(1, 4000)
            piece = body[at : at + size]
            yield f"{len(piece):X}".encode() + self._die.choice((b"", b";x=y")) + _CRLF + piece + _CRLF
            at += size
        yield b"0" + _CRLF + _CRLF


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    return Asked(method, parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
