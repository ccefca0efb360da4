"""How many connections a person may have (R12).

The one rule: one. Two only for those who already had two, and never again once one of them is gone.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.connections import repository
from app.errors import AlreadyConnected, ConnectionLimitReached

CONNECTION_LIMIT = 1


async def check_may_connect(session: AsyncSession, principal: Principal, provider: str) -> None:
    """A first connection would be made, or a broken one of this provider healed.

    Raises: AlreadyConnected (the same provider, and it works), ConnectionLimitReached.
    """
    connections = await repository.list_connections(session, principal.user)
    same = [connection for connection in connections if connection.provider == provider]
    if not connections or any(connection.status != "active" for connection in same):
        return
    if same:
        raise AlreadyConnected(extra={"provider": provider})
    raise ConnectionLimitReached(values={"limit": CONNECTION_LIMIT})
