"""Runs the migrations, as the login itself and under a lock timeout, one at a time across the deployment.

The one rule: the URL is given by whoever runs them (`calendar-connect migrate`, the tests) or by DATABASE_URL.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from app.database import create_engine
from app.models import all_tables
from app.models.base import Base

_ADVISORY_LOCK = 0x63616C  # "cal": two deployments never migrate at once

MODULES = all_tables.__all__  # importing it fills the metadata


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
    connection.commit()
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        connection.commit()


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
