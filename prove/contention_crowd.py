"""A crowd of clients on the wire: everybody has a connection and an address before the first one asks.

The one rule: what is measured is from a request's last byte out to its answer's last byte in. Who is told to come back
later does, as a browser would, and each try counts by itself.
"""

import asyncio
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from sandbox.ports import HOST

Json = dict[str, Any]
_PATIENCE: Final = 60
"""How often somebody comes back who is told to: more than any machine should need."""
_ANSWER_SECONDS: Final = 60.0
_REFUSED: Final = 400


@dataclass(frozen=True, slots=True)
class Call:
    """What one of a crowd sends."""

    method: str
    path: str
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def wire(self, address: str) -> bytes:
        """The whole request, as it comes from this address."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        given = {"Host": "api", "X-Forwarded-For": address, "Content-Length": str(len(content)), **self.headers}
        if content:
            given["Content-Type"] = "application/json"
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + content


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back in the end; status 0: the connection was cut instead."""

    status: int
    body: Json
    tries: tuple[tuple[int, float], ...] = ()
    """The status and the seconds of each try, the last one included."""

    @property
    def won(self) -> bool:
        """It was said yes to."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str | None:
        """Why not."""
        return self.body.get("code")


class Crowd:
    """Contenders before one or several processes of the service."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = ports

    async def all_at_once(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers, in the order of the calls."""
        contenders = [_Contender(self.ports[n % len(self.ports)], _address(n)) for n in range(len(calls))]
        try:
            await asyncio.gather(*(contender.connect() for contender in contenders))
            return await asyncio.gather(*(one.persevere(call) for one, call in zip(contenders, calls, strict=True)))
        finally:
            for contender in contenders:
                contender.close()


class _Contender:
    """One client with one connection."""

    def __init__(self, port: int, address: str) -> None:
        self._port = port
        self._address = address
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        self.close()
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)

    async def persevere(self, call: Call) -> Answer:
        """Until there is an answer that is none to come back for."""
        tries: list[tuple[int, float]] = []
        wait: float | None = 0.0
        status, body = 0, Json()
        while wait is not None and len(tries) < _PATIENCE:
            if tries:
                await asyncio.sleep(wait)
                await self.connect()  # the server may have tired of waiting
            began = time.perf_counter()
            status, headers, body = await self._send(call)
            tries.append((status, time.perf_counter() - began))
            wait = float(headers["retry-after"]) if status == 409 and "retry-after" in headers else None
        return Answer(status, body, tuple(tries))

    async def _send(self, call: Call) -> tuple[int, dict[str, str], Json]:
        assert self._reader is not None
        assert self._writer is not None
        try:
            self._writer.write(call.wire(self._address))
            async with asyncio.timeout(_ANSWER_SECONDS):
                head = await self._reader.readuntil(b"\r\n\r\n")
                status, headers = _read_head(head)
                content = await self._reader.readexactly(int(headers.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            return 0, {}, {"code": type(error).__name__}
        return status, headers, json.loads(content) if content else {}

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in rest if line)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in fields}


def _address(number: int) -> str:
    """Everybody comes from a network of their own: what limits one visitor limits no crowd."""
    return f"198.51.{number // 250}.{number % 250 + 1}"


@dataclass(slots=True)
class Tally:
    """What a crowd was answered, over all rounds."""

    attempts: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    losing: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from asking to being refused, by what was played."""
    odd: list[str] = field(default_factory=list)
    """Answers that no visitor should ever get."""

    def count(self, answers: Sequence[Answer], scene: str, known: frozenset[str]) -> None:
        """Add a round of a scene; `known` are the reasons that may be given for a no."""
        losing = self.losing.setdefault(scene, [])
        for answer in answers:
            self.attempts += len(answer.tries)
            for status, seconds in answer.tries:
                self.statuses[str(status)] = self.statuses.get(str(status), 0) + 1
                if status >= _REFUSED:
                    losing.append(seconds)
            if not (answer.won or (answer.status == 409 and answer.code in known)):
                self.odd.append(f"{answer.status} {json.dumps(answer.body)[:300]}")

    def percentile(self, percent: float, scenes: Collection[str]) -> float:
        """Of the seconds of those who lost there."""
        ordered = sorted(seconds for scene in scenes for seconds in self.losing.get(scene, [])) or [0.0]
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 3)
