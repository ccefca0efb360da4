"""A user leaves: what must end with them (R55).

The one rule: it takes effect with this commit; the provider is told by a job.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.service import deactivate
from app.connections import repository
from app.connections.overview import Overview
from app.connections.service import close


async def leave(
    session: AsyncSession, account_id: UUID, user_id: UUID, overview: Overview, *, actor: str, now: datetime
) -> None:
    """Close the user's connections and take away every right."""
    await deactivate(session, account_id, user_id, actor=actor, now=now)
    for connection in await repository.list_connections(session, user_id):
        await close(session, connection, overview, actor=actor, now=now)
