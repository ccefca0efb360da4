"""Everything the sync bench needs, each a process of its own: database, canned providers, and forks that work.

The one rule: whatever a sample has put into the mirror is compared with what must stand there, and removed again.

The mirror is never empty: it holds other people's events all the time, as a service's does, so that PostgreSQL plans
as it does for a service.
"""

import asyncio
import base64
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import asyncpg
from pydantic import SecretBytes

from app.calendar import ProviderName
from app.database import create_engine, create_sessions
from app.vault import Vault
from bench import canned_google, canned_graph, sync_floors
from bench.canned_events import calendar_id, first_day
from bench.forks import Forks
from bench.load import BenchError
from bench.program import Program
from bench.stage import Database, module, open_database
from bench.sync_people import CannedServer, PeopleMaker
from bench.sync_rows import Row, rows_of
from bench.sync_subject import Mirrored
from sandbox.environment import Secrets, environment
from sandbox.exchange.tls import Certificates, ensure_certificates
from sandbox.ports import HOST, free_port

_STRANGERS: Final = 20
_THEIR_EVENTS: Final = """
INSERT INTO mirror_events (account_id, calendar_id, event_id, starts_at, ends_at, busy, etag, generation)
SELECT account_id, id, md5(number::text), now() + number * interval '2 hours', now() + number * interval '2 hours'
       + interval '1 hour', 2, md5(number::text), 1
FROM calendars, generate_series(1, 5000) AS number
"""
_NO_AUTOVACUUM: Final = (
    "ALTER TABLE mirror_events SET (autovacuum_enabled = false)",
    "ALTER TABLE busy_months SET (autovacuum_enabled = false)",
)
"""It comes when it likes, and plans are others after it."""
_BEGIN_ANEW: Final = """
UPDATE calendar_syncs SET cursor = NULL, expanded_until = NULL, state = 'idle', lease_until = NULL
WHERE calendar_id = ANY($1)
"""
_FORGET: Final = (
    "DELETE FROM mirror_events WHERE calendar_id = ANY($1)",
    "DELETE FROM busy_months WHERE calendar_id = ANY($1)",
    _BEGIN_ANEW,
)
_STATE: Final = "SELECT state, last_error, cursor FROM calendar_syncs WHERE calendar_id = $1"
_STANDING: Final = "SELECT event_id, starts_at, ends_at, etag FROM mirror_events WHERE calendar_id = $1"
_MONTHS: Final = "SELECT count(*) FROM busy_months WHERE calendar_id = $1 AND length(busy) > 0"
_HAPPENED: Final = re.compile(rb'(?:after |deltatoken=|"token":")(\d+)')
"""How many changes a calendar has had, in the cursor of any provider."""


@dataclass(frozen=True, slots=True)
class SyncStage:
    """All of it, running."""

    database: Database
    environment: Mapping[str, str]
    """The service's settings."""
    servers: Mapping[ProviderName, CannedServer]
    certificates: Certificates
    first_day: date
    people: PeopleMaker
    forks: Forks

    async def calendars(self, server: CannedServer, size: int, name: str, count: int = 1) -> list[Mirrored]:
        """So many connected calendars with so many events each."""
        return await self.people.connect(server, [calendar_id(size, f"{name}-{number}") for number in range(count)])

    def rows(self, provider: ProviderName, size: int) -> list[Row]:
        """The rows of a calendar, as it is listed at first."""
        return rows_of(provider, size, self.first_day)

    async def check(self, provider: ProviderName, calendars: Sequence[Mirrored]) -> None:
        """The mirror holds what the provider has told, to the row. Raises: BenchError."""
        connection = await asyncpg.connect(self.database.url)
        try:
            for calendar in calendars:
                await self._check(connection, provider, calendar)
        finally:
            await connection.close()

    async def forget(self, calendars: Sequence[Mirrored]) -> None:
        """Nothing of these calendars is mirrored any more."""
        connection = await asyncpg.connect(self.database.url)
        try:
            for statement in _FORGET:
                await connection.execute(statement, [calendar.calendar_id for calendar in calendars])
        finally:
            await connection.close()
        await self.tidy()

    async def tidy(self) -> None:
        """What the last sample left behind slows no other."""
        await self.database.execute("VACUUM mirror_events, busy_months, calendar_syncs, due_calendars")

    async def _check(self, connection: asyncpg.Connection, provider: ProviderName, calendar: Mirrored) -> None:
        state, error, cursor = await connection.fetchrow(_STATE, calendar.calendar_id)
        happened = _HAPPENED.search(cursor or b"")
        if (state, error) != ("idle", None) or happened is None:
            raise BenchError(f"{provider} {calendar.name} is {state}: {error}")
        size = int(calendar.name.partition(".")[0])
        wanted = rows_of(provider, size, self.first_day, changes=int(happened[1]))
        standing = [Row(*row) for row in await connection.fetch(_STANDING, calendar.calendar_id)]
        if sorted(standing, key=lambda row: row.event_id) != wanted:
            raise BenchError(f"{provider} {calendar.name}: {len(standing)} rows, but not the {len(wanted)} it has told")
        if not await connection.fetchval(_MONTHS, calendar.calendar_id):
            raise BenchError(f"{provider} {calendar.name}: no month is packed")


@asynccontextmanager
async def open_sync_stage() -> AsyncIterator[SyncStage]:
    """Start everything; at the end, stop and remove it."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database())
        certificates = ensure_certificates(database.directory / "certificates")
        first = first_day(datetime.now(UTC).date())
        ports = {provider: free_port() for provider in ProviderName}
        programs = {name: _start(name, port, first, certificates, database) for name, port in ports.items()}
        for program in programs.values():
            stack.push_async_callback(program.stop)
        await asyncio.gather(*(program.answers(ports[name]) for name, program in programs.items()))
        servers = {provider: _server(provider, port, certificates) for provider, port in ports.items()}
        keys = Secrets.random()
        engine = create_engine(database.url)
        stack.push_async_callback(engine.dispose)
        people = PeopleMaker(create_sessions(engine), Vault({1: SecretBytes(base64.b64decode(keys.master_key))}))
        await _settle(database, people, servers[ProviderName.GOOGLE])
        forks = Forks(["bench.sync_subject", "bench.sync_floors"])
        yield SyncStage(database, _variables(database.url, servers, keys), servers, certificates, first, people, forks)


async def _settle(database: Database, people: PeopleMaker, server: CannedServer) -> None:
    """Other people live here, too, and the planner knows about them."""
    await database.execute(sync_floors.SCHEMA, *_NO_AUTOVACUUM)
    await people.connect(server, [calendar_id(1, f"stranger-{number}") for number in range(_STRANGERS)])
    await database.execute(_THEIR_EVENTS, "VACUUM ANALYZE")


def _start(provider: ProviderName, port: int, first: date, certificates: Certificates, database: Database) -> Program:
    secured = (str(certificates.chain), str(certificates.key)) if provider is ProviderName.EXCHANGE else ()
    command = module("bench.canned_server", provider.value, str(port), first.isoformat(), *secured)
    return Program(f"canned {provider}", command, os.environ, database.directory / f"{provider}.log")


def _server(provider: ProviderName, port: int, certificates: Certificates) -> CannedServer:
    if provider is not ProviderName.EXCHANGE:
        return CannedServer(provider, f"http://{HOST}:{port}", None)
    return CannedServer(provider, f"https://{HOST}:{port}", certificates.authority.read_text())


def _variables(database_url: str, servers: Mapping[ProviderName, CannedServer], keys: Secrets) -> dict[str, str]:
    nowhere = f"http://{HOST}:9"
    settings = environment(
        database_url=database_url,
        public_url=nowhere,
        sandbox_url=nowhere,
        smtp_host=HOST,
        smtp_port=9,
        keys=keys,
    )
    return settings | {
        "CALENDAR_CONNECT_GOOGLE_API_URL": servers[ProviderName.GOOGLE].url + canned_google.ROOT,
        "CALENDAR_CONNECT_OFFICE365_API_URL": servers[ProviderName.OFFICE365].url + canned_graph.ROOT,
    }
