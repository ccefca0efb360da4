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

_EVERY_ROW = """
SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), '; ') FROM pg_tables
 WHERE schemaname IN ('public', 'queue') AND tablename <> 'alembic_version'
"""
_owners: dict[str, asyncpg.Pool] = {}


@contextmanager
def migrated_database() -> Iterator[str]:
    """The URL of a migrated database of its own server; both vanish afterwards."""
    with EmbeddedPostgres(durable=False) as server:
        url = server.url("calendar_connect")
        asyncio.run(_prepare(server))
        migrate(url)
        yield url


async def _prepare(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        # A test connects ten times, and proving the password is half of it when it takes the usual 4096 rounds.
        await connection.execute("SET scram_iterations = 1")
        await connection.execute(f"ALTER ROLE postgres PASSWORD '{server.password}'")
        await connection.execute("CREATE DATABASE calendar_connect")
    finally:
        await connection.close()


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision."""
    config = Config("alembic.ini")
    config.attributes["database_url"] = url
    command.upgrade(config, revision)


async def owner(url: str) -> asyncpg.Pool:
    """The owner's connections, which outlast a test: a new one has to learn every table anew."""
    if url not in _owners:
        _owners[url] = await asyncpg.create_pool(url, min_size=0, max_inactive_connection_lifetime=0)
    return _owners[url]


async def leave(url: str) -> None:
    """Close the owner's connections."""
    if url in _owners:
        await _owners.pop(url).close()


async def empty(url: str) -> None:
    """Delete every row of every table, the queue's included."""
    async with (await owner(url)).acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(await connection.fetchval(_EVERY_ROW))
