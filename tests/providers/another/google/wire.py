"""HTTP/1.1 as another house speaks it: names in lower case, chunks, gzip, dates, now this way and now that.

The one rule: nothing but what RFC 9110 and 9112 allow, and of that the less usual; what is usual is met elsewhere.
"""

import asyncio
import gzip
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]
_BODILESS = (204, 304)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: tuple[str, ...]
    """The segments, decoded one by one."""
    query: dict[str, str | list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """An answer, before it is dressed."""

    status: int = 200
    body: Json | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Half of the body, then silence."""


class Lost(Exception):
    """The connection ends without a word."""


class Wire:
    """A server on a free port over one handler."""

    def __init__(self, handler: Callable[[Asked], Awaitable[Said]], chance: random.Random) -> None:
        self._handler = handler
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                asked = await _read(reader)
                said = await self._handler(asked)
                writer.writelines(self._dressed(asked, said))
                await writer.drain()
                if said.cut:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, Lost):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    def _dressed(self, asked: Asked, said: Said) -> list[bytes]:
        headers = {"date": format_datetime(datetime.now(UTC), usegmt=True), "server": "ESF", "vary": "Origin, X-Origin"}
        body = self._body(said, headers)
        headers |= {name.lower(): value for name, value in said.headers.items()}
        if body and "gzip" in asked.headers.get("accept-encoding", "") and self._chance.random() < 0.5:
            headers["content-encoding"], body = "gzip", gzip.compress(body)
        chunked = body and not said.cut and self._chance.random() < 0.5
        if chunked:
            headers["transfer-encoding"] = "chunked"
        elif said.status not in _BODILESS:
            headers["content-length"] = str(len(body))
        names = list(headers)
        self._chance.shuffle(names)
        head = "\r\n".join([f"HTTP/1.1 {said.status} ", *(f"{name}:{headers[name]} " for name in names), "", ""])
        if said.cut:
            body = body[: len(body) // 2]
        return [head.encode("latin-1"), *(self._chunks(body) if chunked else [body])]

    def _body(self, said: Said, headers: dict[str, str]) -> bytes:
        if said.body is None:
            return b""
        if isinstance(said.body, str):
            headers["content-type"] = "text/html; charset=UTF-8"
            return said.body.encode()
        headers["content-type"] = self._chance.choice(("application/json; charset=UTF-8", "application/json"))
        text = json.dumps(
            shuffled(said.body, self._chance),
            ensure_ascii=self._chance.random() < 0.5,
            indent=self._chance.choice((1, None)),
        )
        return text.encode()

    def _chunks(self, body: bytes) -> list[bytes]:
        pieces = []
        while body:
            size = self._chance.randrange(1, 4000)
            pieces.append(b"%x;odd=1\r\n%b\r\n" % (len(body[:size]), body[:size]))
            body = body[size:]
        return [*pieces, b"0\r\n\r\n"]


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same JSON with its members in another order."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    names = list(value)
    chance.shuffle(names)
    return {name: shuffled(value[name], chance) for name in names}


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)):
        if name in query:
            earlier = query[name]
            query[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            query[name] = value
    return Asked(method, tuple(unquote(part) for part in parts.path.split("/")[1:]), query, headers, body)
