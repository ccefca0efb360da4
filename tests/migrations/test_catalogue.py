"""What the database itself says of its constraints, indexes, functions and types (R53, P4).

The one rule: an exception stands on a list here with its reason, and an entry that is no exception any more fails.
Policies, keys and the rights on whole tables are looked at in `tests/test_tenancy.py`.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.database import APP_ROLE

UNSERVED = {
    "fk_connection_authorizations_account_id_user_id": "attempts to connect: a handful for each person, soon deleted",
    "fk_inboxes_account_id_user_id": "a handful for each person, and people are deleted with their account",
    "fk_task_calendars_account_id_calendar_id": "one row for each connection",
}
"""Foreign keys without an index that could find who refers, by name: and why that is bearable."""

SCANNED = """
SELECT k.conname::text AS name, k.conrelid::regclass::text AS table,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) u JOIN pg_attribute a
              ON a.attrelid = k.conrelid AND a.attnum = u ORDER BY 1) AS columns
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE n.nspname IN ('public', 'queue') AND k.contype = 'f'
   AND NOT EXISTS (
       SELECT FROM pg_index i
        WHERE i.indrelid = k.conrelid AND i.indisvalid
          AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')
          AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
 ORDER BY 1
"""
"""An index serves when its first columns are those of the key, in whatever order."""

COLUMN_RIGHTS = """
SELECT a.attrelid::regclass::text AS table, array_agg(a.attname::text ORDER BY a.attname) AS columns,
       x.grantee::regrole::text AS role, x.privilege_type::text AS privilege
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
       aclexplode(a.attacl) x
 WHERE n.nspname IN ('public', 'queue') GROUP BY 1, 3, 4 ORDER BY 1, 4
"""
COLUMNS_ALONE = {
    ("account_erasures", "UPDATE"): [
        "deleted_rows",
        "finished_at",
        "last_seal",
        "last_sequence",
        "look_again_at",
        "stage",
    ],
    ("audit_entries", "UPDATE"): ["seal", "sequence"],
}
"""Of tables that are appended to alone: what the service may yet change."""

FUNCTIONS = """
SELECT p.proname::text AS name, p.prosecdef AS definer, coalesce(p.proconfig, '{}') AS settings,
       has_function_privilege('public', p.oid, 'EXECUTE') AS everybody, p.prorettype = 'trigger'::regtype AS trigger
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname IN ('public', 'queue')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
 ORDER BY 1
"""
DEFINERS = {
    "feed_event_arrives": "draws from a sequence that the service may not move",
    "erase_audit_entries": "deletes what the service may only append, while its account is being erased",
}
"""Functions that run as their owner, each with its reason."""


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_every_foreign_key_is_served_by_an_index(owner: asyncpg.Connection) -> None:
    """Else deleting a row reads all of the table that refers to it, under a lock."""
    unserved = {row["name"]: (row["table"], row["columns"]) for row in await owner.fetch(SCANNED)}
    assert unserved.keys() == UNSERVED.keys(), unserved


async def test_no_constraint_waits_to_be_validated_and_no_index_is_left_half_made(owner: asyncpg.Connection) -> None:
    assert await owner.fetch("SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1") == []
    assert await owner.fetch("SELECT indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready)") == []
    switched_off = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' ORDER BY 1"
    assert await owner.fetch(switched_off) == []


async def test_every_foreign_key_says_what_becomes_of_those_who_refer(owner: asyncpg.Connection) -> None:
    """`SET NULL` names its columns: without names it would take the account off the row, which none may be without."""
    rows = await owner.fetch(
        "SELECT conname, confdeltype::text AS deleted, confdelsetcols AS unset FROM pg_constraint "
        "WHERE contype = 'f' ORDER BY 1"
    )
    assert rows
    for row in rows:
        assert row["deleted"] in {"c", "n", "a"}, row["conname"]
        assert row["deleted"] != "n" or row["unset"], row["conname"]


async def test_r53_the_service_is_in_no_other_role_and_owns_nothing(owner: asyncpg.Connection) -> None:
    above = await owner.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname <> $1 AND pg_has_role($1, oid, 'MEMBER') ORDER BY 1", APP_ROLE
    )
    assert above == []
    for catalogue, column in (("pg_class", "relowner"), ("pg_proc", "proowner"), ("pg_namespace", "nspowner"),
                              ("pg_type", "typowner"), ("pg_database", "datdba")):  # fmt: skip
        owned = f"SELECT count(*) FROM {catalogue} WHERE {column} = $1::regrole"  # noqa: S608 - from the line above
        assert await owner.fetchval(owned, APP_ROLE) == 0, catalogue


async def test_r53_rights_on_single_columns_are_those_on_the_list(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(COLUMN_RIGHTS)
    assert {row["role"] for row in rows} == {APP_ROLE}
    assert {(row["table"], row["privilege"]): row["columns"] for row in rows} == COLUMNS_ALONE


async def test_r53_a_function_that_runs_as_its_owner_looks_nowhere_else_and_is_not_for_everybody(
    owner: asyncpg.Connection,
) -> None:
    rows = {row["name"]: row for row in await owner.fetch(FUNCTIONS)}
    assert rows
    assert {name for name, row in rows.items() if row["definer"]} == DEFINERS.keys()
    for name in DEFINERS:
        [path] = [it for it in rows[name]["settings"] if it.startswith("search_path=")]
        schemas = [schema.strip() for schema in path.removeprefix("search_path=").split(",")]
        assert set(schemas) <= {"public", "pg_catalog", "pg_temp"}, name
        assert "pg_temp" not in schemas[:-1], f"{name}: a temporary table of the caller's would come first"
        assert rows[name]["trigger"] or not rows[name]["everybody"], f"{name}: PUBLIC may call it"


async def test_every_instant_has_its_zone(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema IN ('public', 'queue') AND table_name <> 'alembic_version' "
        "AND (data_type LIKE 'time%without time zone' "
        "OR data_type IN ('character varying', 'character', 'money', 'json', 'real')) ORDER BY 1, 2"
    )
    assert rows == []
    ranges = (
        "SELECT count(*) FROM information_schema.columns WHERE udt_name IN ('tsrange', 'tsmultirange', '_timestamp')"
    )
    assert await owner.fetchval(ranges) == 0
