"""The links a person hands out (R35, R36, R37).

The one rule: a link is made when it is asked for, on the domain its person has now; nothing stores one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.connections.settings import get_settings
from app.errors import NoDefaultPage
from app.models.scheduling import CalendarSettings, SchedulingPage
from app.outbound.links import Links
from app.scheduling import repository
from app.scheduling.domains.repository import host_of
from app.scheduling.link_schemas import MeetingLink


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a person's links have in common."""

    host: str | None
    default_id: UUID | None
    turned_off: bool


async def default_page(session: AsyncSession, settings: CalendarSettings) -> SchedulingPage | None:
    """The person's default page: the one that was chosen, or else the oldest; None while there is no page (R36)."""
    chosen = None if settings.default_page_id is None else await repository.find_page(session, settings.default_page_id)
    if chosen is not None:
        return chosen
    return next(iter(await repository.list_pages(session, settings.user_id, after=None, limit=1)), None)


async def default_link(session: AsyncSession, principal: Principal, links: Links) -> MeetingLink:
    """What e-mail templates insert. Raises: NoDefaultPage."""
    settings = await get_settings(session, principal.account_id, principal.user)
    page = await default_page(session, settings)
    if page is None:
        raise NoDefaultPage
    ground = _Ground(await host_of(session, principal.user), page.id, _turned_off(settings))
    return _link(page, links, ground)


async def links_to(
    session: AsyncSession, principal: Principal, pages: Sequence[SchedulingPage], links: Links
) -> list[MeetingLink]:
    """The links of some of the caller's pages."""
    settings = await get_settings(session, principal.account_id, principal.user)
    default = await default_page(session, settings)
    default_id = None if default is None else default.id
    ground = _Ground(await host_of(session, principal.user), default_id, _turned_off(settings))
    return [_link(page, links, ground) for page in pages]


def _turned_off(settings: CalendarSettings) -> bool:
    return settings.turned_off or not settings.scheduling_pages


def _link(page: SchedulingPage, links: Links, ground: _Ground) -> MeetingLink:
    return MeetingLink.model_validate(
        {
            "page_id": page.id,
            "name": page.name,
            "type": page.type,
            "slug": page.slug,
            "meeting_link": links.meeting(page.slug, host=ground.host),
            "is_default": page.id == ground.default_id,
            "turned_off": ground.turned_off,
        }
    )
