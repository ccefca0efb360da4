"""Tenants never see each other: read from the catalogue, then tried (R53, P4).

The one rule: a table is under row-level security, or it stands on the reviewed list below.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.background import Place
from app.database import APP_ROLE, transaction
from app.models import all_tables
from app.models.base import Base
from app.worker import queue_manager
from tests.support.world import World

GLOBAL = {
    "directory": ["kind", "key"],
    "due_calendars": ["calendar_id"],
    "due_domains": ["domain_id"],
    "due_watches": ["calendar_id"],
    "due_events": ["event_id"],
    "due_feeds": ["account_id"],
    "due_holds": ["hold_id"],
    "due_reminders": ["booking_id"],
    "due_audits": ["entry_id"],
    "due_requests": ["request_id"],
    "due_webhooks": ["endpoint_id"],
    "provider_grants": ["connection_id"],
}
"""Reviewed: no personal data, no row-level security; how a request without an account finds its account."""
MINE = "(account_id = (NULLIF(current_setting('app.account_id'::text, true), ''::text))::uuid)"

TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       pg_get_userbyid(c.relowner) AS owner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
"""
POLICIES = (
    "SELECT tablename, permissive, roles::text[], cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'"
)
CONSTRAINTS = """
SELECT con.conname AS name, con.contype::text AS kind, con.conrelid::regclass::text AS table,
       ARRAY(SELECT a.attname::text FROM unnest(con.conkey) k JOIN pg_attribute a
              ON a.attrelid = con.conrelid AND a.attnum = k) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(con.confkey) k JOIN pg_attribute a
              ON a.attrelid = con.confrelid AND a.attnum = k) AS targets,
       ARRAY(SELECT o.oprname::text FROM unnest(con.conexclop) x JOIN pg_operator o ON o.oid = x) AS operators
  FROM pg_constraint con JOIN pg_namespace n ON n.oid = con.connamespace
 WHERE n.nspname = 'public' AND con.contype IN ('p', 'u', 'f', 'x') AND con.conrelid <> 'alembic_version'::regclass
"""
UNIQUE_INDEXES = """
SELECT i.indrelid::regclass::text AS table,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) k JOIN pg_attribute a
              ON a.attrelid = i.indrelid AND a.attnum = k) AS columns
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND i.indisunique AND c.relname <> 'alembic_version'
"""
GRANTS = """
SELECT c.relname AS name, n.nspname AS schema, c.relkind::text AS kind, x.grantee::regrole::text AS role,
       array_agg(x.privilege_type::text ORDER BY x.privilege_type) AS rights
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x
 WHERE n.nspname IN ('public', 'queue') AND x.grantee <> c.relowner
 GROUP BY 1, 2, 3, 4
"""
FAILURES = "SELECT traceback::text FROM queue.pgqueuer_log WHERE traceback IS NOT NULL"
DATA = ["DELETE", "INSERT", "SELECT", "UPDATE"]


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_r53_every_table_is_under_row_level_security_or_reviewed(owner: asyncpg.Connection) -> None:
    rows = {row["name"]: row for row in await owner.fetch(TABLES)}
    assert all_tables
    assert rows.keys() == Base.metadata.tables.keys(), "the models and the database name the same tables"
    assert rows.keys() >= GLOBAL.keys()
    for name, row in rows.items():
        protected = name not in GLOBAL
        assert (row["enabled"], row["forced"]) == (protected, protected), name
        assert row["owner"] != APP_ROLE, name


async def test_r53_every_policy_holds_reads_and_writes_to_the_account(owner: asyncpg.Connection) -> None:
    policies = {row["tablename"]: row for row in await owner.fetch(POLICIES)}
    count = await owner.fetchval("SELECT count(*) FROM pg_policies WHERE schemaname = 'public'")
    assert count == len(policies), "one policy a table: permissive ones add up"
    assert policies.keys() == Base.metadata.tables.keys() - GLOBAL.keys()
    for name, policy in policies.items():
        told = (policy["permissive"], policy["roles"], policy["cmd"], policy["qual"], policy["with_check"])
        assert told == ("PERMISSIVE", ["public"], "ALL", MINE, MINE), name


async def test_r53_every_key_contains_the_account(owner: asyncpg.Connection) -> None:
    constraints = await owner.fetch(CONSTRAINTS)
    assert {row["kind"] for row in constraints} == {"p", "u", "f", "x"}
    for row in constraints:
        if row["table"] in GLOBAL:
            assert (row["kind"], row["columns"]) == ("p", GLOBAL[row["table"]])
            continue
        assert "account_id" in row["columns"], row["name"]
        if row["kind"] == "f":
            place = row["columns"].index("account_id")
            assert row["targets"][place] == "account_id", row["name"]
        if row["kind"] == "x":
            place = row["columns"].index("account_id")
            assert row["operators"][place] == "=", row["name"]
    for row in await owner.fetch(UNIQUE_INDEXES):
        assert row["table"] in GLOBAL or "account_id" in row["columns"], row


APPENDED = {"audit_entries", "account_erasures"}
"""What the service never removes (R54): of entries it sets the seals, once; of tombstones how far the erasure is."""


async def test_r53_the_role_of_the_service_may_work_with_rows_and_nothing_else(owner: asyncpg.Connection) -> None:
    role = await owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", APP_ROLE)
    assert role is not None
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication")
    assert [role[power] for power in powers] == [False] * len(powers)
    grants = await owner.fetch(GRANTS)
    assert {row["role"] for row in grants} == {APP_ROLE}, "nobody else, PUBLIC included"
    for row in grants:
        data = ["INSERT", "SELECT"] if row["name"] in APPENDED else DATA
        assert row["rights"] == (["USAGE"] if row["kind"] == "S" else data), row["name"]
    tables = {row["name"] for row in grants if row["schema"] == "public"}
    assert tables == Base.metadata.tables.keys()
    for schema in ("public", "queue"):
        create = await owner.fetchval("SELECT has_schema_privilege($1, $2, 'CREATE')", APP_ROLE, schema)
        assert create is False, schema
    assert not await owner.fetchval("SELECT has_table_privilege($1, 'alembic_version', 'SELECT')", APP_ROLE)


async def insert_user(world: World, account: UUID, user: UUID, email: str, *, inside: UUID | None = None) -> None:
    """An account and a user of it, written as the service writes; `inside` is the account it works in."""
    async with transaction(world.services.sessions, inside or account) as session:
        await session.execute(
            text("INSERT INTO accounts (account_id, subscriptions) VALUES (:a, '[]') ON CONFLICT DO NOTHING"),
            {"a": account},
        )
        await session.execute(
            text(
                "INSERT INTO users (account_id, id, email, locale, time_zone, permissions, seats) "
                "VALUES (:a, :u, :e, 'en', 'UTC', '{}', '[]')"
            ),
            {"a": account, "u": user, "e": email},
        )


async def seen(world: World, account: UUID | None, table: str = "users") -> list[Any]:
    """All rows that can be seen from inside an account."""
    async with transaction(world.services.sessions, account) as session:
        return list((await session.execute(text(f"SELECT * FROM {table}"))).all())  # noqa: S608 - a name from our own list


async def test_r53_two_accounts_with_the_same_ids_never_meet(world: World) -> None:
    one, two, user = uuid4(), uuid4(), uuid4()
    await insert_user(world, one, user, "one@example.com")
    await insert_user(world, two, user, "two@example.com")
    assert [row.email for row in await seen(world, one)] == ["one@example.com"]
    assert [row.email for row in await seen(world, two)] == ["two@example.com"]
    async with transaction(world.services.sessions, one) as session:
        await session.execute(text("UPDATE users SET email = 'changed@example.com'"))
        changed = await session.execute(text("DELETE FROM users WHERE account_id = :a"), {"a": two})
        assert changed.rowcount == 0
    assert [row.email for row in await seen(world, two)] == ["two@example.com"]


async def test_r53_without_an_account_there_are_no_rows(world: World) -> None:
    person = await world.connected()
    await person.make_page()
    for table in Base.metadata.tables.keys() - GLOBAL.keys():
        assert await seen(world, None, table) == [], table
    assert len(await world.rows("SELECT * FROM users")) == 1
    assert await seen(world, uuid4()) == []


async def test_r53_a_row_of_another_account_can_be_neither_made_nor_given_away(world: World) -> None:
    one, two, user = uuid4(), uuid4(), uuid4()
    await insert_user(world, one, user, "one@example.com")
    await insert_user(world, two, uuid4(), "two@example.com")
    with pytest.raises(DBAPIError, match="row-level security"):
        await insert_user(world, two, uuid4(), "smuggled@example.com", inside=one)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with transaction(world.services.sessions, one) as session:
            await session.execute(text("UPDATE users SET account_id = :a"), {"a": two})
    assert len(await seen(world, two)) == 1


async def test_r53_a_connection_of_the_pool_forgets_its_account(world: World) -> None:
    one = uuid4()
    await insert_user(world, one, uuid4(), "one@example.com")
    for _ in range(30):
        assert len(await seen(world, one)) == 1
        assert await seen(world, None) == []


async def fail_every_job(world: World, why: str) -> None:
    """Run what is queued in the real queue manager, where each job fails with this text."""

    class Failing:
        def __getattr__(self, name: str) -> Any:
            async def run(account_id: UUID, subject_id: UUID) -> None:
                raise ZeroDivisionError(why) from LookupError(why)

            return run

    runners = {field.name for field in fields(world.services)} - {"settings", "clock", "engine", "sessions", "verifier"}
    failing = replace(world.services, **dict.fromkeys(runners, Failing()))
    async with asyncpg.create_pool(
        world.database_url, min_size=2, max_size=3, server_settings={"role": APP_ROLE}
    ) as pool:
        manager = queue_manager(failing, pool, Place(0))
        running = asyncio.create_task(manager.run(dequeue_timeout=timedelta(milliseconds=300), batch_size=10))
        while not await world.rows(FAILURES):  # noqa: ASYNC110 - in a table
            await asyncio.sleep(0.05)
        manager.shutdown.set()
        await running


async def test_p4_the_directory_holds_no_personal_data(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.book(page["id"], person.at(3, "10:00").isoformat())
    dump = repr(await world.rows("SELECT d::text FROM directory d"))
    dump += repr(await world.rows("SELECT d::text FROM due_calendars d"))
    dump += repr(await world.rows("SELECT g::text FROM provider_grants g"))
    dump += repr(await world.rows("SELECT convert_from(payload, 'UTF8') FROM queue.pgqueuer"))
    await fail_every_job(world, f"vera's mail to {person.email} about Intro at google failed")
    failures = await world.rows(FAILURES)
    assert failures
    assert all("ZeroDivisionError" in row["traceback"] for row in failures), "the kind of error is told"
    dump += repr(failures)
    for word in (person.email, "vera", "Vera", "google", "Intro"):
        assert word not in dump
