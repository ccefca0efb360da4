"""The service with two of each process, and one way in that knows both doors, as a balancer does.

The one rule: a request goes to the other door only when the first was shut. What was sent is never sent twice by the
way in; that is for its sender to decide.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from prove.crash import QUICK_POLLS
from prove.stage import SECOND_WORKER, Stage, open_stage
from sandbox.children import Child, Echo
from sandbox.ports import HOST, free_port
from sandbox.stack import API, WORKER

SECOND_API: Final = "second api"
APIS: Final = (API, SECOND_API)
WORKERS: Final = (WORKER, SECOND_WORKER)
TOKEN: Final = "soak"
"""The operator's: nobody but this machine's own processes is there to read."""
_PREFIX: Final = "CALENDAR_CONNECT_"
_ID: Final = re.compile(r'"request_id":"(soak-\d+)"')
_LINE: Final = '"event":"request"'
_READY_SECONDS: Final = 60.0


class Doors(httpx.AsyncBaseTransport):
    """Each request to the next door; to the other one when that is shut."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None, max_keepalive_connections=100))
        self._number = 0
        self.refused = 0
        """How often a door was shut."""
        self.cut: list[str] = []
        """Requests that were sent, and of whose answer nothing or not all came."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises: httpx.TransportError."""
        self._number += 1
        request.headers["X-Request-Id"] = name = f"soak-{self._number:08d}"
        shut: httpx.ConnectError | None = None
        for turn in range(len(self._ports)):
            port = self._ports[(self._number + turn) % len(self._ports)]
            request.url = request.url.copy_with(port=port)
            try:
                answer = await self._inner.handle_async_request(request)
                content = await answer.aread()
            except httpx.ConnectError as error:
                self.refused += 1
                shut = error
            except httpx.TransportError:
                self.cut.append(name)
                raise
            else:
                await answer.aclose()
                return httpx.Response(answer.status_code, headers=answer.headers, content=content)
        assert shut is not None
        raise shut

    async def aclose(self) -> None:
        """Hang up everywhere."""
        await self._inner.aclose()


@dataclass
class Heard:
    """What the processes have said: which of our requests they have answered, or have tried to."""

    finished: set[str] = field(default_factory=set)

    def __call__(self, name: str, line: str) -> None:
        """A line of a process; called from the threads that read them."""
        if name in APIS and _LINE in line and (found := _ID.search(line)):
            self.finished.add(found[1])


@dataclass(slots=True)
class Ground:
    """A running service that is to be worn out."""

    stage: Stage
    doors: Doors
    heard: Heard
    ports: dict[str, int]
    """Where each process tells its figures."""

    def child(self, name: str) -> Child:
        """The process."""
        return self.stage.stack.children[name]

    async def start(self, name: str) -> None:
        """Start it (again), and wait until it works. Raises: TimeoutError."""
        self.child(name).start()
        await self.until_up(name)

    async def until_up(self, name: str) -> None:
        """An API works when it says so, a worker when it tells its figures."""
        path = "/health/ready" if name in APIS else "/metrics/process"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        deadline = time.monotonic() + _READY_SECONDS
        async with httpx.AsyncClient(timeout=5, headers=headers) as client:
            while time.monotonic() < deadline:
                try:
                    if (await client.get(f"http://{HOST}:{self.ports[name]}{path}")).is_success:
                        return
                except httpx.TransportError:
                    pass  # not yet
                await asyncio.sleep(0.1)
        raise TimeoutError(f"{name} was not up within {_READY_SECONDS:.0f} s:\n{self.child(name).last_lines}")


@asynccontextmanager
async def open_ground(echo: Echo | None = None) -> AsyncIterator[Ground]:
    """Two of each; whoever uses the stage's client comes in by either door."""
    heard = Heard()

    def hear(name: str, line: str) -> None:
        heard(name, line)
        if echo is not None:
            echo(name, line)

    ports = {SECOND_API: free_port(), WORKER: free_port(), SECOND_WORKER: free_port()}
    own = {f"{_PREFIX}METRICS_TOKEN": TOKEN, f"{_PREFIX}METRICS_PORT": str(ports[WORKER])}
    async with open_stage(overrides={**QUICK_POLLS, **own}, echo=hear) as stage:
        stack = stage.stack
        ports[API] = stack.ports.api
        serve = [*stack.commands.api, "--host", HOST, "--port", str(ports[SECOND_API])]
        moved = {**stack.environment, f"{_PREFIX}METRICS_PORT": str(ports[SECOND_WORKER])}
        stack.children[SECOND_API] = stack.child(SECOND_API, serve)
        stack.children[SECOND_WORKER] = stack.child(SECOND_WORKER, stack.commands.worker, moved)
        doors = Doors([ports[API], ports[SECOND_API]])
        async with httpx.AsyncClient(transport=doors, base_url=stack.api_url, timeout=60) as api:
            stage.api = api
            ground = Ground(stage, doors, heard, ports)
            for name in (SECOND_API, SECOND_WORKER):
                await ground.start(name)
            yield ground
