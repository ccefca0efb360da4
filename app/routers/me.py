"""Who the caller is, and what follows from it."""

from typing import Any

from fastapi import APIRouter

from app.accounts.repository import find_user
from app.accounts.schemas import ConnectionLimit, Me
from app.accounts.views import account_view, seat_views, user_view
from app.connections.limits import CONNECTION_LIMIT
from app.connections.repository import list_connections
from app.connections.views import capability_views
from app.routers.dependencies import Caller, ReaderLanguage, Services, Session

router = APIRouter(prefix="/v1", tags=["Account"])


@router.get("/me", summary="Read who you are")
async def get_me(session: Session, caller: Caller, services: Services, language: ReaderLanguage) -> Me:
    """The caller's user, account, permissions and seats, and what can be done now, with reasons and remedies."""
    user_id = caller.user_id
    user = None if user_id is None else await find_user(session, user_id)
    connections: Any = [] if user_id is None else await list_connections(session, user_id)
    return Me(
        user=None if user is None else user_view(user),
        account=account_view(caller),
        permissions=sorted(caller.permissions),
        seats=seat_views(caller.seats),
        connection_limit=ConnectionLimit(limit=max(CONNECTION_LIMIT, len(connections)), used=len(connections)),
        capabilities=capability_views(services.overview.over(connections, caller.seats), language),
    )
