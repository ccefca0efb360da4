"""A migration that cannot have its locks lets the service go on, and comes back; a migration of our own shows it.

The one rule: nothing here is timed. Writers finish while the reader whom the migration waits for is still reading.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from prove.migrations_database import ROOT, Database, configuration, connected, revisions, scratch

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = $1::regclass"
SCRIPT = '''"""Of the tests."""

from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
THERE = "SELECT to_regclass('ix_of_the_next') IS NOT NULL"
ADDED = "SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND column_name = 'of_the_next'"
CONCURRENTLY = """with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_of_the_next ON bookings (account_id, title)")"""

STATEMENT_BY_STATEMENT = """with op.get_context().autocommit_block():
        op.execute("ALTER TABLE bookings ADD COLUMN of_the_next text")"""


class NextRelease:
    """The project's migrations, and more after them."""

    def __init__(self, place: Path) -> None:
        self.place = place / "migrations"
        shutil.copytree(ROOT / "migrations", self.place, ignore=shutil.ignore_patterns("__pycache__"))
        self._last = revisions()[-1]

    def add(self, up: str, down: str = "pass") -> str:
        name = f"next_{len(list((self.place / 'versions').glob('*.py')))}"
        script = SCRIPT.format(revision=name, before=self._last, up=up, down=down)
        (self.place / "versions" / f"2099-01-01-0000_{name}.py").write_text(script)
        self._last = name
        return name

    def add_column(self, table: str) -> str:
        return self.add(f'op.execute("ALTER TABLE {table} ADD COLUMN of_the_next text")',
                        f'op.execute("ALTER TABLE {table} DROP COLUMN of_the_next")')  # fmt: skip

    def config(self, url: str, patience: float = 300) -> Config:
        made = configuration(url)
        made.set_main_option("script_location", str(self.place))
        made.attributes["patience_seconds"] = patience
        assert ScriptDirectory.from_config(made).get_heads() == [self._last]
        return made

    def upgrade(self, database: Database, revision: str = "head", patience: float = 300) -> asyncio.Task[None]:
        return asyncio.create_task(asyncio.to_thread(command.upgrade, self.config(database.url, patience), revision))


@pytest.fixture
def following(tmp_path: Path) -> NextRelease:
    return NextRelease(tmp_path)


@pytest.fixture(scope="module")
async def of_this_release(database_url: str) -> AsyncIterator[Database]:
    async with scratch(database_url, plain=False) as database:
        await database.upgrade("head")
        yield database


@pytest.fixture
async def database(of_this_release: Database, following: NextRelease) -> AsyncIterator[Database]:
    yield of_this_release
    await asyncio.to_thread(command.downgrade, following.config(of_this_release.url), revisions()[-1])


async def waits_for(database: Database, table: str) -> None:
    """Until a migration stands in the queue of this table."""
    async with connected(database.url) as connection, asyncio.timeout(120):
        while not await connection.fetchval(WAITING, table):  # noqa: ASYNC110 - in a table
            await asyncio.sleep(0.005)


async def has_column(database: Database, table: str) -> bool:
    async with connected(database.url) as connection:
        return bool(await connection.fetchval(ADDED, table))


async def test_writers_do_not_wait_behind_a_migration_that_waits_for_a_reader(
    database: Database, following: NextRelease
) -> None:
    following.add_column("bookings")
    async with connected(database.url) as reader, connected(database.url) as writer:
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("SELECT id FROM bookings LIMIT 1")
        migrating = following.upgrade(database)
        for _ in range(3):
            await waits_for(database, "bookings")
            async with asyncio.timeout(120):  # behind a migration that does not let go it would be for ever
                await writer.execute("UPDATE bookings SET version = version + 1")
        assert not migrating.done()
        await reading.rollback()
    await migrating
    assert await has_column(database, "bookings")


async def test_what_was_migrated_before_the_wait_is_not_migrated_again(
    database: Database, following: NextRelease
) -> None:
    following.add_column("mails")
    following.add_column("bookings")
    async with connected(database.url) as reader:
        async with reader.transaction():
            await reader.fetch("SELECT id FROM bookings LIMIT 1")
            migrating = following.upgrade(database)
            await waits_for(database, "bookings")
            assert await has_column(database, "mails")
            await waits_for(database, "bookings")
        await migrating
    assert await has_column(database, "bookings")


async def test_what_commits_each_statement_tries_again_as_well(database: Database, following: NextRelease) -> None:
    following.add(STATEMENT_BY_STATEMENT, 'op.execute("ALTER TABLE bookings DROP COLUMN of_the_next")')
    async with connected(database.url) as reader, connected(database.url) as writer:
        async with reader.transaction():
            await reader.fetch("SELECT id FROM bookings LIMIT 1")
            migrating = following.upgrade(database)
            for _ in range(2):
                await waits_for(database, "bookings")
                await writer.execute("UPDATE bookings SET version = version + 1")  # when the migration has let go
        await migrating
    assert await has_column(database, "bookings")


async def test_a_relative_step_that_was_half_done_is_not_begun_again(
    database: Database, following: NextRelease
) -> None:
    """Again from where it stands it would be one too far."""
    following.add_column("mails")
    following.add_column("bookings")
    following.add_column("users")
    async with connected(database.url) as reader, reader.transaction():
        await reader.fetch("SELECT id FROM bookings LIMIT 1")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await following.upgrade(database, "+2")
    assert [await has_column(database, table) for table in ("mails", "bookings", "users")] == [True, False, False]


async def test_patience_has_an_end_and_leaves_nothing_half_done(database: Database, following: NextRelease) -> None:
    following.add('op.execute("ALTER TABLE mails ADD COLUMN of_the_next text"); '
                  'op.execute("ALTER TABLE bookings ADD COLUMN of_the_next text")',
                  'op.execute("ALTER TABLE bookings DROP COLUMN of_the_next"); '
                  'op.execute("ALTER TABLE mails DROP COLUMN of_the_next")')  # fmt: skip
    async with connected(database.url) as reader, reader.transaction():
        await reader.fetch("SELECT id FROM bookings LIMIT 1")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await following.upgrade(database, patience=0.3)
    assert not await has_column(database, "mails")
    await following.upgrade(database)
    assert await has_column(database, "bookings")


async def test_an_index_is_made_beside_readers_and_a_second_deployment_in_its_turn(
    database: Database, following: NextRelease
) -> None:
    """CONCURRENTLY waits for every snapshot: for the reader's, but not for that of a second deployment in its turn."""
    made = following.add(CONCURRENTLY, 'op.execute("DROP INDEX ix_of_the_next")')
    async with connected(database.url) as reader, connected(database.url) as writer:
        first = reader.transaction(isolation="repeatable_read")
        await first.start()
        await reader.fetch("SELECT id FROM bookings LIMIT 1")
        one = asyncio.create_task(run(following, database, made))
        async with asyncio.timeout(120):
            while not await writer.fetchval(THERE):  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
        other = following.upgrade(database, made)
        await writer.execute("UPDATE bookings SET version = version + 1")
        assert not one.done()
        await first.rollback()
        async with asyncio.timeout(120):
            await asyncio.gather(one, other)
        assert await writer.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_of_the_next'::regclass")


async def test_the_timeout_that_one_migration_lifts_is_back_for_the_next(
    database: Database, following: NextRelease
) -> None:
    following.add(CONCURRENTLY, 'op.execute("DROP INDEX ix_of_the_next")')
    following.add_column("bookings")
    async with connected(database.url) as reader, reader.transaction(), asyncio.timeout(120):
        await reader.execute("LOCK TABLE bookings IN ACCESS SHARE MODE")  # a lock and no snapshot: the index gets done
        with pytest.raises(DBAPIError, match="lock timeout"):
            await following.upgrade(database, patience=0.3)


async def run(following: NextRelease, database: Database, revision: str) -> None:
    """As the command does it: two in one process would share Alembic's context."""
    program = (
        "import sys; from alembic import command; from prove.migrations_database import configuration; "
        "made = configuration(sys.argv[1]); made.set_main_option('script_location', sys.argv[2]); "
        "command.upgrade(made, sys.argv[3])"
    )
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", program, database.url, str(following.place), revision], cwd=ROOT
    )
    assert await process.wait() == 0
