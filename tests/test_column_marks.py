"""Every column of the database is marked: plain, personal or secret (R54)."""

import re
from collections.abc import Iterator

import asyncpg
import pytest

from app.models.all_tables import every_table
from app.privacy.exported import LEFT_OUT, exported_columns, exported_tables
from app.privacy.mark import marked
from app.privacy.marks import MARKS, Mark, columns

CATALOGUE = """
SELECT c.relname AS table, a.attname AS column
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
   AND a.attnum > 0 AND NOT a.attisdropped
"""
QUEUE = """
SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'queue'
"""
QUEUE_HOLDS = {
    "pgqueuer": "id priority queue_manager_id created updated heartbeat execute_after status entrypoint dedupe_key "
    "payload headers attempts slot",
    "pgqueuer_log": "id created job_id status priority entrypoint traceback aggregated",
    "pgqueuer_schedules": "id expression entrypoint heartbeat created updated next_run last_run status",
    "pgqueuer_statistics": "id created count priority status entrypoint",
}
"""Plain, all of it: ids in the payload, the kind of an error in the log (test_tenancy.py looks into both)."""
LOOKS_PERSONAL = re.compile(
    "email|name|address|phone|subject|body|note|token|title|description|letter|guest|answers|visitor|content|secret"
)


def _marked() -> set[tuple[str, str]]:
    return {(column.table, column.name) for column in columns()}


async def test_r54_every_column_of_the_database_is_marked(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        there = {(row["table"], row["column"]) for row in await connection.fetch(CATALOGUE)}
        queue = {row[0] for row in await connection.fetch(QUEUE)}
    finally:
        await connection.close()
    modelled = {(table.name, column.name) for table in every_table() for column in table.columns}
    assert there == modelled
    assert there - _marked() == set(), "columns nobody has looked at"
    assert _marked() - there == set(), "marks without a column"
    assert queue == {f"{table}.{name}" for table, names in QUEUE_HOLDS.items() for name in names.split()}


def test_r54_what_looks_personal_is_or_has_its_reason() -> None:
    unexplained = [
        f"{column.table}.{column.name}"
        for column in columns()
        if column.mark is Mark.PLAIN
        and LOOKS_PERSONAL.search(column.name)
        and len(MARKS[column.table].reasons.get(column.name, "")) < 5
    ]
    assert unexplained == []


def test_a_column_has_one_mark_and_a_reason_its_column() -> None:
    with pytest.raises(ValueError, match="one mark"):
        marked("id email", personal="email")
    with pytest.raises(ValueError, match="one mark"):
        marked("id", name="why")


def _personal(left_out: bool) -> Iterator[str]:
    return (c.table for c in columns() if c.mark is Mark.PERSONAL and (c.table in LEFT_OUT) is left_out)


def test_r54_an_account_s_export_has_every_column_but_secrets() -> None:
    exported = {(table.name, column.name) for table in exported_tables() for column in exported_columns(table)}
    due = {(c.table, c.name) for c in columns() if c.mark is not Mark.SECRET and c.table not in LEFT_OUT}
    assert exported == due
    assert set(_personal(left_out=False)) <= {table.name for table in exported_tables()}
    assert set(_personal(left_out=True)) == {"busy_months", "idempotent_answers", "visitor_tokens"}, (
        "repeated elsewhere"
    )
    assert LEFT_OUT.keys() <= MARKS.keys()
    for table in exported_tables():
        assert set(table.primary_key) <= set(exported_columns(table)), f"{table.name}: where to go on is no secret"
