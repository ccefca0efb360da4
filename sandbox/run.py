"""`make run`: everything on this machine with one command, until Ctrl-C.

The rule: it says where everything is and what to try, keeps it alive, and leaves nothing running behind.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sandbox.binaries import PostgresNotFoundError
from sandbox.children import Child, Echo, RestartPolicy
from sandbox.client import Sandbox
from sandbox.environment import PREFIX
from sandbox.front_end_people import Company
from sandbox.identity import new_id
from sandbox.own_settings import laid_over, real_providers
from sandbox.ports import HOST
from sandbox.postgres import PostgresStartError
from sandbox.processes import stop_signalled
from sandbox.stack import API, FRONT_END, POSTGRES, SANDBOX, SERVICE, WORKER, Commands, Ports, Stack, StackError

FIXED_PORTS = Ports(api=8000, sandbox=9100, smtp=9125, exchange=9143, dns=9153, postgres=9432, front_end=8080)
DATA = Path(".run")
OWN_DATA = Path(".run-own")
"""With settings of one's own: grants of a simulated provider are none at the real one."""
TOKEN_LIFETIME = 24 * 3600  # seconds
DATABASE_WATCH = 1.0  # seconds
LOG_FORMAT = "CALENDAR_CONNECT_LOG_FORMAT"
PERSON = "ada@example.com"
COLOURS = {SANDBOX: "33", FRONT_END: "31", API: "36", WORKER: "35", "migrate": "34", "run": "32"}

FRONT_END_WELCOME = """
  Front end      {front_end}            sign in as Ada, connect a calendar, book a time"""
REAL_WELCOME = """
  {provider:<14} the real one; its client's redirect URI: {public_url}/v1/oauth/{provider}/callback"""
WELCOME = """{front_end}{real}
  API            {api}            its document: openapi.json
  Sandbox        {sandbox}            what is where, all mails, the controls
  DNS            {dns}                   over UDP, for custom domains; its records: PUT {sandbox}/control/dns/records
  PostgreSQL     {database}                   its password: {postgres_directory}/password

Try (the token is {person}'s, good for a day; she has a busy Google calendar):

  TOKEN=$(cat {token_file})
  curl -s -H "Authorization: Bearer $TOKEN" {api}/v1/me
  VERSION=$(curl -s -H "Authorization: Bearer $TOKEN" {api}/v1/providers/google/disclosure |
            python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
  curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' {api}/v1/connection-authorizations \\
       -d '{{"provider": "google", "client": "web", "disclosure_version": "'$VERSION'"}}'

Open the answer's authorization_url in a browser and allow it; then look at {api}/v1/connections.
Another person's token:

  curl -s {sandbox}/identity/token -H 'Content-Type: application/json' \\
       -d '{{"email": "bob@example.com", "seats": [{{"product": "sales_hub", "tier": "professional"}}]}}'

Stop with Ctrl-C. The data stays in {data}; delete that directory to begin anew.
"""


class Terminal:
    """Writes the children's lines, each with its name before it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coloured = sys.stdout.isatty()

    def line(self, name: str, text: str) -> None:
        """One line of `name`. Called from the reader threads."""
        prefix = f"{name:<8}│"
        if self._coloured:
            prefix = f"\x1b[{COLOURS.get(name, '37')}m{prefix}\x1b[0m"
        with self._lock:
            print(prefix, text, flush=True)


@dataclass(frozen=True)
class Wishes:
    """What is run, and how."""

    data_directory: Path
    ports: Ports = FIXED_PORTS
    commands: Commands = SERVICE
    front_end: Path | None = None
    """The built example; None: it is not served."""
    own_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the service that replace the sandbox's."""


async def run(wishes: Wishes) -> int:
    """Run everything until SIGINT or SIGTERM, or until a part cannot be kept alive. Returns the exit code."""
    terminal = Terminal()
    stopping = asyncio.create_task(stop_signalled().wait())
    running = asyncio.create_task(_run_stack(wishes, terminal))
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        terminal.line("run", "stopping")
        running.cancel()
    stopping.cancel()
    try:
        await running
    except asyncio.CancelledError:
        return 0
    except (StackError, PostgresStartError, PostgresNotFoundError) as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
    return 1


async def _run_stack(wishes: Wishes, terminal: Terminal) -> None:
    """Never returns: it is cancelled, or raises StackError when a part does not stay alive."""
    terminal.line("run", "starting the database, the sandbox, the API and the worker")
    # For people, unless they chose otherwise: the children do not write to a terminal and would log JSON.
    readable = {} if LOG_FORMAT in os.environ else {LOG_FORMAT: "console"}
    if sys.stdout.isatty():
        readable["FORCE_COLOR"] = "1"  # nor do they see that somebody looks
    data = wishes.data_directory
    user, account = _person_ids(data / "person")
    Company.kept_in(data / "company.json", {PERSON: user}, account)
    stack = Stack(
        data_directory=data,
        ports=wishes.ports,
        commands=wishes.commands,
        overrides=readable | laid_over(wishes.own_settings),
        echo=terminal.line,
        front_end=wishes.front_end,
    )
    async with stack:
        token = await _prepare_person(stack.sandbox_url, data)
        print(_welcome(stack, wishes, token), flush=True)
        try:
            async with asyncio.TaskGroup() as guards:
                guards.create_task(keep_database_alive(stack, terminal.line))
                for child in stack.children.values():
                    guards.create_task(keep_alive(child, RestartPolicy(), terminal.line))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None


async def keep_alive(child: Child, policy: RestartPolicy, echo: Echo) -> None:
    """Start a child again whenever it ends. Raises StackError when it ends too often."""
    deaths: list[float] = []
    while True:
        await child.exited.wait()
        deaths.append(time.monotonic())
        delay = policy.delay(deaths, deaths[-1])
        if delay is None:
            raise StackError(f"{child.name} keeps ending (last with {child.exit_code}):\n{child.last_lines}")
        echo("run", f"{child.name} ended with {child.exit_code}; starting it again in {delay:g} s")
        await asyncio.sleep(delay)
        child.start()


async def keep_database_alive(stack: Stack, echo: Echo) -> None:
    """Start the database again at the same address when it ends. Raises PostgresStartError."""
    while True:
        await asyncio.sleep(DATABASE_WATCH)
        if stack.postgres.pid is None:
            echo("run", "the database ended; starting it again")
            await stack.kill(POSTGRES)
            await stack.start(POSTGRES)


async def _prepare_person(sandbox_url: str, data_directory: Path) -> Path:
    """A person with every seat and a busy calendar, the same at every start. Returns the file her token is in."""
    user, account = _person_ids(data_directory / "person")
    seat = {"product": "sales_hub", "tier": "enterprise"}
    async with Sandbox(sandbox_url) as sandbox:
        await sandbox.google_account(PERSON)
        await sandbox.seed_google(PERSON, around=datetime.now(UTC).date())
        token = await sandbox.issue_token(
            sub=user,
            account_id=account,
            email=PERSON,
            seats=[seat],
            subscriptions=[seat],
            lifetime_seconds=TOKEN_LIFETIME,
        )
    return _write_private(data_directory / "token", f"{token}\n")


def _person_ids(path: Path) -> tuple[str, str]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{new_id('usr')} {new_id('acct')}\n")
    user, account = path.read_text().split()
    return user, account


def _write_private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _welcome(stack: Stack, wishes: Wishes, token_file: Path) -> str:
    public_url = stack.environment[f"{PREFIX}PUBLIC_URL"]
    real = real_providers(wishes.own_settings)
    return WELCOME.format(
        real="".join(REAL_WELCOME.format(provider=name, public_url=public_url) for name in real),
        front_end=FRONT_END_WELCOME.format(front_end=stack.front_end_url) if stack.front_end else "",
        api=stack.api_url,
        sandbox=stack.sandbox_url,
        dns=f"{HOST}:{stack.ports.dns}",
        database=f"{HOST}:{stack.ports.postgres}",
        postgres_directory=stack.postgres.directory,
        person=PERSON,
        token_file=token_file,
        data=wishes.data_directory,
    )
