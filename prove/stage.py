"""The whole service as processes of its own, the people who have calendars there, and a look into the database.

The one rule: people do what callers can do, through the public API; the database is only ever read.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from sandbox.children import Echo
from sandbox.client import Sandbox
from sandbox.demo_connecting import connect
from sandbox.demo_journey import HOST_ZONE, Host
from sandbox.houses import ExchangeHouse, GoogleHouse, House, MicrosoftHouse
from sandbox.identity import new_id
from sandbox.stack import SERVICE, Commands, Stack, no_echo

Json = dict[str, Any]
NO_LIMITS: Final = {
    f"CALENDAR_CONNECT_{name}": "1000000"
    for name in (
        "BOOKINGS_PER_MINUTE",
        "READS_PER_MINUTE",
        "CHANGES_PER_MINUTE",
        "CHANGES_PER_DAY",
        "SIGN_INS_PER_MINUTE",
        "LOOKUPS_PER_MINUTE",
    )
}
HOUSES: Final[dict[str, Callable[[Sandbox, str, str], House]]] = {
    "google": GoogleHouse,
    "office365": MicrosoftHouse,
    "exchange": ExchangeHouse,
}
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS_OPEN: Final = [{"day": day, "start": "00:00", "end": "24:00"} for day in WEEKDAYS]
SECOND_WORKER: Final = "second worker"
_NOT_NOW: Final = {500, 502, 503, 504}


class StageError(Exception):
    """The stage could not be set; the message says why."""


@dataclass(slots=True)
class Stage:
    """A running service and its other side."""

    stack: Stack
    sandbox: Sandbox
    api: httpx.AsyncClient
    directory: Path
    """For journals and the like; gone with the stage."""

    async def fetch(self, query: str, *parameters: object) -> list[asyncpg.Record]:
        """Rows as the database's owner sees them: of every account."""
        connection = await asyncpg.connect(self.stack.database_url)
        try:
            return list(await connection.fetch(query, *parameters))
        finally:
            await connection.close()

    async def host(self, provider: str, name: str, *, connected: bool = True, **claims: Any) -> Host:
        """A user of a new account (unless `account_id` says which), with a calendar at the provider."""
        house = HOUSES[provider](self.sandbox, f"{name}@{provider}.example", name.title())
        await house.move_in()
        host = Host(self.api, self.sandbox, house)
        await host.take_token(claims.pop("account_id", None) or new_id("acct"), **claims)
        if connected:
            await connect(host)
        return host

    async def page(self, host: Host, **changes: Any) -> str:
        """A page of the host that is open around the clock, without notice, unless told otherwise; its id."""
        body = {
            "type": "personal",
            "name": "Intro call",
            "time_zone": HOST_ZONE,
            "durations_minutes": [30],
            "weekly_hours": ALWAYS_OPEN,
            "minimum_notice_minutes": 0,
            "booking_window": {"kind": "rolling_days", "days": 60},
        } | changes
        made = await host.send("POST", "/v1/scheduling-pages", body, status=201)
        host.page_id = str(made["id"])
        return host.page_id

    async def add_worker(self) -> None:
        """One more of them, called `SECOND_WORKER`; it ends with the stack."""
        stack = self.stack
        child = stack.child(SECOND_WORKER, stack.commands.worker)
        stack.children[SECOND_WORKER] = child
        await stack.start(SECOND_WORKER)

    async def wait_until(self, true: Callable[[], Awaitable[bool]], *, seconds: float) -> float | None:
        """Look twice a second; the seconds it took, or None when it did not come true in time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if await true():
                return round(time.monotonic() - began, 1)
            await asyncio.sleep(0.5)
        return None


@asynccontextmanager
async def open_stage(
    *,
    overrides: Mapping[str, str] | None = None,
    commands: Commands = SERVICE,
    echo: Echo = no_echo,
    data_directory: Path | None = None,
) -> AsyncIterator[Stage]:
    """Start everything; at the end, stop and remove it. `overrides` are settings, by their whole names.

    What is in `data_directory` stays, if there is one.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calendar-connect-prove-")))
        running = await stack.enter_async_context(
            Stack(data_directory, overrides={**NO_LIMITS, **(overrides or {})}, commands=commands, echo=echo)
        )
        sandbox = await stack.enter_async_context(Sandbox(running.sandbox_url, timeout_seconds=300))
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=running.api_url, timeout=30))
        yield Stage(running, sandbox, api, directory)


async def until_answered(
    send: Callable[[], Awaitable[httpx.Response]], *, seconds: float = 120, pause: float = 0.1
) -> httpx.Response:
    """Repeat while nobody answers, or somebody says that they cannot at the moment. Raises: StageError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = await send()
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code not in _NOT_NOW and "request_in_progress" not in answer.text:
            return answer
        await asyncio.sleep(pause)
    raise StageError(f"nobody answered for {seconds:.0f} seconds")


def module(name: str, *arguments: str) -> Sequence[str]:
    """The command that runs a module as a program."""
    return (sys.executable, "-m", name, *arguments)
