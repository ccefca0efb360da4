"""SQL of domains. Each function is one named query or command.

The one rule: a host is connected once, over all accounts; who had it before is remembered, for links that are still
in use.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.accounts import User
from app.models.directory import Directory, DirectoryEntry
from app.models.domains import Domain
from app.models.scheduling import CalendarSettings
from app.scheduling import repository
from app.scheduling.domains.standing import DomainStatus


async def add_domain(session: AsyncSession, **values: object) -> Domain | None:
    """A new row; None when the account has this host already."""
    statement = insert(Domain).values(**values).on_conflict_do_nothing(index_elements=["account_id", "host"])
    return await session.scalar(statement.returning(Domain))


async def find_domain(session: AsyncSession, domain_id: UUID, *, lock: bool = False) -> Domain | None:
    """The account's domain, locked until the transaction ends when asked for."""
    query = select(Domain).where(Domain.id == domain_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if lock else query)


async def hold_connected(session: AsyncSession, domain_id: UUID) -> bool:
    """Whether the domain is connected, and nobody deletes it until the transaction ends."""
    query = select(Domain).where(Domain.id == domain_id, Domain.status == DomainStatus.CONNECTED)
    return await session.scalar(query.with_for_update(read=True)) is not None


async def list_domains(session: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[Domain]:
    """The account's domains, oldest first, from after the given one."""
    query = select(Domain)
    if after is not None:
        query = query.where(Domain.id > after)
    return (await session.scalars(query.order_by(Domain.id).limit(limit))).all()


async def count_unconnected(session: AsyncSession) -> int:
    """How many domains the account has that are not connected."""
    waiting = select(func.count()).select_from(Domain).where(Domain.status != DomainStatus.CONNECTED)
    return await session.scalar(waiting) or 0


async def chosen_of(session: AsyncSession, domain_ids: Collection[UUID]) -> set[UUID]:
    """On which of them somebody of the account publishes who has not left."""
    left = select(User.id).where(~User.active)
    chosen = CalendarSettings.domain_id.in_(domain_ids) & CalendarSettings.user_id.not_in(left)
    return set(await session.scalars(select(CalendarSettings.domain_id).where(chosen)))


async def forget_leavers(session: AsyncSession, domain_id: UUID) -> None:
    """Who has left publishes on it no more: nobody else could choose for them."""
    left = select(User.id).where(~User.active)
    await session.execute(
        update(CalendarSettings)
        .where(CalendarSettings.domain_id == domain_id, CalendarSettings.user_id.in_(left))
        .values(domain_id=None, version=CalendarSettings.version + 1)
    )


async def host_of(session: AsyncSession, user_id: UUID) -> str | None:
    """The host that a person's links have; None: the shared one, also while their domain is not connected."""
    return await session.scalar(
        select(Domain.host)
        .join(CalendarSettings, CalendarSettings.domain_id == Domain.id)
        .where(CalendarSettings.user_id == user_id, Domain.status == DomainStatus.CONNECTED)
    )


async def claim_host(session: AsyncSession, domain: Domain) -> bool:
    """Make the host this domain's, in all accounts; False when it is connected in another one."""
    if not await repository.register(session, Directory.HOST, domain.host, domain.account_id, domain.id):
        return False
    await repository.unregister(session, Directory.FORMER_HOST, domain.host)
    return True


async def release_host(session: AsyncSession, domain: Domain) -> None:
    """Another account may connect the host; until one does, it shows what it showed."""
    entry = await repository.look_up(session, Directory.HOST, domain.host)
    if entry is None or entry.target_id != domain.id:
        return
    await repository.unregister(session, Directory.HOST, domain.host)
    whose = {"account_id": domain.account_id, "target_id": domain.id}
    await session.execute(
        insert(DirectoryEntry)
        .values(kind=Directory.FORMER_HOST, key=domain.host, **whose)
        .on_conflict_do_update(index_elements=["kind", "key"], set_=whose)
    )


async def whose_host(session: AsyncSession, host: str) -> DirectoryEntry | None:
    """The domain that is connected at a host, or was the last to be; the target is the domain."""
    query = select(DirectoryEntry).where(
        DirectoryEntry.kind.in_((Directory.HOST, Directory.FORMER_HOST)), DirectoryEntry.key == host
    )
    return await session.scalar(query.order_by(DirectoryEntry.kind.desc()).limit(1))
