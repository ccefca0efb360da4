"""What became of a visitor's wish, and the same told again to whoever repeats the request (R44).

The one rule: a repeated request makes nothing; it is answered with what its key made, as that is now.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts import idempotency
from app.accounts.idempotency import KeyedRequest
from app.bare import bare_transaction
from app.bookings import repository
from app.bookings.event import owner_of_event
from app.bookings.offer import page_time_of_booking
from app.bookings.requests.standing import page_time_of_request
from app.calendar import Clock
from app.calendar_writes.service import find_write
from app.database import enter_by_link, transaction
from app.errors import NotFound
from app.models.bookings import Booking, IdempotentAnswer, MeetingRequest
from app.models.calendar_writes import CalendarWrite
from app.models.directory import Directory
from app.scheduling.availability import PageTime

CREATED: Final = 201
"""A booking was made."""
ACCEPTED: Final = 202
"""A meeting request was."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish: a booking, a meeting request, or the same as the last time."""

    made: Booking | MeetingRequest
    page: PageTime
    write: CalendarWrite | None = None
    """The event of a booking."""
    replayed: bool = False


class Outcomes:
    """Finds what a key was answered before."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], pool: asyncpg.Pool, clock: Clock) -> None:
        self._sessions = sessions
        self._pool = pool
        self._clock = clock

    async def of(self, account_id: UUID, keyed: KeyedRequest | None) -> Outcome | None:
        """What the key was answered; None: nothing yet, or there is no key.

        Raises: IdempotencyKeyReused.
        """
        if keyed is None:
            return None
        async with bare_transaction(self._pool, account_id) as work:
            if not await idempotency.is_answered(work, keyed, now=self._clock()):
                return None
        async with transaction(self._sessions, account_id) as session:
            return await self._found(session, keyed)

    async def of_deleted(self, page_id: UUID, keyed: KeyedRequest | None) -> Outcome | None:
        """What the key was answered while there was the page."""
        if keyed is None:
            return None
        async with transaction(self._sessions, None) as session:
            enter_by_link(session, Directory.PAGE, page_id)
            return await self._found(session, keyed)

    async def _found(self, session: AsyncSession, keyed: KeyedRequest) -> Outcome | None:
        before = await idempotency.find_answer(session, keyed, now=self._clock())
        return None if before is None else await _told_again(session, before)


async def _told_again(session: AsyncSession, before: IdempotentAnswer) -> Outcome:
    find = repository.find_booking if before.status_code == CREATED else repository.find_request
    found = await find(session, before.subject_id)  # a request may be the booking of the same id by now
    if found is None:
        raise NotFound
    if isinstance(found, Booking):  # of a round robin: whose turn it was, not who is first on the page
        page = await page_time_of_booking(session, found)
    else:
        page = await page_time_of_request(session, found)
    return Outcome(found, page, await find_write(session, owner_of_event(found.id)), replayed=True)
