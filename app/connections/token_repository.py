"""SQL of a connection's sealed tokens. Each function is one named query or command.

The one rule: what a refresh brings is saved over the version it came from, and over no other.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.accounts import DataKey
from app.models.connections import ConnectionToken


async def find_token(session: AsyncSession, connection_id: UUID) -> tuple[ConnectionToken, DataKey | None] | None:
    """The sealed tokens as they are now, and the data key that opens them."""
    query = (
        select(ConnectionToken, DataKey)
        .outerjoin(DataKey, DataKey.account_id == ConnectionToken.account_id)
        .where(ConnectionToken.connection_id == connection_id)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def lease_token(
    session: AsyncSession, connection_id: UUID, *, version: int, now: datetime, until: datetime
) -> bool:
    """Whether the caller is the one who refreshes this version."""
    return (
        await session.scalar(
            update(ConnectionToken)
            .where(
                ConnectionToken.connection_id == connection_id,
                ConnectionToken.version == version,
                func.coalesce(ConnectionToken.lease_until, now) <= now,
            )
            .values(lease_until=until)
            .returning(ConnectionToken.version)
        )
    ) is not None


async def save_token(
    session: AsyncSession,
    connection_id: UUID,
    *,
    over_version: int,
    access_token: bytes,
    refresh_token: bytes | None,
    expires_at: datetime | None,
) -> bool:
    """Save refreshed tokens over the version they came from; False when another refresh was faster."""
    values: dict[str, object] = {"access_token": access_token, "expires_at": expires_at, "lease_until": None}
    if refresh_token is not None:
        values["refresh_token"] = refresh_token
    return (
        await session.scalar(
            update(ConnectionToken)
            .where(ConnectionToken.connection_id == connection_id, ConnectionToken.version == over_version)
            .values(version=over_version + 1, **values)
            .returning(ConnectionToken.version)
        )
    ) is not None


async def release_token_lease(session: AsyncSession, connection_id: UUID, *, version: int) -> None:
    """The refresh failed: let the next one try at once."""
    await session.execute(
        update(ConnectionToken)
        .where(ConnectionToken.connection_id == connection_id, ConnectionToken.version == version)
        .values(lease_until=None)
    )
