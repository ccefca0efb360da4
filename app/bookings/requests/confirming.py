"""Requests that wait for a calendar: booked at once where the owner of their page wants that (R26).

The one rule: who asked first is first, each in a transaction of its own; whatever cannot be booked goes on waiting for
the host. Whoever of a team was asked, the page's owner has said what becomes of it.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import find_user, lock_host
from app.bookings import repository
from app.bookings.requests.answering import AutoConfirm, MeetingRequests
from app.calendar import Clock
from app.connections.settings import get_settings
from app.database import transaction
from app.errors import BookingUnavailable, Conflict, NotFound
from app.models.bookings import MeetingRequest
from app.queue import Enqueued, Job, enqueue, is_queued
from app.scheduling.repository import find_page

_ASK_AGAIN: Final = timedelta(minutes=5)

log = structlog.get_logger(__name__)


class RequestConfirmer:
    """Runs `confirm_requests`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], requests: MeetingRequests, clock: Clock) -> None:
        self._sessions = sessions
        self._requests = requests
        self._clock = clock

    async def run(self, account_id: UUID, owner_id: UUID) -> None:
        """Book what is free. While a calendar cannot be asked, nobody knows what is: it is tried again later."""
        async with transaction(self._sessions, account_id) as session:
            waiting = await self._waiting(session, account_id, owner_id)
        unknown = [request for request in waiting if not await self._confirm(request)]
        if unknown:
            await self._ask_again(account_id, owner_id)

    async def _ask_again(self, account_id: UUID, owner_id: UUID) -> None:
        """Later; one job of an owner tries again for all who have asked, however often it was asked for."""
        async with transaction(self._sessions, account_id) as session:
            await lock_host(session, owner_id)  # who comes second finds the job of the first
            if not await is_queued(session, Job.CONFIRM_REQUESTS, account_id, owner_id):
                await enqueue(session, [Enqueued(Job.CONFIRM_REQUESTS, account_id, owner_id, delay=_ASK_AGAIN)])

    async def _waiting(self, session: AsyncSession, account_id: UUID, owner_id: UUID) -> list[MeetingRequest]:
        """Open requests on the pages of somebody who wants what is free booked, and takes bookings at all."""
        user = await find_user(session, owner_id)
        settings = await get_settings(session, account_id, owner_id)
        takes_bookings = settings.scheduling_pages and not settings.turned_off
        if user is None or not user.active or not settings.auto_confirm_requests or not takes_bookings:
            return []
        requests = await repository.open_requests(session, owner_id, now=self._clock())
        return [request for request in requests if await find_page(session, request.page_id) is not None]

    async def _confirm(self, request: MeetingRequest) -> bool:
        """False when it could not be decided now, for instance because a calendar did not answer: to be tried again."""
        try:
            await self._requests.accept(request.account_id, request.id, by=AutoConfirm())
        except BookingUnavailable:
            return False
        except (Conflict, NotFound) as error:
            log.info("request.not_confirmed", request_id=str(request.id), reason=error.code)
        return True
