"""What is examined: one deployment, by its settings, seen from where the doctor runs.

The one rule: it is only looked at. What cannot be looked at raises NotExaminedError and harms no other check.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from app.calendar import Clock
from app.database import APP_ROLE
from app.http import HttpClient
from app.settings import Settings

CONNECT_SECONDS: Final = 5.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class NotExaminedError(Exception):
    """Something else is missing, which a check of its own tells of."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator said."""

    api_processes: int = 1
    worker_processes: int = 1
    test_mail_to: str | None = None
    """Who gets a mail; None: nobody."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment."""

    database_url: str | None
    configuration: Settings | None
    """None: its settings cannot be read."""
    wishes: Wishes
    clock: Clock
    http: HttpClient

    @property
    def settings(self) -> Settings:
        """Raises: NotExaminedError."""
        if self.configuration is None:
            raise NotExaminedError("the settings cannot be read")
        return self.configuration

    @property
    def is_sandbox(self) -> bool:
        """Whether callers and issuer are on this machine: less is asked there than of a deployment for people."""
        return is_loopback(self.settings.public_url) and is_loopback(self.settings.issuer)

    @asynccontextmanager
    async def connected(self, *, role: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        """A connection, as the login or in a role of it. Raises: NotExaminedError."""
        try:
            connection = await dial(self.database_url)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NotExaminedError("the database does not answer") from error
        try:
            if role is not None:
                await take_role(connection, role)
            yield connection
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError) as error:
            raise NotExaminedError("the database is not migrated") from error
        finally:
            await connection.close(timeout=CONNECT_SECONDS)


async def dial(url: str | None) -> asyncpg.Connection:
    """Raises: NotExaminedError (no address), OSError, TimeoutError, asyncpg's errors."""
    if url is None:
        raise NotExaminedError("DATABASE_URL cannot be read")
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        server_settings={
            "application_name": "calendar-connect doctor",
            "timezone": "UTC",
            "statement_timeout": "15000",
            "default_transaction_read_only": "on",
        },
    )


async def take_role(connection: asyncpg.Connection, role: str = APP_ROLE) -> None:
    """Work as the service does. Raises: NotExaminedError."""
    try:
        await connection.execute(f"SET ROLE {role}")
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as error:
        raise NotExaminedError(f"the login cannot be {role}") from error


def host_of(url: str) -> str:
    """The host that a URL names; empty where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(url: str) -> bool:
    """Whether a URL is one of this machine."""
    return host_of(url) in _LOOPBACK
