"""The process that makes load: plans in by standard input, a line each, what came of them out by standard output.

The one rule: it must not be what is measured. Sockets and an incremental parser in C, no HTTP client: 25 to 45 µs of
processor time a request, less than half of what the least FastAPI answer costs its server.

    python -m bench.load_process
"""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter
from typing import cast

import httptools
import msgspec
import uvloop

from bench.load import Load, Plan

_HOST = "127.0.0.1"
_REFUSAL_BYTES = 500


class _Run:
    """One plan, being carried out."""

    def __init__(self, plan: Plan) -> None:
        requests = [request.encode() for request in plan.requests]
        self._requests: Iterator[bytes] = iter(requests) if plan.seconds is None else cycle(requests)
        self._seconds = plan.seconds
        self._deadline = float("inf")
        self._at_work = plan.clients
        self.began = self.ended = 0.0
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.refusal: str | None = None
        self.done = asyncio.Event()

    def begin(self) -> None:
        """From now on it counts."""
        self.began = perf_counter()
        if self._seconds is not None:
            self._deadline = self.began + self._seconds

    def take(self) -> bytes | None:
        """The next request; None when there is none, or no time."""
        return next(self._requests, None) if perf_counter() < self._deadline else None

    def count(self, status: int, asked: float, body: bytes) -> None:
        """An answer came."""
        self.ended = perf_counter()
        self.latencies.append((self.ended - asked) * 1000)
        self.statuses[status] += 1
        if not 200 <= status < 300 and self.refusal is None:
            self.refusal = body[:_REFUSAL_BYTES].decode(errors="replace")

    def leave(self) -> None:
        """A client has nothing more to do."""
        self._at_work -= 1
        if self._at_work == 0:
            self.done.set()


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._asked: float | None = None
        self._body = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready; nothing is asked yet."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Called by the parser; only a refusal is kept."""
        if self._parser.get_status_code() >= 300:
            self._body += body

    def on_message_complete(self) -> None:
        """Called by the parser: the answer is whole."""
        assert self._asked is not None
        self._run.count(self._parser.get_status_code(), self._asked, self._body)
        self._body = b""
        self.ask()

    def ask(self) -> None:
        """Send the next request, or be done."""
        assert self._transport is not None
        request = self._run.take()
        if request is None:
            self._asked = None
            self._run.leave()
            return
        self._asked = perf_counter()
        self._transport.write(request)

    def connection_lost(self, exc: Exception | None) -> None:
        """With an answer owing, that is an answer, too: none."""
        if self._asked is not None:
            self._run.count(0, self._asked, repr(exc).encode())
            self._run.leave()

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()


async def carry_out(plan: Plan) -> Load:
    """Connect everybody, then begin all at once."""
    run = _Run(plan)
    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(lambda: _Client(run), _HOST, plan.port))[1] for _ in range(plan.clients)]
    gc.collect()
    gc.disable()
    run.begin()
    for client in clients:
        client.ask()
    await run.done.wait()
    gc.enable()
    for client in clients:
        client.close()
    return Load(run.ended - run.began, run.latencies, dict(run.statuses), run.refusal)


def main() -> None:
    """Until the input ends.

    `sys.stdout` has no buffer where PYTHONUNBUFFERED is set: a signal in the middle of a long line would cut it there.
    """
    with open(sys.stdout.fileno(), "wb", closefd=False) as told:
        for line in sys.stdin.buffer:
            load = uvloop.run(carry_out(msgspec.json.decode(line, type=Plan)))
            told.write(msgspec.json.encode(load) + b"\n")
            told.flush()


if __name__ == "__main__":
    main()
