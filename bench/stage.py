"""Everything a bench over HTTP needs, each a process of its own: database, service, sandbox, floors, load.

The one rule: the database is durable and on a disk. In memory, a commit costs nothing, and the figure nothing either.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from bench.floor_app import SCHEMA
from bench.hosts import HostMaker
from bench.load import LoadProcess, Plan, open_load_process
from bench.program import Program
from sandbox.client import Sandbox
from sandbox.environment import Secrets, environment
from sandbox.ports import HOST, free_port
from sandbox.postgres import EmbeddedPostgres

SANDBOX, SERVICE, ALONE, FLOOR, GOOGLE, SMTP = "sandbox", "service", "alone", "floor", "google", "smtp"
_ON_DISK: Final = Path("/var/tmp")  # noqa: S108  where /tmp may be a memory disk, this is not
_NO_LIMIT: Final = str(10**9)
_BOOKED = (
    "DELETE FROM bookings",  # and by cascade the reservations and the wishes for events
    "DELETE FROM mails",
    "DELETE FROM audit_entries",
    "DELETE FROM directory WHERE kind = 'booking'",
    "DELETE FROM queue.pgqueuer",
    "DELETE FROM floor.times",
)
_AT_ONCE: Final = 20
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Stage:
    """A running service and what it is compared with."""

    ports: Mapping[str, int]
    """`SERVICE` asks the sandbox's Google; `ALONE` is the same on the same database, but its Google answers at once."""
    load: LoadProcess
    hosts: HostMaker
    api: httpx.AsyncClient
    """At `SERVICE`."""
    database_url: str
    programs: Mapping[str, Program]

    async def unbook(self) -> None:
        """Every booking and all that came with it is gone, so that each sample begins alike.

        Deleted, not truncated: that would throw away the plans of all sessions, and the next sample would pay for them.
        """
        await _execute(self.database_url, *_BOOKED)

    async def warm(self, server: str, requests: Sequence[str], *, times: int) -> None:
        """Ask so often, uncounted: connections are opened, statements prepared and planned for good."""
        plan = Plan(self.ports[server], min(_AT_ONCE, times), list(islice(cycle(requests), times)))
        await self.load.run(plan)

    async def settle(self) -> None:
        """Let the planner know what is in the tables, as autovacuum would in a while."""
        await _execute(self.database_url, "VACUUM ANALYZE")

    async def deadlocks(self) -> int:
        """How many there were. Sessions tell for certain when they end, so every server ends first."""
        await asyncio.gather(*(program.stop() for program in self.programs.values()))
        connection = await asyncpg.connect(self.database_url)
        try:
            return int(await connection.fetchval(_DEADLOCKS))
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database that waits for its disk, and the directory for all that comes beside it."""

    url: str
    directory: Path

    async def execute(self, *statements: str) -> None:
        """As its owner, one after another."""
        await _execute(self.url, *statements)


@asynccontextmanager
async def open_database() -> AsyncIterator[Database]:
    """Make and start one; at the end, stop and remove it."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(_directory())
        server = EmbeddedPostgres(directory, durable=True)
        await asyncio.to_thread(server.start)
        stack.callback(server.stop, immediate=True)
        variables = {**os.environ, "DATABASE_URL": server.url()}
        migration = Program("migrate", module("app.cli", "migrate"), variables, directory / "migrate.log")
        await migration.succeeds()
        yield Database(server.url(), directory)


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Start everything; at the end, stop and remove it."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database())
        ports = {name: free_port() for name in (SANDBOX, SERVICE, ALONE, FLOOR, GOOGLE, SMTP)}
        await database.execute(SCHEMA)
        programs = _start(_variables(database.url, ports), ports, database.directory)
        for program in programs.values():
            stack.push_async_callback(program.stop)
        await asyncio.gather(*(program.answers(ports[name]) for name, program in programs.items()))
        sandbox = await stack.enter_async_context(Sandbox(_url(ports[SANDBOX])))
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=_url(ports[SERVICE]), timeout=60))
        load = await stack.enter_async_context(open_load_process())
        hosts = HostMaker(api, sandbox, database.url)
        yield Stage(ports, load, hosts, api, database.url, programs)


@contextmanager
def _directory() -> Iterator[Path]:
    parent = _ON_DISK if _ON_DISK.is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="calendar-connect-bench-", dir=parent))
    directory.chmod(0o711)  # the database's user is not always ours, and must pass
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _variables(database_url: str, ports: Mapping[str, int]) -> dict[str, str]:
    built = environment(
        database_url=database_url,
        public_url=_url(ports[SERVICE]),
        sandbox_url=_url(ports[SANDBOX]),
        smtp_host=HOST,
        smtp_port=ports[SMTP],
        keys=Secrets.random(),
    )
    limits = {f"CALENDAR_CONNECT_{name}_PER_MINUTE": _NO_LIMIT for name in ("READS", "BOOKINGS")}
    return {**os.environ, **built, **limits}


def _start(variables: Mapping[str, str], ports: Mapping[str, int], directory: Path) -> dict[str, Program]:
    instant = {**variables, "CALENDAR_CONNECT_GOOGLE_API_URL": _url(ports[GOOGLE])}
    simulators = ("serve", "--http-port", str(ports[SANDBOX]), "--smtp-port", str(ports[SMTP]))
    commands = {
        SANDBOX: (module("sandbox", *simulators), variables),
        SERVICE: (module("app.cli", "serve", "--port", str(ports[SERVICE])), variables),
        ALONE: (module("app.cli", "serve", "--port", str(ports[ALONE])), instant),
        FLOOR: (module("bench.floor_app", str(ports[FLOOR])), variables),
        GOOGLE: (module("bench.instant_google", str(ports[GOOGLE])), variables),
    }
    return {name: Program(name, command, own, directory / f"{name}.log") for name, (command, own) in commands.items()}


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module as a program."""
    return (sys.executable, "-m", name, *arguments)


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
