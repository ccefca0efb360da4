"""The tests' PostgreSQL: one server, one migrated template, one database per test process.

The one rule: every test runs on real commits and leaves the database empty.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from alembic import command
from alembic.config import Config

from sandbox.postgres import EmbeddedPostgres


@contextmanager
def migrated_database() -> Iterator[str]:
    """The URL of a migrated database of its own server; both vanish afterwards."""
    with EmbeddedPostgres(durable=False) as server:
        url = server.url("calendar_connect")
        asyncio.run(_execute(server.url(), "CREATE DATABASE calendar_connect"))
        migrate(url)
        yield url


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision."""
    config = Config("alembic.ini")
    config.attributes["database_url"] = url
    command.upgrade(config, revision)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def empty(url: str) -> None:
    """Delete every row of every table, the queue's included."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname IN ('public', 'queue') AND tablename <> 'alembic_version'"
        )
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for table in tables:
                await connection.execute(f"DELETE FROM {table['name']}")  # noqa: S608 - names from the catalogue
    finally:
        await connection.close()
