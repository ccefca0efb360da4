"""An HTTP server on a real socket that says exactly what a test wrote down, broken answers included.

The one rule: a request that the script has no answer for fails the test that sent it (the connection is cut).
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer. With `cut_after` only so many bytes of the body are sent before the connection is dropped."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None

    def encoded(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} X", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + (body if self.cut_after is None else body[: self.cut_after])


@dataclass(frozen=True)
class Drop:
    """The connection is closed after the request was read: was it done?"""


class ScriptedServer:
    """Answers in the order they were scripted; remembers every request."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.at_once = 0
        """The most requests that were under way together."""
        self._busy = 0
        self._script: deque[Reply | Drop] = deque()
        self._server: asyncio.Server | None = None
        self.delay = 0.0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
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

    def script(self, *answers: Reply | Drop) -> None:
        self._script.extend(answers)

    @property
    def left(self) -> int:
        """Answers nobody came for."""
        return len(self._script)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            self.seen.append(request)
            self._busy += 1
            self.at_once = max(self.at_once, self._busy)
            if self.delay:
                await asyncio.sleep(self.delay)
            answer = self._script.popleft() if self._script else Drop()
            if isinstance(answer, Reply):
                writer.write(answer.encoded())
                await writer.drain()
            self._busy -= 1
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Seen(method, unquote(parts.path), parts.path, query, headers, body)
