"""The battery of migrations, small: the newest under load, and its judges believe no lie.

The one rule: what a bad migration does is done to a real database here, and found by the same means.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from prove.migrations import judged_expansion, judged_round
from prove.migrations_bulk import BULK, multiply
from prove.migrations_database import Database, connected, revisions, scratch
from prove.migrations_expand import Expansion, expansions
from prove.migrations_load import under_load
from prove.migrations_rounds import Round, fill_anew

GOOD = Expansion("9999", blocked=0.2, by="SELECT bookings", idle=0.01, statements=100)


@pytest.fixture
async def filled(database_url: str) -> AsyncIterator[Database]:
    async with scratch(database_url) as database:
        await database.upgrade("head")
        await fill_anew(database)
        yield database


async def test_the_newest_migration_under_load_keeps_nobody_waiting_and_breaks_nothing(database_url: str) -> None:
    [met] = [each async for each in expansions(database_url, begin=revisions()[-2], scale=0.02)]
    assert met.revision == revisions()[-1]
    assert met.statements > 0
    assert judged_expansion(met).ok, met


async def test_who_waits_for_a_lock_is_in_the_figure(filled: Database) -> None:
    """As long as a table is held, so long has somebody waited: never less, however busy the machine is."""
    async with under_load(filled, seed=1) as watch, connected(filled.url) as connection, connection.transaction():
        await connection.execute("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")
        await until_somebody_waits(filled, "bookings")
        await asyncio.sleep(0.8)
    assert watch.slowest >= 0.7
    assert not watch.failed


async def until_somebody_waits(database: Database, table: str) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass"
    async with connected(database.url) as connection, asyncio.timeout(120):
        while not await connection.fetchval(waiting, table):  # noqa: ASYNC110 - in a table
            await asyncio.sleep(0.005)


async def test_a_statement_that_a_contraction_breaks_is_told(filled: Database) -> None:
    async with under_load(filled, seed=1) as watch:
        async with connected(filled.url) as connection:
            await connection.execute("ALTER TABLE mails DROP COLUMN reply_to")
        async with asyncio.timeout(120):
            while not watch.failed:  # noqa: ASYNC110 - the clients tell of it in no other way
                await asyncio.sleep(0.02)
    assert all(what.startswith("public.mails: UndefinedColumnError") for what in watch.failed)
    assert not judged_expansion(replace(GOOD, failed=watch.failed)).ok


async def test_big_tables_are_as_big_as_was_asked_for(filled: Database) -> None:
    async with connected(filled.url) as connection:
        counts = await multiply(connection, 0.01)
    assert counts.keys() == BULK.keys()
    assert counts["public.mirror_events"] >= 2000
    assert counts["public.bookings"] >= 500


def test_the_judges_say_no_to_each_thing_that_is_wrong() -> None:
    assert judged_expansion(GOOD).ok
    assert not judged_expansion(replace(GOOD, blocked=0.6)).ok
    assert not judged_expansion(replace(GOOD, failed=Counter({"public.users: NotNullViolationError: x": 1}))).ok
    assert judged_round(Round("9999")).ok
    assert not judged_round(Round("9999", wrong=["up: public.users -"])).ok
    assert not judged_round(Round("9999", stale=["up: public.users -"])).ok
