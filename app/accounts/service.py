"""Users as the CRM tells them: by a token in passing, or by the service token's push.

The one rule: the newest word wins. A token issued before the last push changes nothing.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import repository
from app.accounts.principal import Principal, Seat
from app.errors import NotFound, Unauthenticated
from app.models.accounts import Account, User
from app.queue import Enqueued, Job, enqueue


@dataclass(frozen=True, slots=True)
class UserState:
    """What the CRM says of a user."""

    email: str
    name: str | None
    locale: str
    time_zone: str
    permissions: frozenset[str]
    seats: tuple[Seat, ...]


async def remember_caller(session: AsyncSession, principal: Principal) -> Principal:
    """Snapshot what the token says when it is news; the caller, with the rights of the newest word.

    Raises: Unauthenticated when the user has left, or the account is being erased.
    """
    if principal.user_id is None:
        account = await repository.find_account(session, principal.account_id)
        _refuse_closed(account)
        await _refuse_erased(session, principal, account)
        return principal
    known = await _judged(session, principal.user_id)
    await _refuse_erased(session, principal, None if known is None else known[1])
    if known is None or _is_news(principal, *known):
        await _save_caller(session, principal, principal.user_id, name=None if known is None else known[0].name)
        if known is not None and seats_of(known[0]) != principal.seats:
            await place_tasks_again(session, principal.account_id, principal.user_id)
        known = await _judged(session, principal.user_id)  # a newer word may have come between
    assert known is not None
    return _as_known(principal, *known)


async def _judged(session: AsyncSession, user_id: UUID) -> tuple[User, Account] | None:
    """What is known of the user. Raises: Unauthenticated when the user has left, or the account is being erased."""
    known = await repository.find_caller(session, user_id)
    if known is not None:
        _refuse_closed(known[1])
    if known is not None and not known[0].active:
        raise Unauthenticated(detail="user_left")
    return known


def _refuse_closed(account: Account | None) -> None:
    if account is not None and account.closed_at is not None:
        raise Unauthenticated(detail="account_closed")


async def _refuse_erased(session: AsyncSession, principal: Principal, account: Account | None) -> None:
    """A token that is older than its account's erasure is none any more; a newer may begin anew.

    Only one that is older than the account's row can be: there is nothing to look up for the others.
    """
    if account is not None and account.created_at <= principal.issued_at:
        return
    if await repository.erased_since(session, principal.account_id, principal.issued_at):
        raise Unauthenticated(detail="account_closed")


def _is_news(principal: Principal, user: User, account: Account) -> bool:
    """Whether the token is newer than a row and says something else."""
    about_user = _state_of(user) != _state_in(principal, name=user.name) and user.updated_at < principal.issued_at
    opened_at = principal.account_opened_at
    said_otherwise = principal.subscriptions != subscriptions_of(account) or opened_at not in (None, account.opened_at)
    return about_user or (said_otherwise and account.updated_at < principal.issued_at)


async def _save_caller(session: AsyncSession, principal: Principal, user_id: UUID, *, name: str | None) -> None:
    await repository.save_account(
        session,
        principal.account_id,
        subscriptions=[asdict(item) for item in principal.subscriptions],
        opened_at=principal.account_opened_at,
        at=principal.issued_at,
        over_older_only=True,
    )
    values = _columns(_state_in(principal, name=name), at=principal.issued_at)
    await repository.save_newer_user(session, principal.account_id, user_id, **values)


def _as_known(principal: Principal, user: User, account: Account) -> Principal:
    """The caller; a right that was taken away since the token was issued is gone, one that was given is there."""
    if principal.issued_at < user.updated_at:
        principal = replace(principal, permissions=frozenset(user.permissions), seats=seats_of(user))
    if principal.issued_at < account.updated_at:
        principal = replace(principal, subscriptions=subscriptions_of(account))
    return principal


async def upsert_user(
    session: AsyncSession,
    account_id: UUID,
    user_id: UUID,
    state: UserState,
    *,
    subscriptions: tuple[Seat, ...],
    account_opened_at: datetime | None,
    actor: str,
    now: datetime,
) -> User:
    """Take over the CRM's user, back from leaving included (R55)."""
    await repository.save_account(
        session,
        account_id,
        subscriptions=[asdict(item) for item in subscriptions],
        opened_at=account_opened_at,
        at=now,
    )
    user = await repository.save_user(session, account_id, user_id, **_columns(state, at=now))
    repository.add_audit_entry(session, account_id, actor=actor, action="user.upserted", subject_id=user_id)
    await session.flush()
    await place_tasks_again(session, account_id, user_id)
    return user


async def place_tasks_again(session: AsyncSession, account_id: UUID, user_id: UUID) -> None:
    """The user's seats may be others: tasks that had to wait for one go on (R22, R55)."""
    await enqueue(session, [Enqueued(Job.PLACE_TASKS, account_id, user_id)])


async def deactivate(session: AsyncSession, account_id: UUID, user_id: UUID, *, actor: str, now: datetime) -> None:
    """A leaver: no permissions, no seats, no way in. Raises: NotFound for one who has left before."""
    if not await repository.deactivate_user(session, account_id, user_id, at=now):
        raise NotFound
    repository.add_audit_entry(session, account_id, actor=actor, action="user.deleted", subject_id=user_id)


def _columns(state: UserState, *, at: datetime) -> dict[str, object]:
    return {
        "email": state.email,
        "name": state.name,
        "locale": state.locale,
        "time_zone": state.time_zone,
        "permissions": sorted(state.permissions),
        "seats": [asdict(seat) for seat in state.seats],
        "active": True,
        "updated_at": at,
    }


def _state_in(principal: Principal, *, name: str | None) -> UserState:
    """The user as the token tells; tokens carry no name."""
    return UserState(
        email=principal.email,
        name=name,
        locale=principal.locale,
        time_zone=principal.time_zone,
        permissions=principal.permissions,
        seats=principal.seats,
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


def subscriptions_of(account: Account) -> tuple[Seat, ...]:
    """What the account has bought, as last known."""
    return tuple(Seat.from_claim(item) for item in account.subscriptions)
