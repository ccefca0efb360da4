"""Inboxes beside connections (R10, R11).

The one rule: connecting a calendar connects its personal inbox; disconnecting the inbox leaves the calendar, and
reconnecting that calendar brings no inbox back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry, find_user
from app.calendar import normalised
from app.errors import AlreadyConnected, FieldError, InboxIsShared, NotFound, ValidationFailed
from app.ids import new_id
from app.models.accounts import User
from app.models.connections import Connection
from app.models.inboxes import Inbox


async def connect_inbox(
    session: AsyncSession, connection: Connection, aliases: Collection[str], *, now: datetime
) -> None:
    """The inbox of the connected address, with its calendar, unless it was let go since.

    Raises: InboxIsShared, also when it is so by one of the `aliases`.
    """
    names = sorted({normalised(name) for name in (connection.email, *aliases)})  # locked in one order
    found = {name: await _find(session, name) for name in names}
    for known in found.values():
        _check_personal(known)
    inbox = found[normalised(connection.email)]
    if inbox is None and await _was_let_go(session, connection):
        return
    if inbox is None:
        whose = {"user_id": connection.user_id, "connection_id": connection.id}
        await _add(session, connection.account_id, connection.email, kind="personal", created_at=now, **whose)
        inbox = await _find(session, connection.email)
    _check_personal(inbox)
    if inbox is not None and (inbox.user_id == connection.user_id or not await _is_connected(session, inbox)):
        inbox.user_id, inbox.connection_id = connection.user_id, connection.id  # who connects it shows whose it is


def _check_personal(inbox: Inbox | None) -> None:
    if inbox is not None and inbox.kind == "shared":
        raise InboxIsShared(extra={"email": inbox.email})


async def _is_connected(session: AsyncSession, inbox: Inbox) -> bool:
    """Whether somebody has its mailbox connected."""
    living = select(Connection.id).where(Connection.id == inbox.connection_id, Connection.disconnected_at.is_(None))
    return await session.scalar(living) is not None


async def register_inbox(
    session: AsyncSession, principal: Principal, *, kind: str, email: str, user_id: UUID | None, now: datetime
) -> Inbox:
    """Register an address.

    Raises: AlreadyConnected (it is registered), ValidationFailed (nobody's; or a person says of somebody's own address
    that it is shared: that is the CRM's to say, for whose it is can connect no calendar then).
    """
    if user_id is not None and await find_user(session, user_id) is None:
        raise ValidationFailed(errors=[FieldError("/user_id", "not_allowed")])
    if kind == "shared" and principal.user_id is not None and await _is_somebodys_own(session, email):
        raise ValidationFailed(errors=[FieldError("/email", "not_allowed")])
    inbox = await _add(session, principal.account_id, email, kind=kind, user_id=user_id, created_at=now)
    if inbox is None:
        raise AlreadyConnected(detail="inbox")
    add_audit_entry(
        session, principal.account_id, actor=principal.actor, action="inbox.created", subject_id=inbox.id, kind=kind
    )
    await session.flush()
    return inbox


async def list_inboxes(
    session: AsyncSession, user_id: UUID | None, *, after: UUID | None, limit: int
) -> Sequence[Inbox]:
    """The shared inboxes and the user's own, oldest first; for a service, all."""
    query = select(Inbox).where(Inbox.disconnected_at.is_(None))
    if user_id is not None:
        query = query.where(or_(Inbox.kind == "shared", Inbox.user_id == user_id))
    if after is not None:
        query = query.where(Inbox.id > after)
    return (await session.scalars(query.order_by(Inbox.id).limit(limit))).all()


async def disconnect_inbox(session: AsyncSession, principal: Principal, inbox_id: UUID, *, now: datetime) -> None:
    """Let the inbox go; the calendar stays (R11). Raises: NotFound."""
    inbox = await session.scalar(
        select(Inbox).where(Inbox.id == inbox_id, Inbox.disconnected_at.is_(None)).with_for_update()
    )
    foreign = inbox is not None and principal.user_id is not None and inbox.user_id != principal.user_id
    if inbox is None or foreign:
        raise NotFound
    inbox.disconnected_at = now
    add_audit_entry(
        session, principal.account_id, actor=principal.actor, action="inbox.disconnected", subject_id=inbox.id
    )


async def _find(session: AsyncSession, email: str) -> Inbox | None:
    return await session.scalar(
        select(Inbox).where(Inbox.address == normalised(email), Inbox.disconnected_at.is_(None)).with_for_update()
    )


async def _is_somebodys_own(session: AsyncSession, email: str) -> bool:
    # Users' addresses are stored as they were told, and compared by the database, which knows lower case alone.
    own = select(User.id).where(func.lower(User.email) == email.strip().lower(), User.active)
    return await session.scalar(own.limit(1)) is not None


async def _was_let_go(session: AsyncSession, connection: Connection) -> bool:
    """Whether this connection has brought the inbox of its address before, and its person let it go."""
    came = select(Inbox.id).where(Inbox.connection_id == connection.id, Inbox.address == normalised(connection.email))
    return await session.scalar(came.where(Inbox.disconnected_at.is_not(None)).limit(1)) is not None


async def _add(session: AsyncSession, account_id: UUID, email: str, **values: object) -> Inbox | None:
    """The new inbox; None: the address is registered, if only since this moment."""
    row = insert(Inbox).values(account_id=account_id, id=new_id(), email=email, address=normalised(email), **values)
    return await session.scalar(row.on_conflict_do_nothing().returning(Inbox))
