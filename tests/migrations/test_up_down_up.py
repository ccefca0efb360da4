"""Migrations over rows in every state: up, down and up again, and from every revision straight to the newest.

The one rule: what a migration changes of what stood there before is on the reviewed list, or it fails here.
"""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import select

from app.cli import check_login
from app.database import create_engine, create_sessions, transaction
from app.models import all_tables
from app.models.base import Base
from app.settings import DatabaseSettings
from prove.migrations_catalogue import read_tables
from prove.migrations_database import Database, connected, revisions, scratch
from prove.migrations_fill import ACCOUNTS
from prove.migrations_reviewed import BREAKING, DOWN, FORGETFUL, STOPPING, UP
from prove.migrations_rounds import fill_anew, rounds, seen, straight_to_head
from prove.migrations_state import differences


@pytest.fixture
async def filled(database_url: str) -> AsyncIterator[Database]:
    async with scratch(database_url) as database:
        await database.upgrade("head")
        await fill_anew(database)
        yield database


async def test_the_newest_migrations_keep_what_stands_there_up_and_down_and_up(database_url: str) -> None:
    """All of them are gone through by `python -m prove migrations`."""
    newest = revisions()[-2:]
    met = [made async for made in rounds(database_url, newest)]
    assert [made.revision for made in met] == newest
    assert {made.revision: made.wrong for made in met if made.wrong} == {}
    assert {made.revision: made.stale for made in met if made.stale} == {}


def test_only_migrations_that_are_there_are_excused() -> None:
    for reviewed in (UP, DOWN, FORGETFUL, STOPPING, BREAKING):
        assert reviewed.keys() <= set(revisions())


async def test_from_old_revisions_to_the_newest_the_service_reads_what_there_is(database_url: str) -> None:
    came, chosen = [], [revisions()[0], revisions()[len(revisions()) // 2], revisions()[-1]]
    async for revision, database, state in straight_to_head(database_url, chosen):
        read = await models_read(database)
        there = {name.removeprefix("public."): len(it.rows) for name, it in state.items() if "public." in name}
        assert read == there, revision
        await check_login(DatabaseSettings(database_url=database.url, _env_file=None))
        came.append(revision)
    assert came == chosen


async def models_read(database: Database) -> dict[str, int]:
    """Every row of every model, as the service reads it: in its role, in the account, with the models' own types."""
    assert all_tables
    counts: dict[str, int] = {}
    engine = create_engine(database.url, pool_size=1)
    try:
        sessions = create_sessions(engine)
        for mapper in Base.registry.mappers:
            name = mapper.local_table.name
            counts[name] = 0
            for account in accounts_of(mapper.local_table.columns.keys()):
                async with transaction(sessions, account) as session:
                    rows = (await session.scalars(select(mapper.class_))).all()
                    counts[name] += sum(row.account_id == account for row in rows)
    finally:
        await engine.dispose()
    return counts


def accounts_of(columns: list[str]) -> tuple[UUID, ...]:
    assert "account_id" in columns
    return ACCOUNTS


async def test_the_rows_are_in_every_state_the_catalogue_allows(filled: Database) -> None:
    """Each table has rows of each account; each column that may be unset is unset somewhere, and set somewhere."""
    state = await seen(filled)
    async with connected(filled.url) as connection:
        tables = await read_tables(connection)
    lacking = []
    for table in tables:
        contents = state[table.name]
        if table.of_accounts:
            place = contents.columns.index("account_id")
            assert {row[place] for row in contents.rows} >= set(map(str, ACCOUNTS)), table.name
        for column in table.columns:
            values = {row[contents.columns.index(column.name)] for row in contents.rows}
            lacking += [f"{table.name}.{column.name} is never set"] * (values == {None})
            lacking += [f"{table.name}.{column.name} is never unset"] * (column.nullable and None not in values)
    assert set(lacking) <= ONE_SIDED, sorted(set(lacking) - ONE_SIDED)


ONE_SIDED = {"queue.pgqueuer_log.traceback is never unset"}
"""Reviewed: what the checks or triggers of a table leave no choice about."""


async def test_a_row_that_is_lost_or_changed_is_noticed(filled: Database) -> None:
    before = await seen(filled)
    assert differences(before, await seen(filled)) == set()
    async with connected(filled.url) as connection:
        await connection.execute(
            "UPDATE bookings SET title = title || '!' WHERE id = (SELECT min(id::text)::uuid FROM bookings)"
        )
        await connection.execute("DELETE FROM mails WHERE id = (SELECT min(id::text)::uuid FROM mails)")
    assert differences(before, await seen(filled)) == {"public.bookings.title", "public.mails -"}


async def test_a_filler_that_can_make_no_row_says_so(filled: Database) -> None:
    async with connected(filled.url) as connection:
        await connection.execute(
            "CREATE TABLE of_no_use (account_id uuid PRIMARY KEY, n integer NOT NULL CHECK (n < 0))"
        )
    with pytest.raises(LookupError, match="of_no_use"):
        await fill_anew(filled)
