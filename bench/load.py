"""Load on a server, made by a process of its own, and what came of it.

The one rule: whoever measures does not share an interpreter with what is measured, nor with what draws up the plan.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[1]
_LONGEST_LINE: Final = 2**28


class BenchError(Exception):
    """What should have been measured did not work; the message says how."""


class Plan(msgspec.Struct, frozen=True):
    """What to ask, and by how many at once."""

    port: int
    clients: int
    """Each has one connection, kept alive, and asks again as soon as it is answered."""
    requests: list[str]
    """Whole HTTP/1.1 requests; whoever is free takes the next."""
    seconds: float | None = None
    """Begin again with the first request until the time is up; None: each request once."""


class Load(msgspec.Struct, frozen=True):
    """What came of a plan."""

    seconds: float
    """From the first request to the last answer."""
    latencies: list[float]
    """Milliseconds from writing a request to having its answer, in the order of the answers."""
    statuses: dict[int, int]
    """How often each was answered; 0: the connection was cut instead."""
    refusal: str | None = None
    """The first answer that was not 2xx."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency that so many of a hundred answers do not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def all_answered(self, status: int) -> "Load":
        """The same, if every answer had this status. Raises: BenchError."""
        if self.statuses.keys() != {status}:
            raise BenchError(f"expected {status} only, got {self.statuses}; the first: {self.refusal}")
        return self


class LoadProcess:
    """The process that makes load: one plan at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, plan: Plan) -> Load:
        """Carry out the plan. Raises: BenchError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(plan) + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise BenchError("the process that makes load ended")
        return msgspec.json.decode(line, type=Load)


@asynccontextmanager
async def open_load_process() -> AsyncIterator[LoadProcess]:
    """A running process; it ends when its input does, so it never outlives us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=_LONGEST_LINE,
    )
    try:
        yield LoadProcess(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def get(path: str, headers: Mapping[str, str] = MappingProxyType({})) -> str:
    """A GET, as it goes over the wire."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n{more}\r\n"


def post(path: str, body: object = None) -> str:
    """A POST with a JSON body, or with none."""
    content = "" if body is None else msgspec.json.encode(body).decode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content.encode())}\r\n\r\n{content}"
    )


def each_once(port: int, requests: Iterable[str]) -> Plan:
    """As many clients as requests, all at once: a race."""
    listed = list(requests)
    return Plan(port, len(listed), listed)
