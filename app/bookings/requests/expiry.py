"""Meeting requests that nobody answered in time.

    sweep  [transaction]  those that are due, over all accounts: a job each
    lapse  [transaction]  expired, mailed, told

The one rule: the visitor is told once: the request lapses once, under its lock.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import add_audit_entry
from app.bookings import repository
from app.bookings.news import tell_of_request
from app.bookings.post import BookingPost
from app.bookings.requests.standing import as_asked, page_time_of_request
from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.events.types import EventType
from app.models.directory import DueRequest
from app.queue import Enqueued, Job, enqueue

_AT_ONCE: Final = 500
_COMES_UP_AGAIN: Final = timedelta(minutes=5)


class RequestExpiry:
    """Runs `expire_request`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], post: BookingPost, clock: Clock) -> None:
        self._sessions = sessions
        self._post = post
        self._clock = clock

    async def sweep(self) -> int:
        """Ask for the end of every request whose time has come; how many there were."""
        async with transaction(self._sessions, None) as session:
            now = self._clock()
            due = await take_due_rows(session, DueRequest, now=now, again=_COMES_UP_AGAIN, limit=_AT_ONCE)
            await enqueue(
                session, [Enqueued(Job.EXPIRE_REQUEST, row.account_id, row.request_id, once=True) for row in due]
            )
        return len(due)

    async def run(self, account_id: UUID, request_id: UUID) -> None:
        """End the request, unless it was answered or has time left."""
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            request = await repository.find_request(session, request_id, lock=True)
            if request is None or request.status != "pending":
                await repository.end_waiting(session, request_id)
                return
            if request.expires_at > now:
                return
            request.status, request.updated_at = "expired", now
            await repository.end_waiting(session, request_id)
            event = EventType.MEETING_REQUEST_EXPIRED
            add_audit_entry(session, account_id, actor="worker", action=event.value, subject_id=request_id)
            page = as_asked(request, await page_time_of_request(session, request))
            mail = await self._post.expired(session, request, page)
            told = tell_of_request(session, event, request)
            await enqueue(session, [mail, told])
