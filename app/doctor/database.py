"""The database: whether it answers, is new enough, is encrypted on its way, and has room for every process.

The one rule: the figures are those of the code; a test compares them.
"""

from typing import Final
from urllib.parse import urlsplit

import asyncpg

from app.doctor.deployment import Deployment, dial
from app.doctor.findings import Code, Finding, Seen
from app.settings import Settings

OLDEST: Final = 15
BOOKING_CONNECTIONS: Final = 10
"""A process has them beside its work and its reads (`app/bootstrap.py`)."""
QUEUE_CONNECTIONS: Final = 4
"""A worker has them for its queue (`app/worker.py`)."""
_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
_ROOM: Final = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS server,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user) AS login,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database
"""
_SAFE_WAY: Final = """
SELECT ssl OR inet_client_addr() IS NULL OR inet_client_addr() << '127.0.0.0/8' OR inet_client_addr() = '::1'
  FROM pg_stat_ssl WHERE pid = pg_backend_pid()
"""


def connections_needed(settings: Settings, *, api: int, workers: int) -> int:
    """The most connections that so many processes open."""
    each = 2 * settings.database_pool_size + BOOKING_CONNECTIONS
    beside = 2  # one is told of new events, one asks whether the database answers
    stock = 0 if settings.metrics_port is None else 1
    return api * (each + beside) + workers * (each + QUEUE_CONNECTIONS + stock)


async def examine_database(deployment: Deployment) -> Seen:
    """Whether it can be worked with."""
    try:
        connection = await dial(deployment.database_url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return Seen("does not answer", (_why_not(deployment, error),))
    try:
        return await _look(connection, deployment)
    finally:
        await connection.close(timeout=1)


def _why_not(deployment: Deployment, error: Exception) -> Finding:
    parts = urlsplit(deployment.database_url or "")
    where = f"{parts.hostname}: {type(error).__name__}"
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return Finding(Code.DATABASE_CONNECTIONS_SHORT, f"{where}: every connection is taken")
    if isinstance(error, _REFUSED):
        return Finding(Code.DATABASE_REFUSED, where)
    if isinstance(error, asyncpg.ClientConfigurationError) and parts.hostname:
        return Finding(Code.SETTING_UNREADABLE, "DATABASE_URL: its options cannot be used; sslmode needs sslrootcert")
    if isinstance(error, asyncpg.InterfaceError | ValueError):
        return Finding(Code.SETTING_UNREADABLE, "DATABASE_URL is not postgresql://login:password@host/database")
    return Finding(Code.DATABASE_UNREACHABLE, where)


async def _look(connection: asyncpg.Connection, deployment: Deployment) -> Seen:
    version = connection.get_server_version()
    findings = []
    if version.major < OLDEST:
        findings.append(Finding(Code.DATABASE_TOO_OLD, f"PostgreSQL {version.major}"))
    if not await connection.fetchval(_SAFE_WAY):
        findings.append(Finding(Code.DATABASE_NOT_ENCRYPTED, "the connection is neither TLS nor on this machine"))
    facts = f"PostgreSQL {version.major}"
    if deployment.configuration is not None:
        room = min(limit for limit in await connection.fetchrow(_ROOM) if limit >= 0)
        wishes = deployment.wishes
        needed = connections_needed(deployment.settings, api=wishes.api_processes, workers=wishes.worker_processes)
        processes = f"{wishes.api_processes} API and {wishes.worker_processes} worker processes"
        facts += f", room for {room} connections; {processes} may need {needed}"
        if needed > room:
            findings.append(Finding(Code.DATABASE_CONNECTIONS_SHORT, f"{processes} may need {needed} of {room}"))
    return Seen(facts, tuple(findings))
