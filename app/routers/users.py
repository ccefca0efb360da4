"""The CRM's users, pushed by its service token (R55)."""

from fastapi import APIRouter, Response

from app.accounts import service
from app.accounts.principal import Seat
from app.accounts.schemas import User, UserUpsert
from app.accounts.views import user_view
from app.connections.departure import leave
from app.connections.legacy import LegacyConnection, import_connections
from app.errors import NotFound
from app.ids import UserId
from app.routers.dependencies import Services, Session, UserWriter
from app.routers.openapi_codes import problems

router = APIRouter(prefix="/v1/users", tags=["Users"])


@router.put("/{user_id}", summary="Push a user")
async def upsert_user(
    user_id: UserId, body: UserUpsert, session: Session, caller: UserWriter, services: Services
) -> User:
    """Create or overwrite a user of the caller's account. What the user may do changes at once."""
    state = _state(body)
    subscriptions = tuple(Seat(item.product, item.tier) for item in body.subscriptions)
    user = await service.upsert_user(
        session, caller.account_id, user_id, state, subscriptions=subscriptions,
        account_opened_at=body.account_created_at, actor=caller.actor, now=services.clock(),
    )  # fmt: skip
    if body.legacy_connections:
        wanted = [LegacyConnection(item.provider, item.email, item.purpose) for item in body.legacy_connections]
        await import_connections(
            session, user, wanted, account_opened_at=body.account_created_at,
            legacy_before=services.settings.legacy_accounts_before, now=services.clock(),
        )  # fmt: skip
    return user_view(user)


@router.delete("/{user_id}", summary="Remove a leaver", status_code=204, responses=problems(NotFound))
async def delete_user(user_id: UserId, session: Session, caller: UserWriter, services: Services) -> Response:
    """The user has left: connections are closed, pages stop taking bookings, tokens are refused. Bookings stay."""
    await leave(session, caller.account_id, user_id, services.overview, actor=caller.actor, now=services.clock())
    return Response(status_code=204)


def _state(body: UserUpsert) -> service.UserState:
    return service.UserState(
        email=body.email,
        name=body.name,
        locale=body.locale,
        time_zone=body.time_zone,
        permissions=frozenset(body.permissions),
        seats=tuple(Seat(seat.product, seat.tier) for seat in body.seats),
    )
