"""How many connections a person may have (R12).

The one rule: one. Two only for those who already had two, and never again once one of them is gone.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.connections import repository
from app.errors import AlreadyConnected, ConnectionLimitReached
from app.models.connections import Connection

CONNECTION_LIMIT = 1


async def connection_to_heal(session: AsyncSession, principal: Principal, provider: str) -> Connection | None:
    """The broken connection that connecting again would heal; None when a first one would be made.

    Raises: AlreadyConnected (the same provider, and it works), ConnectionLimitReached.
    """
    connections = await repository.list_connections(session, principal.user)
    same = [connection for connection in connections if connection.provider == provider]
    broken = next((connection for connection in same if connection.status != "active"), None)
    if broken is not None or not connections:
        return broken
    if same:
        raise AlreadyConnected(extra={"provider": provider})
    raise ConnectionLimitReached(values={"limit": CONNECTION_LIMIT})
