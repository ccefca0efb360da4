"""Runs the migrations, as the login itself and one at a time across the deployment.

The one rule: a migration never has the service wait behind it. It asks for its locks for a moment; when somebody has
them it lets go of everything, so that who queued behind it goes on, and tries again later.
The URL is given by whoever runs them (`calendar-connect migrate`, the tests) or by DATABASE_URL.
"""

import asyncio
import logging
import os
import random
import time
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.database import create_engine, sqlstate
from app.models import all_tables
from app.models.base import Base

_ADVISORY_LOCK = 0x63616C  # "cal": two deployments never migrate at once
_IN_USE = {"55P03", "40P01"}  # the lock was not to be had in time; or its holder waits for one of ours
_LOCK_TIMEOUT = text("SET lock_timeout = '200ms'")  # well under the half second that nobody may be blocked for
_TURN_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_PATIENCE_SECONDS = 300.0
"""How long one migration tries. `patience_seconds` among the configuration's attributes is for the tests."""

MODULES = all_tables.__all__  # importing it fills the metadata

log = logging.getLogger("alembic.runtime.migration")


def _migrate(connection: Connection) -> None:
    applied: list[Any] = []

    def passed(ctx: MigrationContext, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ARG001 - by name
        """A migration may lift the timeout for itself (CONCURRENTLY waits for everybody), not for the next."""
        assert ctx.connection is not None
        ctx.connection.execute(_LOCK_TIMEOUT)
        applied.append(step)

    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
        on_version_apply=passed,
    )
    _take_turn(connection)
    try:
        _persist(connection, applied)
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        connection.commit()


def _take_turn(connection: Connection) -> None:
    """Asked for again and again: a statement that waited would be a snapshot, and CONCURRENTLY waits for those."""
    while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_LOCK}).scalar():
        connection.commit()
        time.sleep(_TURN_SECONDS)
    connection.execute(_LOCK_TIMEOUT)
    connection.commit()


def _persist(connection: Connection, applied: list[Any]) -> None:
    """Migrate; where a lock was not to be had, again from the migration that missed it, for as long as is patient."""
    patience = float(context.config.attributes.get("patience_seconds", _PATIENCE_SECONDS))
    deadline, misses, done = time.monotonic() + patience, 0, 0
    while True:
        try:
            with context.begin_transaction():
                context.run_migrations()
        except DBAPIError as error:
            connection.rollback()
            if len(applied) > done:
                deadline, misses, done = time.monotonic() + patience, 0, len(applied)
            if sqlstate(error) not in _IN_USE or time.monotonic() > deadline or (done and _is_relative()):
                raise
            pause = min(0.25 * 2**misses, _LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            log.warning("A table is in use; the migration lets go and tries again in %.1f s", pause)
            time.sleep(pause)
            misses += 1
        else:
            return


def _is_relative() -> bool:
    """`-2` counts from where the database is: begun a second time it would go too far."""
    destination = context.get_revision_argument()
    return isinstance(destination, str) and destination.startswith(("+", "-"))


async def _connect_and_migrate() -> None:
    url = context.config.attributes.get("database_url") or os.environ["DATABASE_URL"]
    engine = create_engine(url, role=None, pooled=False)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("offline migrations are not supported: the first one looks at the cluster's roles")
asyncio.run(_connect_and_migrate())
