"""SQL of accounts and users. Each function is one named query or command.

The one rule: only the session's own account is ever seen; row-level security holds even where a query forgets.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.ids import new_id
from app.insertion import Rows
from app.models.accounts import Account, AuditEntry, DisclosureAcceptance, User
from app.models.base import Json
from app.models.privacy import AccountErasure

_NEVER = datetime.fromtimestamp(0, UTC)
"""Nobody has said anything yet: whatever is said is newer."""
LOCK_HOSTS = "SELECT id FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
"""Always in one order: two bookings of the same people wait for each other, and never for ever."""


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    """The user, active or not."""
    return await session.scalar(select(User).where(User.id == user_id))


async def find_account(session: AsyncSession, account_id: UUID) -> Account | None:
    """The account, as it was last told of."""
    return await session.scalar(select(Account).where(Account.account_id == account_id))


async def erased_since(session: AsyncSession, account_id: UUID, moment: datetime) -> bool:
    """Whether the account's erasure was asked for at that moment or later."""
    query = select(AccountErasure.id).where(
        AccountErasure.account_id == account_id, AccountErasure.requested_at >= moment
    )
    return await session.scalar(query.limit(1)) is not None


async def find_caller(session: AsyncSession, user_id: UUID) -> tuple[User, Account] | None:
    """The user, active or not, and the account, as they are now."""
    row = (
        await session.execute(
            select(User, Account)
            .join(Account, Account.account_id == User.account_id)
            .where(User.id == user_id)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def save_account(
    session: AsyncSession,
    account_id: UUID,
    *,
    subscriptions: list[Json],
    opened_at: datetime | None,
    at: datetime,
    over_older_only: bool = False,
) -> None:
    """Insert or overwrite the account's snapshot; an unknown opening date never erases a known one."""
    statement = insert(Account).values(
        account_id=account_id, subscriptions=subscriptions, opened_at=opened_at, updated_at=at
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id"],
            set_={
                "subscriptions": subscriptions,
                "opened_at": func.coalesce(statement.excluded.opened_at, Account.opened_at),
                "updated_at": at,
            },
            where=Account.updated_at < statement.excluded.updated_at if over_older_only else None,
        )
    )


async def save_user(session: AsyncSession, account_id: UUID, user_id: UUID, **values: object) -> User:
    """Insert or overwrite the user's snapshot."""
    statement = insert(User).values(account_id=account_id, id=user_id, **values)
    statement = statement.on_conflict_do_update(index_elements=["account_id", "id"], set_=values)
    return (await session.scalars(statement.returning(User), execution_options={"populate_existing": True})).one()


async def save_newer_user(session: AsyncSession, account_id: UUID, user_id: UUID, **values: object) -> bool:
    """Insert the snapshot, or overwrite an older one of a user who has not left; whether it was done."""
    statement = insert(User).values(account_id=account_id, id=user_id, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["account_id", "id"],
        set_=values,
        where=User.active & (User.updated_at < statement.excluded.updated_at),
    )
    return await session.scalar(statement.returning(User.id)) is not None


async def deactivate_user(session: AsyncSession, account_id: UUID, user_id: UUID, *, at: datetime) -> bool:
    """The user is a leaver, also one nobody has seen yet; False for one who had left before.

    The row stays: bookings name it, and an old token must find that its user has left.
    """
    account = insert(Account).values(account_id=account_id, subscriptions=[], updated_at=_NEVER)
    await session.execute(account.on_conflict_do_nothing())
    gone = {"active": False, "permissions": [], "seats": [], "updated_at": at}
    unseen = {"email": "", "locale": "en", "time_zone": "UTC"}
    statement = insert(User).values(account_id=account_id, id=user_id, **unseen, **gone)
    statement = statement.on_conflict_do_update(
        index_elements=["account_id", "id"], set_=gone, where=User.active.is_(True)
    )
    return await session.scalar(statement.returning(User.id)) is not None


async def lock_user(session: AsyncSession, user_id: UUID) -> User | None:
    """The user's row, locked: what must not happen twice at once for one person happens under this lock."""
    return await session.scalar(
        select(User).where(User.id == user_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    )


async def lock_hosts(session: AsyncSession, user_ids: Collection[UUID]) -> bool:
    """Lock the rows of hosts, without reading them: bookings wait for these locks. False when a user does not exist."""
    connection = await session.connection()
    found = await connection.exec_driver_sql(LOCK_HOSTS, (list(user_ids),))
    return len(found.all()) == len(set(user_ids))


async def lock_host(session: AsyncSession, user_id: UUID) -> bool:
    """Lock the row of a host, without reading it: bookings wait for this lock. False when there is no such user."""
    return await lock_hosts(session, [user_id])


def add_disclosure_acceptance(
    session: AsyncSession, account_id: UUID, user_id: UUID, *, provider: str, version: str, language: str
) -> None:
    """Record who accepted what, in which language (R5)."""
    session.add(
        DisclosureAcceptance(
            account_id=account_id, id=new_id(), user_id=user_id, provider=provider, version=version, language=language
        )
    )


def add_audit_entry(rows: Rows, account_id: UUID, *, actor: str, action: str, subject_id: UUID, **data: object) -> None:
    """Write down who did what; it commits with what was done."""
    rows.add(
        AuditEntry(
            account_id=account_id, id=new_id(), actor=actor, action=action, subject_id=subject_id, data=dict(data)
        )
    )
