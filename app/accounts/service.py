"""Users as the CRM tells them: by a token in passing, or by the service token's push.

The one rule: the newest word wins. A token issued before the last push changes nothing.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import repository
from app.accounts.principal import Principal, Seat
from app.errors import NotFound, Unauthenticated
from app.models.accounts import User


@dataclass(frozen=True, slots=True)
class UserState:
    """What the CRM says of a user."""

    email: str
    name: str | None
    locale: str
    time_zone: str
    permissions: frozenset[str]
    seats: tuple[Seat, ...]


async def remember_caller(session: AsyncSession, principal: Principal) -> User | None:
    """Snapshot what the token says when it is news; the row of the user who asks.

    Raises: Unauthenticated when the user has left.
    """
    if principal.user_id is None:
        return None
    user = await repository.find_user(session, principal.user_id)
    if user is not None and not user.active:
        raise Unauthenticated(detail="user_left")
    state = UserState(
        email=principal.email,
        name=None if user is None else user.name,
        locale=principal.locale,
        time_zone=principal.time_zone,
        permissions=principal.permissions,
        seats=principal.seats,
    )
    if user is not None and (_state_of(user) == state or principal.issued_at <= user.updated_at):
        return user
    await repository.save_account(
        session,
        principal.account_id,
        subscriptions=[asdict(item) for item in principal.subscriptions],
        opened_at=principal.account_opened_at,
    )
    return await _save(session, principal.account_id, principal.user_id, state, at=principal.issued_at)


async def upsert_user(
    session: AsyncSession,
    account_id: UUID,
    user_id: UUID,
    state: UserState,
    *,
    subscriptions: tuple[Seat, ...],
    account_opened_at: datetime | None,
    now: datetime,
) -> User:
    """Take over the CRM's user, back from leaving included (R55)."""
    await repository.save_account(
        session, account_id, subscriptions=[asdict(item) for item in subscriptions], opened_at=account_opened_at
    )
    user = await _save(session, account_id, user_id, state, at=now)
    repository.add_audit_entry(session, account_id, actor="service", action="user.upserted", subject_id=user_id)
    return user


async def get_user(session: AsyncSession, user_id: UUID) -> User:
    """The active user. Raises: NotFound."""
    user = await repository.find_user(session, user_id)
    if user is None or not user.active:
        raise NotFound
    return user


async def deactivate(session: AsyncSession, account_id: UUID, user_id: UUID, *, now: datetime) -> None:
    """A leaver: no permissions, no seats, no way in. Raises: NotFound."""
    await get_user(session, user_id)
    await repository.deactivate_user(session, user_id, at=now)
    repository.add_audit_entry(session, account_id, actor="service", action="user.deleted", subject_id=user_id)


async def _save(session: AsyncSession, account_id: UUID, user_id: UUID, state: UserState, *, at: datetime) -> User:
    return await repository.save_user(
        session,
        account_id,
        user_id,
        email=state.email,
        name=state.name,
        locale=state.locale,
        time_zone=state.time_zone,
        permissions=sorted(state.permissions),
        seats=[asdict(seat) for seat in state.seats],
        active=True,
        updated_at=at,
    )


def _state_of(user: User) -> UserState:
    return UserState(
        email=user.email,
        name=user.name,
        locale=user.locale,
        time_zone=user.time_zone,
        permissions=frozenset(user.permissions),
        seats=seats_of(user),
    )


def seats_of(user: User) -> tuple[Seat, ...]:
    """The seats assigned to the user, as last known."""
    return tuple(Seat.from_claim(item) for item in user.seats)
