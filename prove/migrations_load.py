"""The service at work while its database is migrated: the statements of the release before, on every table it had.

The one rule: nothing is left out of the figure. Each statement is timed from its sending to its answer, the wait for
locks, for the server and for this process included; whatever fails is told.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

import asyncpg

from app.database import APP_ROLE
from prove.migrations_bulk import copying
from prove.migrations_catalogue import ACCOUNT, Table, read_tables
from prove.migrations_database import Database, connected
from prove.migrations_fill import ACCOUNTS

CLIENTS: Final = 6
_PAUSE: Final = 0.004  # seconds between two transactions of a client: a busy service, not a saturated one
_UNUSED: Final = (1_000_000, 30_000_000)  # numbers of copies that nobody made in bulk


@dataclass(frozen=True, slots=True)
class Statements:
    """What one table is asked, as far as the service may ask it."""

    table: str
    read: str
    change: str | None = None
    add: str | None = None
    remove: str | None = None


@dataclass(slots=True)
class Watch:
    """How long each statement took at most, and what failed."""

    slowest: float = 0.0
    slowest_of: str = ""
    count: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    stopped: bool = False

    def took(self, what: str, seconds: float) -> None:
        """One statement more."""
        self.count += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_of = seconds, what


async def statements(connection: asyncpg.Connection) -> list[Statements]:
    """Those of every table, as it is now."""
    return [await _of(connection, table) for table in await read_tables(connection)]


async def _of(connection: asyncpg.Connection, table: Table) -> Statements:
    """One row is chosen by where it lies: a small read, whatever the table is indexed by."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    mine = f"{ACCOUNT} = $1" if table.of_accounts else "$1::uuid IS NOT NULL"
    model = f"ctid = (SELECT ctid FROM {table.name} WHERE {mine} LIMIT 1)"  # noqa: S608 - names from the catalogue
    changed = next((column.name for column in table.columns if not _is_key(table, column.name)), None)
    rights = {
        right: await connection.fetchval("SELECT has_table_privilege($1, $2, $3)", APP_ROLE, table.name, right)
        for right in ("INSERT", "UPDATE", "DELETE")
    }
    add = copying(table, "$2::integer", {}) if table.primary and rights["INSERT"] and rights["DELETE"] else None
    keys = ", ".join(f'"{name}"' for name in table.primary)
    return Statements(
        table.name,
        read=f"SELECT {columns} FROM {table.name} WHERE {mine} LIMIT 5",  # noqa: S608 - the same
        change=f'UPDATE {table.name} SET "{changed}" = "{changed}" WHERE {model}'  # noqa: S608 - the same
        if changed and rights["UPDATE"]
        else None,
        add=f"{add.insert} WHERE $2::integer > 0 AND {add.model} AND src.{model} "
        f"ON CONFLICT DO NOTHING RETURNING {keys}"
        if add
        else None,
        remove=f"DELETE FROM {table.name} WHERE "  # noqa: S608 - the same
        + " AND ".join(f'"{name}" = ${place}' for place, name in enumerate(table.primary, 1)),
    )


def _is_key(table: Table, name: str) -> bool:
    return name in table.referring or any(name in key for key in table.keys) or table.by_name[name].made


@asynccontextmanager
async def under_load(database: Database, seed: int) -> AsyncIterator[Watch]:
    """Readers and writers at work, on connections that know the tables as they are now."""
    async with connected(database.url) as connection:
        asked = await statements(connection)
    watch = Watch()
    clients = [asyncio.create_task(_work(database, asked, watch, Random(f"{seed}:{n}"))) for n in range(CLIENTS)]
    try:
        yield watch
    finally:
        watch.stopped = True
        await asyncio.gather(*clients)


async def _work(database: Database, asked: list[Statements], watch: Watch, chance: Random) -> None:
    connection = await asyncpg.connect(database.url, server_settings={"role": APP_ROLE, "lock_timeout": "10000"})
    try:
        while not watch.stopped:
            chosen = chance.choice(asked)
            try:
                async with connection.transaction():
                    await _visit(connection, chosen, watch, chance)
            except asyncpg.PostgresError as error:
                watch.failed[f"{chosen.table}: {type(error).__name__}: {error}"] += 1
            await asyncio.sleep(_PAUSE)
    finally:
        await connection.close()


async def _visit(connection: asyncpg.Connection, asked: Statements, watch: Watch, chance: Random) -> None:
    """A transaction: read, and then change a row, or add one and take it away."""
    account = chance.choice(ACCOUNTS)
    await connection.execute(f"SELECT set_config('app.account_id', '{account}', true)")
    await _timed(connection, watch, asked.table, asked.read, account)
    if asked.add and chance.random() < 0.5:
        number = chance.randrange(*_UNUSED)
        for row in await _timed(connection, watch, asked.table, asked.add, account, number):
            await _timed(connection, watch, asked.table, asked.remove or "", *row)
    elif asked.change:
        await _timed(connection, watch, asked.table, asked.change, account)


async def _timed(
    connection: asyncpg.Connection, watch: Watch, table: str, statement: str, *values: object
) -> list[asyncpg.Record]:
    began = time.perf_counter()
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
    finally:
        watch.took(f"{statement.split(' ', 1)[0]} {table}", time.perf_counter() - began)
    return rows
