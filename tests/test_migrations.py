"""Migrations: up, down and up again, without drift, by a superuser and by a plain owner."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.database import create_engine, create_sessions, transaction
from app.ids import new_id

PASSWORD = "a-plain-owner"
SHAPE = {
    "columns": "SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema IN ('public', 'queue') ORDER BY 1, 2, 3",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
    "JOIN pg_namespace n ON n.oid = connamespace WHERE nspname IN ('public', 'queue') AND contype <> 'n' ORDER BY 1, 2",
    "indexes": "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname IN ('public', 'queue') "
    "ORDER BY 1, 2",
    "policies": "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2",
    "security": "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1",
}


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def shape(url: str) -> dict[str, Any]:
    """Everything that makes up the schema."""
    connection = await asyncpg.connect(url)
    try:
        return {name: [tuple(row) for row in await connection.fetch(query)] for name, query in SHAPE.items()}
    finally:
        await connection.close()


def config(url: str) -> Config:
    made = Config("alembic.ini")
    made.attributes["database_url"] = url
    return made


async def migrate(step: str, url: str, *arguments: str) -> None:
    """Run an alembic command; it has an event loop of its own, so it has a thread."""
    await asyncio.to_thread(getattr(command, step), config(url), *arguments)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    """An empty database of its own."""
    name = f"migration_{new_id().hex}"
    await execute(database_url, f"CREATE DATABASE {name}")
    yield make_url(database_url).set(database=name).render_as_string(hide_password=False)
    await execute(database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def owned_database(database_url: str) -> AsyncIterator[str]:
    """An empty database of a login that is no superuser, as a cloud gives them."""
    name, login = f"owned_{new_id().hex}", f"owner_{new_id().hex}"
    await execute(
        database_url,
        f"CREATE ROLE {login} LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD '{PASSWORD}'",
        f"GRANT calendar_app TO {login} WITH ADMIN OPTION",
        f"CREATE DATABASE {name} OWNER {login}",
    )
    url = make_url(database_url).set(database=name, username=login, password=PASSWORD)
    yield url.render_as_string(hide_password=False)
    await execute(database_url, f"DROP DATABASE {name} WITH (FORCE)", f"DROP OWNED BY {login}", f"DROP ROLE {login}")


async def test_up_down_and_up_again_leaves_the_same_schema(database: str, database_url: str) -> None:
    await migrate("upgrade", database, "head")
    first = await shape(database)
    assert first == await shape(database_url)
    assert len(first["policies"]) > 10
    await migrate("downgrade", database, "base")
    gone = await shape(database)
    assert [row for row in gone["columns"] if row[1] != "alembic_version"] == []
    assert gone["policies"] == []
    await migrate("upgrade", database, "head")
    assert await shape(database) == first


async def test_the_models_and_the_migrations_do_not_drift(database_url: str) -> None:
    await migrate("check", database_url)


async def test_migrating_what_is_migrated_changes_nothing(database: str) -> None:
    await migrate("upgrade", database, "head")
    before = await shape(database)
    await migrate("upgrade", database, "head")
    assert await shape(database) == before


async def test_two_deployments_at_once_migrate_one_after_the_other(database: str) -> None:
    command_line = [sys.executable, "-m", "app.cli", "migrate"]
    running = [
        await asyncio.create_subprocess_exec(*command_line, env={**os.environ, "DATABASE_URL": database})
        for _ in range(2)
    ]
    assert [await process.wait() for process in running] == [0, 0]
    assert len((await shape(database))["policies"]) > 10


async def test_a_plain_owner_migrates_up_and_down_and_the_service_works(owned_database: str, database_url: str) -> None:
    await migrate("upgrade", owned_database, "head")
    assert await shape(owned_database) == await shape(database_url)
    engine = create_engine(owned_database, pool_size=2)
    try:
        account = new_id()
        sessions = create_sessions(engine)
        async with transaction(sessions, account) as session:
            await session.execute(
                text("INSERT INTO accounts (account_id, subscriptions) VALUES (:a, '[]')"), {"a": account}
            )
        async with transaction(sessions, None) as session:
            assert (await session.execute(text("SELECT count(*) FROM accounts"))).scalar() == 0
    finally:
        await engine.dispose()
    connection = await asyncpg.connect(owned_database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM accounts") == 0, "forced: for the owner as well"
    finally:
        await connection.close()
    await migrate("downgrade", owned_database, "base")
    await migrate("upgrade", owned_database, "head")


BEFORE_0005 = """
INSERT INTO accounts (account_id, subscriptions) VALUES ($1, '[]');
INSERT INTO users (account_id, id, email, locale, time_zone, permissions, seats)
    VALUES ($1, $1, 'a@example.com', 'en', 'UTC', '{}', '[]');
INSERT INTO connections (account_id, id, user_id, provider, subject, email, status, scopes, purposes)
    VALUES ($1, $1, $1, 'google', 's', 'a@example.com', 'active', '{}', '{calendar,meetings}');
INSERT INTO calendars (account_id, id, connection_id, provider_calendar_id, name, time_zone, role, is_primary, checked)
    VALUES ($1, $1, $1, 'p', 'n', 'UTC', 'owner', true, true);
INSERT INTO calendar_syncs (account_id, calendar_id, state, cursor) VALUES ($1, $1, 'idle', 'abc');
INSERT INTO scheduling_pages (account_id, id, owner_id, type, name, slug, configuration)
    VALUES ($1, $1, $1, 'personal', 'n', 's', '{}');
INSERT INTO bookings (account_id, id, page_id, host_id, status, starts_at, ends_at, visitor_name, visitor_email,
                      visitor_time_zone, language, guests, answers, token_hash, title, ical_uid)
    VALUES ($1, $1, $1, $1, 'confirmed', now(), now() + interval '1 hour', 'v', 'v@example.com', 'UTC', 'en', '{}',
            '[]', 'x', 't', 'u');
INSERT INTO calendar_writes (account_id, id, booking_id, calendar_id, key, status)
    VALUES ($1, $1, $1, $1, 'booking:x', 'written');
"""


async def test_a_plain_owner_migrates_what_stands_in_the_tables(owned_database: str) -> None:
    """Row-level security is forced: a statement of theirs that forgets it changes nothing, and says nothing."""
    await migrate("upgrade", owned_database, "0004")
    account = new_id()
    connection = await asyncpg.connect(owned_database)
    try:
        await connection.execute(f"SET app.account_id = '{account}'")
        for statement in filter(str.strip, BEFORE_0005.split(";")):
            await connection.execute(statement.replace("$1", f"'{account}'"))
        await migrate("upgrade", owned_database, "head")
        assert await connection.fetchval("SELECT count(*) FROM calendar_syncs WHERE cursor IS NULL") == 1
        later = (
            "SELECT count(*) FROM calendar_writes w JOIN bookings b ON b.id = w.booking_id AND b.ends_at = w.ends_at"
        )
        assert await connection.fetchval(later) == 1
        await migrate("downgrade", owned_database, "0004")
        assert await connection.fetchval("SELECT count(*) FROM calendar_writes") == 1
    finally:
        await connection.close()


async def test_a_database_that_was_never_migrated_is_refused(database: str) -> None:
    engine = create_engine(database, pool_size=1)
    try:
        with pytest.raises(DBAPIError):
            async with transaction(create_sessions(engine), None) as session:
                await session.execute(text("SELECT 1 FROM directory"))
    finally:
        await engine.dispose()


@contextmanager
def environment_of(url: str) -> Iterator[ScriptDirectory]:
    yield ScriptDirectory.from_config(config(url))


def test_the_migrations_are_one_line_and_named_by_date(database_url: str) -> None:
    with environment_of(database_url) as scripts:
        assert len(scripts.get_heads()) == 1
        names = sorted(Path(script.path).name for script in scripts.walk_revisions())
    assert names
    assert all(name[4] == name[7] == name[10] == "-" and name[11:15].isdigit() for name in names), names
