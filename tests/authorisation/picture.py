"""The whole database as it stands: a fingerprint to compare, and a copy to go back to.

The one rule: every table counts, the queue's included. A job that a refused call has left behind is a change as well.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

_COPIES = "pictured"
_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relname AS bare,
           string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE n.nspname IN ('public', 'queue') AND c.relkind = 'r' AND c.relname <> 'alembic_version'
    GROUP BY 1, 2 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """What stood in every table at one time."""

    connection: asyncpg.Connection
    """As the database's owner: it sees every account."""
    tables: tuple[tuple[str, str, str], ...]
    """Name, name of the copy, columns."""

    async def fingerprint(self, *, besides: UUID | None = None) -> dict[str, str]:
        """What stands in each table, in a few characters; `besides`: but for the rows and jobs of that account."""
        told = " UNION ALL ".join(
            f"SELECT '{name}', md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {name} t"  # noqa: S608
            f" WHERE $1::text IS NULL OR strpos(coalesce(convert_from({_job(name)}, 'UTF8'), t::text), $1) = 0"
            for name, _, _ in self.tables
        )
        rows = await self.connection.fetch(told, None if besides is None else str(besides))
        return {row[0]: row[1] for row in rows}

    async def restore(self, changed: set[str]) -> None:
        """Put these tables back to what they were."""
        async with self.connection.transaction():
            await self.connection.execute("SET LOCAL session_replication_role = replica")
            for name, copy, columns in self.tables:
                if name in changed:
                    kept = f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {copy}"  # noqa: S608
                    await self.connection.execute(f"DELETE FROM {name}; {kept}")  # noqa: S608


def _job(table: str) -> str:
    """Where a table names its account other than in a column: the queue's payload."""
    return "t.payload" if table == "queue.pgqueuer" else "NULL::bytea"


@asynccontextmanager
async def pictured(url: str) -> AsyncIterator[Picture]:
    """What stands there now; the copies are gone afterwards."""
    connection = await asyncpg.connect(url)
    try:
        picture = await _take(connection)
        yield picture
    finally:
        await connection.execute(f"DROP SCHEMA IF EXISTS {_COPIES} CASCADE")
        await connection.close()


async def _take(connection: asyncpg.Connection) -> Picture:
    rows = await connection.fetch(_TABLES)
    await connection.execute(f"DROP SCHEMA IF EXISTS {_COPIES} CASCADE; CREATE SCHEMA {_COPIES}")
    tables = tuple((row["name"], f"{_COPIES}.{row['bare']}", row["columns"]) for row in rows)
    for name, copy, columns in tables:
        await connection.execute(f"CREATE TABLE {copy} AS SELECT {columns} FROM {name}")  # noqa: S608 - catalogue
    return Picture(connection, tables)
