"""Whether a process can work: the database answers, and is where this release needs it.

The one rule: it asks over a connection of its own. A process that is busy with every other one is ready all the same:
to take it out of service would fill the others.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final, Self

import asyncpg
import structlog

from app.database import APP_ROLE
from app.errors import ProviderUnavailable
from app.models import all_tables

COLUMNS: Final = """
SELECT relname || '.' || attname FROM pg_attribute
  JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE nspname = 'public' AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
"""
_SECONDS: Final = 4
"""Whoever probes waits for five."""
_SHOWN: Final = 5
_TROUBLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = structlog.get_logger(__name__)


def missing_columns(there: Collection[str]) -> list[str]:
    """What this release needs and the database does not have. A migration that only changed an index is not seen."""
    wanted = {f"{table.name}.{column.name}" for table in all_tables.every_table() for column in table.columns}
    return sorted(wanted - set(there))


class Readiness:
    """Asks the database, one question at a time. Connects when it is first asked."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._asking = asyncio.Lock()
        self._migrated = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            with suppress(*_TROUBLE):
                await self._connection.close(timeout=1)

    async def check(self) -> None:
        """Raises: ProviderUnavailable."""
        try:
            async with asyncio.timeout(_SECONDS), self._asking:
                await self._ask()
        except asyncpg.InsufficientPrivilegeError as error:
            log.error("database.role_refused", role=APP_ROLE)  # noqa: TRY400 - there is nothing in its trace
            raise ProviderUnavailable(detail="database") from error
        except _TROUBLE as error:
            log.warning("database.unreachable", error=type(error).__name__)
            raise ProviderUnavailable(detail="database") from error

    async def _ask(self) -> None:
        try:
            connection = await self._connected()
            if self._migrated:
                await connection.execute("SELECT 1")
                return
            missing = missing_columns([row[0] for row in await connection.fetch(COLUMNS)])
        except BaseException:
            self._hang_up()
            raise
        if missing:
            log.error("database.behind", missing=missing[:_SHOWN], count=len(missing))
            raise ProviderUnavailable(detail="migrations")
        self._migrated = True

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            settings = {"application_name": "calendar-connect readiness", "role": APP_ROLE}
            self._connection = await asyncpg.connect(self._url, timeout=_SECONDS, server_settings=settings)
        return self._connection

    def _hang_up(self) -> None:
        """What did not answer may never do."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
