"""The service meets a schema that is further than itself: what the next release adds is nothing to it.

The one rule: the next release is made up, and adds to every table whatever an expanding migration may add.
"""

import ast
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.settings import Settings
from prove.migrations_catalogue import read_tables
from prove.migrations_database import ROOT, Database, connected, scratch
from sandbox.client import Sandbox
from tests.support.visitors import visit
from tests.support.world import World, open_world

ADDITIONS = (
    "ALTER TABLE {table} ADD COLUMN of_the_next text",
    "ALTER TABLE {table} ADD COLUMN counted_next integer NOT NULL DEFAULT 7",
    "CREATE INDEX ON {table} (of_the_next, counted_next)",
)

NAMED_LATER = {
    "app/events/repository.py": "all of a subquery that names its columns",
    "app/scheduling/availability.py": "a part of a statement whose answer names its columns",
}
"""Texts with a star in them, and why what they answer is always the same."""


@pytest.fixture
async def expanded(database_url: str) -> AsyncIterator[Database]:
    """A database at head, and everything that might come on top of it."""
    async with scratch(database_url) as database:
        await database.upgrade("head")
        async with connected(database.url) as connection:
            for table in await read_tables(connection):
                for addition in ADDITIONS:
                    await connection.execute(addition.format(table=table.name))
            await connection.execute("CREATE TABLE of_the_next (account_id uuid PRIMARY KEY, said text)")
        yield database


@pytest.fixture
async def later(expanded: Database, service_environment: dict[str, str], sandbox: Sandbox) -> AsyncIterator[World]:
    """The service as it is, before that database."""
    before = dict(os.environ)
    [name] = [name for name in service_environment if name.endswith("DATABASE_URL")]
    os.environ.update({**service_environment, name: expanded.url})
    try:
        settings = Settings(_env_file=None)
    finally:
        os.environ.clear()
        os.environ.update(before)
    async with open_world(settings, sandbox) as world:
        yield world


async def test_what_the_next_release_adds_does_not_stop_this_one(later: World) -> None:
    person = await later.connected()
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "12:00"), email="vera@example.com")
    await later.work()
    assert (await booking.read())["calendar_event"]["status"] == "written"
    assert (await booking.reschedule(person.at(4, "15:00"))).status_code == 200
    assert (await booking.cancel()).status_code == 200
    await later.work()
    assert (await booking.read())["status"] == "cancelled"
    assert (await person.get("/v1/bookings")).status_code == 200
    made = await later.rows("SELECT count(*) AS many FROM bookings WHERE counted_next = 7 AND of_the_next IS NULL")
    assert made == [{"many": 1}]


def test_nothing_is_read_by_place_from_whatever_columns_there_are() -> None:
    """`SELECT *` gives a column more as soon as there is one."""
    found = {str(path.relative_to(ROOT)) for path in sorted((ROOT / "app").rglob("*.py")) if stars(path)}
    assert found == NAMED_LATER.keys()


def stars(path: Path) -> list[int]:
    """Where a text of this file selects or returns every column there is."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = " ".join(node.value.upper().split())
            if any(star in words for star in ("SELECT *", "RETURNING *", "SELECT DISTINCT *", ".* FROM")):
                found.append(node.lineno)
    return found
