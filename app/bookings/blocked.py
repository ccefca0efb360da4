"""Somebody wanted to book while a calendar of the host could not be read (R30).

The one rule: whoever tried learns nothing of why; the host is told, at most once an hour for each page, however many
try.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import lock_host
from app.bookings import repository
from app.bookings.blocked_post import BlockedPost
from app.bookings.news import tell_of_blocked_attempt
from app.calendar import Clock
from app.database import transaction
from app.errors import NotFound, PageTurnedOff
from app.queue import enqueue
from app.scheduling.availability import PageTime
from app.scheduling.reader import PageReader

_TELL_AGAIN: Final = timedelta(hours=1)


class BlockedAttempts:
    """Tells hosts that somebody could not book them."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], pages: PageReader, post: BlockedPost, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._pages = pages
        self._post = post
        self._clock = clock

    async def report(self, page_id: UUID) -> None:
        """A visitor asks that the host be told: if they cannot be booked. Raises: NotFound, PageTurnedOff."""
        now = int(self._clock().timestamp())
        page = await self._pages.read(page_id, (now, now + 1))
        if page is None:
            raise NotFound
        if page.turned_off:
            raise PageTurnedOff
        if page.unavailable:
            await self.tell_host(page)

    async def tell_host(self, page: PageTime, unread: frozenset[UUID] = frozenset()) -> None:
        """Mail the host and tell the CRM, unless that was done lately.

        `unread` are the calendars that could not be read this moment, as far as only this attempt knows of it.
        """
        async with transaction(self._sessions, page.account_id) as session:
            await lock_host(session, page.host.id)  # who comes second finds the mail of the first
            since = self._clock() - _TELL_AGAIN
            if await repository.mailed_since(session, page.page_id, "attempt_blocked", since):
                return
            mails = await self._post.tell_hosts(session, page, unread)
            told = tell_of_blocked_attempt(session, page, now=self._clock())
            await enqueue(session, [*mails, told])
