"""A person's scheduling pages: made, changed and taken away; with or without a calendar (R25).

The one rule: a slug is one page's, across all accounts and domains (R38), and keeps pointing where it was handed out.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.connections.settings import get_settings, settings_for_update
from app.errors import (
    CapabilityNotSupported,
    ChatPageInUse,
    DefaultPageInUse,
    FieldError,
    NotFound,
    SlugTaken,
    ValidationFailed,
    require_version,
)
from app.events.types import EventType
from app.ids import new_id
from app.models.directory import Directory
from app.models.scheduling import CalendarSettings, SchedulingPage
from app.outbound.links import Links
from app.queue import enqueue
from app.scheduling import repository
from app.scheduling.configuration import OFFICE_HOURS, Configuration
from app.scheduling.news import tell_of_page
from app.scheduling.schemas import SchedulingPageCreate, SchedulingPageUpdate
from app.scheduling.slug_conflicts import slug_taken
from app.scheduling.team import PERSONAL, Team

_NOT_IN_DOCUMENT = {"name", "slug", "type", "member_ids"}
_TRIES = 5


async def create_page(
    session: AsyncSession,
    principal: Principal,
    body: SchedulingPageCreate,
    *,
    team: Team,
    links: Links,
    now: datetime,
) -> SchedulingPage:
    """Make a page.

    Raises: SlugTaken, CapabilityNotSupported (scheduling pages are unticked), EntitlementRequired, ValidationFailed.
    """
    team.check_type(principal, body.type, body.member_ids)
    settings = await get_settings(session, principal.account_id, principal.user)
    if not settings.scheduling_pages:
        raise CapabilityNotSupported(
            detail="scheduling_pages_off", extra={"capability": "scheduling_pages", "reason": "scheduling_pages_off"}
        )
    page_id = new_id()
    slug = await _register_slug(session, settings, page_id, body, links)
    document = {"time_zone": principal.time_zone, "weekly_hours": OFFICE_HOURS} | _given(body)
    page = SchedulingPage(
        account_id=principal.account_id,
        id=page_id,
        owner_id=principal.user,
        type=body.type,
        name=body.name,
        slug=slug,
        configuration=Configuration.model_validate(document).model_dump(mode="json"),
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(page)
    await session.flush()
    if body.type != PERSONAL:
        await team.set_members(session, principal, page, body.member_ids, now=now)
    await repository.register(session, Directory.PAGE, page_id.hex, principal.account_id, page_id)
    add_audit_entry(session, page.account_id, actor=principal.actor, action="page.created", subject_id=page_id)
    told = tell_of_page(session, EventType.SCHEDULING_PAGE_CREATED, page, now=now)
    await enqueue(session, [told])
    return page


async def get_page(session: AsyncSession, principal: Principal, page_id: UUID) -> SchedulingPage:
    """The caller's own page. Raises: NotFound."""
    page = await repository.find_page(session, page_id)
    if page is None or page.owner_id != principal.user:
        raise NotFound
    return page


async def list_pages(
    session: AsyncSession, principal: Principal, *, after: UUID | None, limit: int
) -> Sequence[SchedulingPage]:
    """The caller's pages, oldest first."""
    return await repository.list_pages(session, principal.user, after=after, limit=limit)


async def update_page(
    session: AsyncSession,
    principal: Principal,
    page_id: UUID,
    body: SchedulingPageUpdate,
    *,
    if_match: int | None,
    team: Team,
    links: Links,
    now: datetime,
) -> SchedulingPage:
    """Change a page. Raises: NotFound, VersionMismatch, SlugTaken, EntitlementRequired, ValidationFailed."""
    if cleared := [field for field in sorted(_NOT_IN_DOCUMENT & body.model_fields_set) if getattr(body, field) is None]:
        raise ValidationFailed(errors=[FieldError(f"/{field}", "not_allowed") for field in cleared])
    page = await _hold_page(session, principal, page_id)
    require_version(if_match, page.version)
    if body.name is not None:
        page.name = body.name
    if body.slug is not None:
        page.slug = await _move_slug(session, page, body.slug, links)
    if body.member_ids is not None:
        await team.set_members(session, principal, page, body.member_ids, now=now)
    page.configuration = _changed(page.configuration, body, time_zone=principal.time_zone)
    page.version += 1
    page.updated_at = now
    add_audit_entry(session, page.account_id, actor=principal.actor, action="page.updated", subject_id=page.id)
    told = tell_of_page(session, EventType.SCHEDULING_PAGE_UPDATED, page, now=now)
    await enqueue(session, [told])
    return page


async def delete_page(
    session: AsyncSession, principal: Principal, page_id: UUID, *, if_match: int | None, now: datetime
) -> None:
    """Take a page away; its bookings stay, and its id and slugs lead nowhere.

    Raises: NotFound, VersionMismatch, DefaultPageInUse, ChatPageInUse.
    """
    settings = await settings_for_update(session, principal.account_id, principal.user)
    page = await _hold_page(session, principal, page_id)
    require_version(if_match, page.version)
    if page.id == settings.default_page_id:
        raise DefaultPageInUse
    if page.id == settings.chat_page_id:
        _leave_chat(settings)
    page.deleted_at = now
    add_audit_entry(session, page.account_id, actor=principal.actor, action="page.deleted", subject_id=page.id)
    told = tell_of_page(session, EventType.SCHEDULING_PAGE_DELETED, page, now=now)
    await enqueue(session, [told])


def _leave_chat(settings: CalendarSettings) -> None:
    """The chat has no page of its own any more. Raises: ChatPageInUse while it offers this one (R42)."""
    if settings.chat_enabled:
        raise ChatPageInUse
    settings.chat_page_id = None
    settings.version += 1


async def _hold_page(session: AsyncSession, principal: Principal, page_id: UUID) -> SchedulingPage:
    """The caller's own page, locked, as it is now. Raises: NotFound, also of one that was deleted while we waited."""
    page = await get_page(session, principal, page_id)
    await session.refresh(page, with_for_update={"key_share": True})
    if page.deleted_at is not None:
        raise NotFound
    return page


def _changed(document: dict[str, Any], body: SchedulingPageUpdate, *, time_zone: str) -> dict[str, Any]:
    """The document with what was given; null goes back to the default."""
    kept = {name: value for name, value in document.items() if name not in body.model_fields_set}
    defaults = {"time_zone": time_zone, "weekly_hours": OFFICE_HOURS}
    return Configuration.model_validate(defaults | kept | _given(body)).model_dump(mode="json")


def _given(body: SchedulingPageUpdate) -> dict[str, Any]:
    """What a body says of the document; null says nothing, so that the default stands."""
    return body.model_dump(exclude_none=True, exclude_unset=True, exclude=_NOT_IN_DOCUMENT)


async def _register_slug(
    session: AsyncSession, settings: CalendarSettings, page_id: UUID, body: SchedulingPageCreate, links: Links
) -> str:
    """The asked slug or none; a name's slug gets a number until it is free."""
    account_id, prefix = settings.account_id, settings.meetings_url
    if body.slug is not None:
        slug = whole_slug(prefix, body.slug)
        if not await repository.register_slug(session, slug, account_id, page_id):
            raise await slug_taken(session, account_id, slug, links)
        return slug
    base = whole_slug(prefix, slug_of(body.name))
    for candidate in (base, *(f"{base}-{page_id.hex[-4 - length :]}" for length in range(_TRIES))):
        if await repository.register_slug(session, candidate, account_id, page_id):
            return candidate
    raise SlugTaken


async def _move_slug(session: AsyncSession, page: SchedulingPage, slug: str, links: Links) -> str:
    """Register the new slug; the old one stays registered, for it was handed out."""
    prefix = page.slug.rpartition("/")[0]
    moved = whole_slug(prefix or None, slug)
    if not await repository.register_slug(session, moved, page.account_id, page.id):
        raise await slug_taken(session, page.account_id, moved, links)
    return moved


def whole_slug(prefix: str | None, slug: str) -> str:
    """A slug behind a meetings URL (R35)."""
    return slug if prefix is None else f"{prefix}/{slug}"


def slug_of(name: str) -> str:
    """Letters and digits of a name, joined by hyphens: `Möte på måndag` → `mote-pa-mandag`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "meeting"
