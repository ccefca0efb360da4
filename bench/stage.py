"""Everything a bench over HTTP needs, each a process of its own: database, service, sandbox, floors, load.

The one rule: the database is durable and on a disk. In memory, a commit costs nothing, and the figure nothing either.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from bench.floor_app import SCHEMA
from bench.hosts import HostMaker
from bench.load import ROOT, BenchError, LoadProcess, open_load_process
from sandbox.children import Child
from sandbox.client import Sandbox
from sandbox.environment import Secrets, environment
from sandbox.ports import HOST, free_port
from sandbox.postgres import EmbeddedPostgres

ON_DISK: Final = Path("/var/tmp")  # noqa: S108  where /tmp may be a memory disk, this is not
NO_LIMIT: Final = str(10**9)
READY_WAIT: Final = 60.0  # seconds
_BOOKED = "TRUNCATE bookings, calendar_writes, mails, queue.pgqueuer, audit_entries, floor.times CASCADE"
_FORGET = "DELETE FROM directory WHERE kind = 'booking'"


@dataclass(frozen=True, slots=True)
class Stage:
    """A running service and what it is compared with, by port."""

    service: int
    """Its Google is the sandbox."""
    service_alone: int
    """The same service on the same database; its Google answers at once."""
    floor: int
    load: LoadProcess
    hosts: HostMaker
    api: httpx.AsyncClient
    database_url: str
    children: Mapping[str, Child]

    async def unbook(self) -> None:
        """Every booking and all that came with it is gone, so that each sample begins alike."""
        await _execute(self.database_url, _BOOKED, _FORGET)

    async def analyze(self) -> None:
        """Let the planner know what is in the tables, as autovacuum would in a while."""
        await _execute(self.database_url, "VACUUM ANALYZE")

    async def deadlocks(self) -> int:
        """How many there were so far. Sessions tell their counts when they end: stop the servers first."""
        return int(await _fetch(self.database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = $1"))

    async def stop_servers(self) -> None:
        """The service and the floors end; the database stays."""
        await asyncio.gather(*(child.stop() for child in self.children.values()))


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Start everything; at the end, stop and remove it."""
    async with AsyncExitStack() as stack:
        database_url = stack.enter_context(_Database()).url
        ports = {name: free_port() for name in ("sandbox", "smtp", "service", "alone", "floor", "google")}
        variables = _variables(database_url, ports)
        await _finish(Child("migrate", _python("app.cli", "migrate"), variables, ROOT, _quiet))
        await _execute(database_url, SCHEMA)
        children = _children(variables, ports)
        for child in children.values():
            child.start()
            stack.push_async_callback(child.stop)
        await asyncio.gather(*(_answers(child, ports[name]) for name, child in children.items()))
        sandbox = await stack.enter_async_context(Sandbox(_url(ports["sandbox"])))
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=_url(ports["service"]), timeout=60))
        yield Stage(
            service=ports["service"],
            service_alone=ports["alone"],
            floor=ports["floor"],
            load=await stack.enter_async_context(open_load_process()),
            hosts=HostMaker(api, sandbox, database_url),
            api=api,
            database_url=database_url,
            children=children,
        )


class _Database:
    """A PostgreSQL that waits for the disk at every commit, as a deployed one does."""

    def __enter__(self) -> "_Database":
        parent = ON_DISK if ON_DISK.is_dir() else None
        self._directory = Path(tempfile.mkdtemp(prefix="calendar-connect-bench-", dir=parent))
        self._directory.chmod(0o711)  # its user is not always ours, and must pass
        self._server = EmbeddedPostgres(self._directory, durable=True)
        self._server.start()
        self.url = self._server.url()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(immediate=True)
        shutil.rmtree(self._directory, ignore_errors=True)


def _variables(database_url: str, ports: Mapping[str, int]) -> dict[str, str]:
    built = environment(
        database_url=database_url,
        public_url=_url(ports["service"]),
        sandbox_url=_url(ports["sandbox"]),
        smtp_host=HOST,
        smtp_port=ports["smtp"],
        keys=Secrets.random(),
    )
    limits = {f"CALENDAR_CONNECT_{name}_PER_MINUTE": NO_LIMIT for name in ("READS", "BOOKINGS")}
    return {**os.environ, **built, **limits}


def _children(variables: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, Child]:
    instant = {**variables, "CALENDAR_CONNECT_GOOGLE_API_URL": _url(ports["google"])}
    sandbox = ("serve", "--http-port", str(ports["sandbox"]), "--smtp-port", str(ports["smtp"]))
    commands = {
        "sandbox": (_python("sandbox", *sandbox), variables),
        "service": (_python("app.cli", "serve", "--port", str(ports["service"])), variables),
        "alone": (_python("app.cli", "serve", "--port", str(ports["alone"])), instant),
        "floor": (_python("bench.floor_app", str(ports["floor"])), variables),
        "google": (_python("bench.instant_google", str(ports["google"])), variables),
    }
    return {name: Child(name, command, own, ROOT, _quiet) for name, (command, own) in commands.items()}


def _python(module: str, *arguments: str) -> Sequence[str]:
    return (sys.executable, "-m", module, *arguments)


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"


def _quiet(name: str, line: str) -> None:
    """The end of the output is kept for an error message."""


async def _answers(child: Child, port: int) -> None:
    try:
        async with asyncio.timeout(READY_WAIT):
            while True:
                if child.pid is None:
                    raise BenchError(f"{child.name} ended with {child.exit_code}:\n{child.last_lines}")
                try:
                    _, writer = await asyncio.open_connection(HOST, port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return
    except TimeoutError:
        raise BenchError(f"{child.name} was not ready within {READY_WAIT:.0f} s:\n{child.last_lines}") from None


async def _finish(child: Child) -> None:
    child.start()
    await child.exited.wait()
    if child.exit_code != 0:
        raise BenchError(f"{child.name} ended with {child.exit_code}:\n{child.last_lines}")


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
