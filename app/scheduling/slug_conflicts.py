"""Where a taken slug is, as far as the caller may know (R38).

The one rule: of another account nothing is told but that the slug is taken.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import SlugTaken
from app.models.directory import Directory, DirectoryEntry
from app.outbound.links import Links
from app.scheduling import repository
from app.scheduling.domains.repository import host_of

EITHER: Final = (Directory.PREFIX, Directory.SLUG)
"""What can have a slug: a person's meetings URL, and a page."""


async def conflicting_host(
    session: AsyncSession, account_id: UUID, slug: str, links: Links, *, kinds: Sequence[Directory] = EITHER
) -> str | None:
    """The host of the link that has the slug; None when it is another account's, or its page is gone."""
    found = [entry for kind in kinds if (entry := await repository.look_up(session, kind, slug)) is not None]
    owner_id = await _owner(session, found[0]) if found and found[0].account_id == account_id else None
    if owner_id is None:
        return None
    return await host_of(session, owner_id) or links.host


async def slug_taken(
    session: AsyncSession, account_id: UUID, slug: str, links: Links, *, kinds: Sequence[Directory] = EITHER
) -> SlugTaken:
    """The refusal of a slug that cannot be had, because one of these kinds has it."""
    host = await conflicting_host(session, account_id, slug, links, kinds=kinds)
    return SlugTaken() if host is None else SlugTaken(extra={"conflicts_with_domain": host})


async def _owner(session: AsyncSession, entry: DirectoryEntry) -> UUID | None:
    if entry.kind == Directory.PREFIX:
        return entry.target_id
    page = await repository.find_page(session, entry.target_id)
    return None if page is None else page.owner_id
