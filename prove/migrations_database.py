"""Databases to migrate: made for it, owned by a plain login, dropped afterwards.

The one rule: revisions come from the script directory, in its order; none is known by its number here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

from app.database import APP_ROLE

ROOT: Final = Path(__file__).parents[1]
_PASSWORD: Final = "a-plain-owner"


@dataclass(frozen=True, slots=True)
class Database:
    """A database and who migrates it."""

    server: str
    """A superuser's URL of another database of the same server."""
    name: str
    owner: str | None
    """A login that is no superuser, as a cloud gives them; None is the superuser."""

    @property
    def url(self) -> str:
        """The superuser's."""
        return make_url(self.server).set(database=self.name).render_as_string(hide_password=False)

    @property
    def owner_url(self) -> str:
        """Of whoever migrates it."""
        if self.owner is None:
            return self.url
        return make_url(self.url).set(username=self.owner, password=_PASSWORD).render_as_string(hide_password=False)

    async def upgrade(self, revision: str) -> None:
        """In a thread of its own: a migration runs an event loop."""
        await asyncio.to_thread(command.upgrade, configuration(self.owner_url), revision)

    async def see_all(self, *, allowed: bool) -> None:
        """Whether row-level security lets the owner pass: for migrations that forget that it is forced."""
        if self.owner is not None:
            async with connected(self.url) as connection:
                await connection.execute(f"ALTER ROLE {self.owner} {'' if allowed else 'NO'}BYPASSRLS")

    async def downgrade(self, revision: str) -> None:
        """The same, backwards."""
        await asyncio.to_thread(command.downgrade, configuration(self.owner_url), revision)


def configuration(url: str) -> Config:
    """The project's migrations, at this database."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["database_url"] = url
    return config


def revisions() -> list[str]:
    """All of them, the first one first."""
    return [script.revision for script in ScriptDirectory.from_config(configuration("")).walk_revisions()][::-1]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection, for as long as it is needed."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def scratch(server: str, *, plain: bool = True) -> AsyncIterator[Database]:
    """An empty database of a plain login, or of the superuser."""
    mark = uuid4().hex
    database = Database(server, f"scratch_{mark}", f"scratch_owner_{mark}" if plain else None)
    async with connected(server) as connection:
        if database.owner:
            await connection.execute(_ROLE)
            await connection.execute(
                f"CREATE ROLE {database.owner} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{_PASSWORD}' IN ROLE {APP_ROLE}"
            )
        of = f"OWNER {database.owner}" if database.owner else ""
        await connection.execute(f"CREATE DATABASE {database.name} {of}")
        try:
            yield database
        finally:
            await connection.execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")
            if database.owner:
                await connection.execute(f"DROP ROLE {database.owner}")


@asynccontextmanager
async def copy(database: Database) -> AsyncIterator[Database]:
    """The same database once more, as it is now. Nobody may be connected to the first."""
    made = Database(database.server, f"scratch_{uuid4().hex}", database.owner)
    async with connected(database.server) as connection:
        of = f"OWNER {made.owner}" if made.owner else ""
        await connection.execute(f"CREATE DATABASE {made.name} TEMPLATE {database.name} {of}")
        try:
            yield made
        finally:
            await connection.execute(f"DROP DATABASE {made.name} WITH (FORCE)")


_ROLE: Final = f"""
DO $$ BEGIN
    CREATE ROLE {APP_ROLE} NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$"""
