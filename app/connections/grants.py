"""Grants at a provider, which several connections may share.

The one rule: a provider ends the whole grant, whichever of its connections asks. So only the last of them revokes it.
They may belong to different accounts, which is why this table has no row-level security.
"""

import hashlib

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.connections import Connection
from app.models.directory import ProviderGrant


async def remember_grant(session: AsyncSession, connection: Connection) -> None:
    """The connection lives by its account's grant from now on."""
    values = {"account_id": connection.account_id, "grant_hash": _hash(connection)}
    statement = insert(ProviderGrant).values(connection_id=connection.id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["connection_id"], set_=values))


async def forget_grant(session: AsyncSession, connection: Connection) -> None:
    """The connection was let go."""
    await session.execute(delete(ProviderGrant).where(ProviderGrant.connection_id == connection.id))


async def is_grant_used(session: AsyncSession, connection: Connection) -> bool:
    """Whether any connection lives by the same grant: the same account at the provider, connected here or elsewhere."""
    query = select(ProviderGrant.connection_id).where(ProviderGrant.grant_hash == _hash(connection)).limit(1)
    return await session.scalar(query) is not None


def _hash(connection: Connection) -> bytes:
    return hashlib.sha256(f"{connection.provider}|{connection.subject}".encode()).digest()
