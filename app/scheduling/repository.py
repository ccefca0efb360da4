"""SQL of pages and their addresses. Each function is one named query or command.

The one rule: a deleted page is found only for the bookings it has.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.directory import Directory, DirectoryEntry
from app.models.scheduling import SchedulingPage, SchedulingPageMember


async def find_page(session: AsyncSession, page_id: UUID) -> SchedulingPage | None:
    """A page that is not deleted."""
    return await session.scalar(
        select(SchedulingPage).where(SchedulingPage.id == page_id, SchedulingPage.deleted_at.is_(None))
    )


async def list_pages(
    session: AsyncSession, owner_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[SchedulingPage]:
    """The owner's pages, oldest first, from after the given one."""
    query = select(SchedulingPage).where(SchedulingPage.owner_id == owner_id, SchedulingPage.deleted_at.is_(None))
    if after is not None:
        query = query.where(SchedulingPage.id > after)
    return (await session.scalars(query.order_by(SchedulingPage.id).limit(limit))).all()


async def asked_for(session: AsyncSession, user_id: UUID) -> list[UUID]:
    """Whose pages have requests that wait for this user's calendar: theirs, and those they are a member of."""
    owners = await session.scalars(
        select(SchedulingPage.owner_id)
        .distinct()
        .join(
            SchedulingPageMember,
            (SchedulingPageMember.account_id == SchedulingPage.account_id)
            & (SchedulingPageMember.page_id == SchedulingPage.id),
        )
        .where(SchedulingPageMember.user_id == user_id, SchedulingPage.owner_id != user_id)
    )
    return [user_id, *owners]


async def look_up(session: AsyncSession, kind: Directory, key: str) -> DirectoryEntry | None:
    """Whose this public key is."""
    return await session.scalar(select(DirectoryEntry).where(DirectoryEntry.kind == kind, DirectoryEntry.key == key))


async def register(session: AsyncSession, kind: Directory, key: str, account_id: UUID, target_id: UUID) -> bool:
    """Make the key known; False when it is somebody else's."""
    values = {"account_id": account_id, "target_id": target_id}
    made = await session.scalar(
        insert(DirectoryEntry)
        .values(kind=kind, key=key, **values)
        .on_conflict_do_nothing()
        .returning(DirectoryEntry.key)
    )
    if made is not None:
        return True
    entry = await look_up(session, kind, key)
    return entry is not None and (entry.account_id, entry.target_id) == (account_id, target_id)


async def register_slug(session: AsyncSession, slug: str, account_id: UUID, page_id: UUID) -> bool:
    """Make the slug the page's; False when it is another page's, or somebody's meetings URL (R38).

    What a deleted page was called may be used again by its own account only: links to it are still out there.
    """
    await _lock_name(session, slug)
    if await look_up(session, Directory.PREFIX, slug) is not None:
        return False
    if await register(session, Directory.SLUG, slug, account_id, page_id):
        return True
    entry = await look_up(session, Directory.SLUG, slug)
    if entry is None or entry.account_id != account_id:
        return False
    if await find_page(session, entry.target_id) is not None:
        return False
    entry.target_id = page_id
    return True


async def register_prefix(session: AsyncSession, prefix: str, account_id: UUID, user_id: UUID) -> Directory | None:
    """Make it the user's meetings URL; what has it, when it is another's or a page's slug (R38)."""
    await _lock_name(session, prefix)
    if not await register(session, Directory.PREFIX, prefix, account_id, user_id):
        return Directory.PREFIX
    return None if await look_up(session, Directory.SLUG, prefix) is None else Directory.SLUG


async def _lock_name(session: AsyncSession, name: str) -> None:
    """A page and a meetings URL that want one name at once come one after another: their keys differ."""
    connection = await session.connection()
    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('name|' || $1::text, 0))", (name,))


async def unregister(session: AsyncSession, kind: Directory, key: str) -> None:
    """Forget the key."""
    await session.execute(delete(DirectoryEntry).where(DirectoryEntry.kind == kind, DirectoryEntry.key == key))
