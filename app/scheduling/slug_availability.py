"""Whether a slug may be had (R38).

The one rule: the answer is what making a page with it would say at this moment; nothing is reserved.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.connections.settings import get_settings
from app.models.directory import Directory
from app.outbound.links import Links
from app.scheduling import repository
from app.scheduling.domain_repository import host_of
from app.scheduling.link_schemas import SlugAvailability
from app.scheduling.pages import whole_slug


@dataclass(frozen=True, slots=True)
class _Taken:
    """A slug that cannot be had."""

    domain: str | None
    """Where the page that has it is, if the caller may know."""


async def slug_availability(session: AsyncSession, principal: Principal, slug: str, links: Links) -> SlugAvailability:
    """What a page of the caller with this slug would meet."""
    settings = await get_settings(session, principal.account_id, principal.user)
    whole = whole_slug(settings.meetings_url, slug)
    taken = await _taken(session, principal, whole, links)
    return SlugAvailability(
        slug=whole,
        available=taken is None,
        conflicts_with_domain=None if taken is None else taken.domain,
        meeting_link=links.meeting(whole, host=await host_of(session, principal.user)),
    )


async def _taken(session: AsyncSession, principal: Principal, slug: str, links: Links) -> _Taken | None:
    if await repository.look_up(session, Directory.PREFIX, slug) is not None:
        return _Taken(None)
    entry = await repository.look_up(session, Directory.SLUG, slug)
    if entry is None:
        return None
    if entry.account_id != principal.account_id:
        return _Taken(None)
    page = await repository.find_page(session, entry.target_id)
    if page is None:  # what a deleted page of the account was called
        return None
    return _Taken(await host_of(session, page.owner_id) or links.host)
