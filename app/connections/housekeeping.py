"""Forgetting attempts to connect that nobody finished.

The one rule: a state that can no longer be used goes, and with it what its attempt would have been finished with.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.connections.authorization import LIFETIME
from app.database import enter_account, transaction
from app.models.connections import ConnectionAuthorization
from app.models.directory import Directory, DirectoryEntry


async def forget_old_states(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
    """End the attempts that have expired: their states go, and what would have finished them.

    Their ids tell when they were made.
    """
    async with transaction(sessions, None) as session:
        expired = await session.scalars(
            delete(DirectoryEntry)
            .where(
                DirectoryEntry.kind == Directory.OAUTH_STATE,
                DirectoryEntry.target_id < _first_id_at(clock() - LIFETIME - timedelta(minutes=1)),
            )
            .returning(DirectoryEntry)
        )
        for entry in expired.all():
            await enter_account(session, entry.account_id)
            await session.execute(
                update(ConnectionAuthorization)
                .where(ConnectionAuthorization.id == entry.target_id)
                .values(status="expired", login_hint=None, code_verifier=b"")
            )


def _first_id_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 of a millisecond: 48 bits of time stand first (RFC 9562 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
