"""Whether a slug is free (R38).

The one rule: the answer is what creating a page with it would say at this moment; nothing is reserved.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.connections.settings import get_settings
from app.models.directory import Directory
from app.outbound.links import Links
from app.scheduling import repository
from app.scheduling.domains.repository import host_of
from app.scheduling.link_schemas import SlugAvailability
from app.scheduling.pages import whole_slug
from app.scheduling.slug_conflicts import conflicting_host


async def slug_availability(session: AsyncSession, principal: Principal, slug: str, links: Links) -> SlugAvailability:
    """What a page of the caller with this slug would meet."""
    settings = await get_settings(session, principal.account_id, principal.user)
    whole = whole_slug(settings.meetings_url, slug)
    return SlugAvailability(
        slug=whole,
        available=await _is_free(session, principal, whole),
        conflicts_with_domain=await conflicting_host(session, principal.account_id, whole, links),
        meeting_link=links.meeting(whole, host=await host_of(session, principal.user)),
    )


async def _is_free(session: AsyncSession, principal: Principal, slug: str) -> bool:
    if await repository.look_up(session, Directory.PREFIX, slug) is not None:
        return False
    entry = await repository.look_up(session, Directory.SLUG, slug)
    if entry is None:
        return True
    if entry.account_id != principal.account_id:
        return False
    return await repository.find_page(session, entry.target_id) is None  # what a deleted page of theirs was called
