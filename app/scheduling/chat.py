"""The meeting link of a person's chat (R42): who has it, and what the widget is told.

The one rule: the widget learns the link and whether it is any use, and nothing else of the person.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import enter_account
from app.errors import NotFound, PageTurnedOff
from app.models.directory import Directory, DirectoryEntry
from app.models.scheduling import CalendarSettings
from app.scheduling.availability import PageTime, load_page_time
from app.scheduling.domains.repository import host_of
from app.scheduling.meeting_links import default_page
from app.scheduling.repository import look_up

_KEY_BYTES: Final = 32
_LOOKED_AHEAD: Final = 62 * 86_400
"""As far as one answer of `listPublicSlots` reaches."""


@dataclass(frozen=True, slots=True)
class Widget:
    """The page behind a chat, and whether a time of it is to be had."""

    page: PageTime
    host: str | None
    """The domain of the link; None: the shared one."""
    bookable: bool


def give_widget_key(session: AsyncSession, settings: CalendarSettings) -> None:
    """The first time the chat offers a meeting; from then on the key stays, for it stands on websites."""
    if not settings.chat_enabled or settings.widget_key is not None:
        return
    settings.widget_key = secrets.token_urlsafe(_KEY_BYTES)
    where = {"account_id": settings.account_id, "target_id": settings.user_id}
    session.add(DirectoryEntry(kind=Directory.CHAT_WIDGET, key=settings.widget_key, **where))


async def show_widget(session: AsyncSession, widget_key: str, *, now: datetime) -> Widget:
    """What the widget shows; enters its account. Raises: NotFound, PageTurnedOff."""
    entry = await look_up(session, Directory.CHAT_WIDGET, widget_key)
    if entry is None:
        raise NotFound
    await enter_account(session, entry.account_id)
    settings = await session.scalar(select(CalendarSettings).where(CalendarSettings.user_id == entry.target_id))
    if settings is None or not settings.chat_enabled:
        raise NotFound
    second = int(now.timestamp())
    between = second, second + _LOOKED_AHEAD
    page_id = await _chosen_page(session, settings)
    page = None if page_id is None else await load_page_time(session, page_id, between)
    if page is None:
        raise NotFound
    if page.turned_off:
        raise PageTurnedOff
    shortest = min(page.configuration.durations_minutes)
    bookable = len(page.offered(shortest, now=second, between=between)) > 0
    return Widget(page, await host_of(session, settings.user_id), bookable)


async def _chosen_page(session: AsyncSession, settings: CalendarSettings) -> UUID | None:
    if settings.chat_page_id is not None:
        return settings.chat_page_id
    default = await default_page(session, settings)
    return None if default is None else default.id
