"""SQL of connections and of the attempts to make them. Each function is one named query or command.

The one rule: a connection being disconnected is gone for everybody but the job that closes it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.connections import Connection, ConnectionAuthorization
from app.models.directory import Directory, DirectoryEntry


async def find_authorization(session: AsyncSession, authorization_id: UUID) -> ConnectionAuthorization | None:
    """One OAuth attempt."""
    return await session.scalar(select(ConnectionAuthorization).where(ConnectionAuthorization.id == authorization_id))


async def take_oauth_state(session: AsyncSession, state_hash: str) -> DirectoryEntry | None:
    """The attempt a state belongs to, once: with the commit it is removed."""
    return await session.scalar(
        delete(DirectoryEntry)
        .where(DirectoryEntry.kind == Directory.OAUTH_STATE, DirectoryEntry.key == state_hash)
        .returning(DirectoryEntry)
    )


async def list_connections(session: AsyncSession, user_id: UUID) -> Sequence[Connection]:
    """The user's connections, oldest first."""
    return (
        await session.scalars(
            select(Connection)
            .where(Connection.user_id == user_id, Connection.disconnected_at.is_(None))
            .order_by(Connection.id)
        )
    ).all()


async def find_connection(session: AsyncSession, connection_id: UUID) -> Connection | None:
    """A connection nobody has disconnected."""
    return await session.scalar(
        select(Connection).where(Connection.id == connection_id, Connection.disconnected_at.is_(None))
    )


async def lock_connection(session: AsyncSession, connection_id: UUID) -> Connection | None:
    """A connection nobody has disconnected, locked: what is told once about it is told under the lock."""
    return await session.scalar(
        select(Connection)
        .where(Connection.id == connection_id, Connection.disconnected_at.is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def find_connection_for(session: AsyncSession, user_id: UUID, purpose: str) -> Connection | None:
    """The connection that serves a purpose of the user's: `calendar` or `meetings`."""
    return await session.scalar(
        select(Connection).where(
            Connection.user_id == user_id,
            Connection.disconnected_at.is_(None),
            Connection.purposes.contains([purpose]),
        )
    )


async def find_closing_connection(session: AsyncSession, connection_id: UUID) -> Connection | None:
    """A connection somebody has disconnected and no job has closed yet."""
    return await session.scalar(
        select(Connection).where(Connection.id == connection_id, Connection.disconnected_at.is_not(None))
    )


async def delete_connection(session: AsyncSession, connection_id: UUID) -> None:
    """The row, its tokens, calendars and mirror."""
    await session.execute(delete(Connection).where(Connection.id == connection_id))
