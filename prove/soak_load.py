"""So many requests a second, whether they are answered or not, made by a process of its own; and what came of them.

The one rule: nobody waits for anybody. A client that asks again once it was answered slows down with the service, and
never shows what a crowd does that goes on arriving.

    python -m prove.soak_load < flood.json
"""

import asyncio
import resource
import sys
from collections import Counter, deque
from time import perf_counter
from typing import Final, cast

import httptools
import msgspec
import uvloop

from sandbox.ports import HOST
from sandbox.stack import ROOT

_TICK: Final = 0.005  # seconds
_PATIENCE: Final = 20.0  # seconds for the last answers
_MOST_CONNECTIONS: Final = 2000
_RETRY_AFTER: Final = b"retry-after"
_SHED: Final = (429, 503)


class Flood(msgspec.Struct, frozen=True):
    """What arrives."""

    port: int
    requests: list[str]
    """Whole HTTP/1.1 requests, one after another and again."""
    per_second: float
    seconds: float


class Flooded(msgspec.Struct, frozen=True):
    """What came of it."""

    seconds: float
    """While requests arrived."""
    sent: int
    unsent: int
    """Due, but the clients had no connection left: they, not the service, were at their end."""
    statuses: dict[int, int]
    """0: the connection was closed instead of an answer; -1: nothing came."""
    answered_ms: list[float]
    """How long 2xx took, rising."""
    without_retry_after: int
    """Of those that were turned away."""

    @property
    def turned_away(self) -> int:
        """429 or 503."""
        return sum(self.statuses.get(status, 0) for status in _SHED)

    @property
    def goodput(self) -> float:
        """Good answers a second."""
        return len(self.answered_ms) / self.seconds

    def percentile(self, percent: float) -> float:
        """The milliseconds that so many of a hundred good answers do not exceed."""
        return self.answered_ms[min(len(self.answered_ms) - 1, int(len(self.answered_ms) * percent / 100))]


async def pour(flood: Flood) -> Flooded:
    """Have a process make it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "prove.soak_load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    told, _ = await process.communicate(msgspec.json.encode(flood))
    return msgspec.json.decode(told, type=Flooded)


class _Pouring:
    """A flood while it lasts."""

    def __init__(self, flood: Flood) -> None:
        self.flood = flood
        self.idle: deque[_Client] = deque()
        self.answered: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.without_retry_after = 0
        self.owing = 0
        self._connections = 0
        self._sent = 0
        self._unsent = 0
        self._requests = [request.encode() for request in flood.requests]
        self._dialling: set[asyncio.Task[None]] = set()

    async def run(self) -> Flooded:
        """All of it, and the answers that are still to come."""
        began = perf_counter()
        while (passed := perf_counter() - began) < self.flood.seconds:
            for _ in range(int(passed * self.flood.per_second) - self._sent - self._unsent):
                self._send()
            await asyncio.sleep(_TICK)
        seconds, deadline = perf_counter() - began, perf_counter() + _PATIENCE
        while self.owing and perf_counter() < deadline:  # noqa: ASYNC110 - with a deadline, and it is a load generator
            await asyncio.sleep(_TICK)
        if self.owing:
            self.statuses[-1] += self.owing
        return Flooded(
            seconds,
            self._sent,
            self._unsent,
            dict(self.statuses),
            sorted(self.answered),
            self.without_retry_after,
        )

    def _send(self) -> None:
        if not self.idle and self._connections >= _MOST_CONNECTIONS:
            self._unsent += 1
            return
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        self.owing += 1
        if self.idle:
            self.idle.pop().ask(request, perf_counter())
        else:
            self._connections += 1
            task = asyncio.create_task(self._dial(request, perf_counter()))
            self._dialling.add(task)
            task.add_done_callback(self._dialling.discard)

    async def _dial(self, request: bytes, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, client = await loop.create_connection(lambda: _Client(self), HOST, self.flood.port)
        except OSError:
            self.closed(owing=True)
        else:
            client.ask(request, due)

    def count(self, status: int, due: float, *, told_when: bool) -> None:
        """An answer came."""
        self.owing -= 1
        self.statuses[status] += 1
        if 200 <= status < 300:
            self.answered.append((perf_counter() - due) * 1000)
        elif status in _SHED and not told_when:
            self.without_retry_after += 1

    def closed(self, *, owing: bool) -> None:
        """A connection ended."""
        self._connections -= 1
        if owing:
            self.owing -= 1
            self.statuses[0] += 1


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, pouring: _Pouring) -> None:
        self._pouring = pouring
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._due: float | None = None
        self._told_when = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is asked yet."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if name.lower() == _RETRY_AFTER and value.isdigit() and int(value) > 0:
            self._told_when = True

    def on_message_complete(self) -> None:
        """Called by the parser: the answer is whole, and another may be asked for."""
        assert self._due is not None
        self._pouring.count(self._parser.get_status_code(), self._due, told_when=self._told_when)
        self._due = None
        self._pouring.idle.append(self)

    def ask(self, request: bytes, due: float) -> None:
        """Send; time counts from when it was due."""
        assert self._transport is not None
        self._due, self._told_when = due, False
        self._transport.write(request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        """Nobody asks here any more."""
        owing, self._due = self._due is not None, None
        if not owing and self in self._pouring.idle:
            self._pouring.idle.remove(self)
        self._pouring.closed(owing=owing)


def main() -> None:
    """One flood."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * _MOST_CONNECTIONS), hard))
    flood = msgspec.json.decode(sys.stdin.buffer.read(), type=Flood)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_Pouring(flood).run())))


if __name__ == "__main__":
    main()
