"""The whole service with everything around it: database, sandbox, API, worker, each a process of its own.

The rule: any part can be killed and started again at the same address, and leaving the block ends them all.
"""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import httpx

from sandbox.children import Child, Echo
from sandbox.environment import Secrets, environment
from sandbox.ports import HOST, free_port, is_free
from sandbox.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[1]
READY_WAIT = 60.0  # seconds
POSTGRES, SANDBOX, API, WORKER = "postgres", "sandbox", "api", "worker"
FRONT_END = "frontend"
PROCESSES = (SANDBOX, API, WORKER)  # in the order they are started


class StackError(Exception):
    """Something did not start; the message says what, and holds the end of its output."""


@dataclass(frozen=True)
class Ports:
    """Where everything listens; 0 is a free port."""

    api: int = 0
    sandbox: int = 0
    smtp: int = 0
    exchange: int = 0
    dns: int = 0
    postgres: int = 0
    front_end: int = 0

    def settled(self) -> "Ports":
        """Free ports chosen. Raises StackError when fixed ones are taken, naming them all."""
        chosen = asdict(self)
        taken = {name: port for name, port in chosen.items() if port and not is_free(port, _kind(name))}
        if taken:
            options = " ".join(f"--{name.replace('_', '-')}-port 0" for name in taken)
            raise StackError(
                f"Taken on {HOST}: {', '.join(map(str, taken.values()))}. Is it running already? "
                f'Any others (0) or those of your choice: make run ARGS="{options}"'
            )
        for name in [name for name, port in chosen.items() if not port]:
            while not chosen[name]:
                candidate = free_port(_kind(name))
                chosen[name] = 0 if candidate in chosen.values() else candidate
        return Ports(**chosen)


def _kind(name: str) -> socket.SocketKind:
    return socket.SOCK_DGRAM if name == "dns" else socket.SOCK_STREAM


@dataclass(frozen=True)
class Commands:
    """How the parts of the service are started; arguments that name addresses are appended."""

    migrate: Sequence[str] = (sys.executable, "-m", "app.cli", "migrate")
    api: Sequence[str] = (sys.executable, "-m", "app.cli", "serve")
    worker: Sequence[str] = (sys.executable, "-m", "app.cli", "worker")


SERVICE = Commands()


def no_echo(name: str, line: str) -> None:
    """Output nobody wants to see; the end of it is kept for error messages."""


@dataclass
class Stack:
    """Start it with `async with`. `data_directory` None: a temporary one, in memory where that is possible.

    The database is always durable: what was committed survives a kill of any part.
    """

    data_directory: Path | None = None
    ports: Ports = Ports()
    commands: Commands = SERVICE
    overrides: Mapping[str, str] = field(default_factory=dict)
    echo: Echo = no_echo
    front_end: Path | None = None
    """The built example front end, to be served too; None: the API's address stands in its place."""
    children: dict[str, Child] = field(default_factory=dict)
    _temporary: Path | None = None
    _home: Path = ROOT

    async def __aenter__(self) -> Self:
        self.ports = self.ports.settled()
        directory = self.data_directory
        if directory is None:
            directory = self._temporary = Path(tempfile.mkdtemp(prefix="calendar-connect-stack-"))
        directory.mkdir(parents=True, exist_ok=True)
        self._home = directory.absolute()
        self.postgres = EmbeddedPostgres(
            self.data_directory / "postgres" if self.data_directory else None, port=self.ports.postgres
        )
        try:
            await _unbroken(self.postgres.start)
            self.environment = self._build_environment(directory)
            self.children = self._build_children(directory)
            await self._migrate()
            for name in self.children:
                await self.start(name)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in reversed(self.children):
            await self.children[name].stop()
        await _unbroken(self.postgres.stop)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{HOST}:{self.ports.api}"

    @property
    def sandbox_url(self) -> str:
        """Where the simulators and their controls answer."""
        return f"http://{HOST}:{self.ports.sandbox}"

    @property
    def front_end_url(self) -> str:
        """Where the example front end is served, when it is."""
        return f"http://{HOST}:{self.ports.front_end}"

    @property
    def database_url(self) -> str:
        """The service's database."""
        return self.postgres.url()

    async def start(self, name: str) -> None:
        """Start `postgres`, `sandbox`, `api` or `worker` (again) and wait until it answers."""
        if name == POSTGRES:
            await _unbroken(self.postgres.start)
            return
        self.children[name].start()
        await self.until_ready(name)

    async def kill(self, name: str) -> None:
        """End a part as `kill -9` would."""
        if name == POSTGRES:
            await _unbroken(self.postgres.crash)
        else:
            await self.children[name].kill()

    async def until_ready(self, name: str) -> None:
        """Wait until a process answers (a worker: until it has not died at once). Raises StackError."""
        child = self.children[name]
        probe: dict[str, Callable[[], str]] = {
            SANDBOX: lambda: f"{self.sandbox_url}/health",
            API: lambda: f"{self.api_url}/health/ready",
            FRONT_END: lambda: f"{self.front_end_url}/config.json",
        }
        deadline = time.monotonic() + READY_WAIT
        async with httpx.AsyncClient(timeout=5) as client:
            while time.monotonic() < deadline:
                if child.pid is None:
                    raise StackError(f"{name} ended with {child.exit_code}:\n{child.last_lines}")
                if name not in probe or await _answers(client, probe[name]()):
                    return
                await asyncio.sleep(0.05)
        raise StackError(f"{name} was not ready within {READY_WAIT:.0f} s:\n{child.last_lines}")

    def _build_environment(self, directory: Path) -> dict[str, str]:
        keys = Secrets.kept_in(directory / "secrets.json")
        built = environment(
            database_url=self.database_url,
            public_url=self.api_url,
            sandbox_url=self.sandbox_url,
            smtp_host=HOST,
            smtp_port=self.ports.smtp,
            dns_address=f"{HOST}:{self.ports.dns}",
            keys=keys,
            front_end_url=self.front_end_url if self.front_end else None,
        )
        return {**os.environ, "PYTHONUNBUFFERED": "1", **built, **self.overrides}

    def _build_children(self, directory: Path) -> dict[str, Child]:
        ports = ["--http-port", str(self.ports.sandbox), "--smtp-port", str(self.ports.smtp)]
        ports += ["--exchange-port", str(self.ports.exchange), "--dns-port", str(self.ports.dns)]
        kept = ["--keys-file", str(directory.absolute() / "issuer-keys.json")]
        kept += ["--certificates", str(directory.absolute() / "certificates")]
        commands = {
            SANDBOX: [sys.executable, "-m", "sandbox", "serve", *ports, *kept],
            API: [*self.commands.api, "--host", HOST, "--port", str(self.ports.api)],
            WORKER: [*self.commands.worker],
        }
        if self.front_end is not None:
            places = ["--built", str(self.front_end.absolute())]
            places += ["--company", str(directory.absolute() / "company.json")]
            places += ["--api-url", self.api_url, "--sandbox-url", self.sandbox_url]
            serve = [sys.executable, "-m", "sandbox", "front-end", "--port", str(self.ports.front_end)]
            commands[FRONT_END] = [*serve, *places]
        return {name: self.child(name, command) for name, command in commands.items()}

    def child(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Child:
        """A process of this stack. It lives where the data is: a `.env` of the repository is a deployment's."""
        given = self.environment if environment is None else environment
        return Child(name, command, {**given, "PYTHONPATH": str(ROOT)}, self._home, self.echo)

    async def _migrate(self) -> None:
        migration = self.child("migrate", self.commands.migrate)
        migration.start()
        await migration.exited.wait()
        if migration.exit_code != 0:
            raise StackError(f"The migrations failed:\n{migration.last_lines}")


async def _unbroken(step: Callable[[], None]) -> None:
    """Run a blocking step in a thread. A cancellation waits for its end: threads cannot be interrupted."""
    running = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False
