"""A connection was made or healed: what waited for it goes on.

The one rule: nothing that waited is forgotten: unfinished writes are tried again, open requests learn whether they
clash (R26).
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.bookings import repository
from app.bookings.offer import page_time_around
from app.calendar import Clock
from app.calendar_writes.service import readopt_writes, resume_writes
from app.connections import repository as connections
from app.database import transaction
from app.models.bookings import MeetingRequest
from app.queue import Enqueued, Job, enqueue
from app.timespan import overlaps


class ConnectionReady:
    """Runs `connection_ready`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def run(self, account_id: UUID, connection_id: UUID) -> None:
        """Resume the writes; look at the open requests. Where nobody can tell yet, the first good sync asks again."""
        async with transaction(self._sessions, account_id) as session:
            connection = await connections.find_connection(session, connection_id)
            if connection is None or connection.status != "active":
                return
            await readopt_writes(session, connection_id, now=self._clock())
            jobs = await resume_writes(session, connection_id, now=self._clock())
            jobs.append(Enqueued(Job.PLACE_TASKS, account_id, connection.user_id))
            for request in await repository.open_requests(session, connection.user_id, now=self._clock()):
                request.clashes = await self._clashes(session, request)
            await session.flush()
            await enqueue(session, jobs)

    @staticmethod
    async def _clashes(session: AsyncSession, request: MeetingRequest) -> bool | None:
        """Whether the time is taken; None while a calendar has never been read.

        The page may have been deleted or its hours changed since: only what is taken counts.
        """
        start, end = int(request.starts_at.timestamp()), int(request.ends_at.timestamp())
        minutes = (end - start) // 60
        page = await page_time_around(session, request.page_id, start, minutes, excluding=request.id)
        if page.unavailable:
            return None
        wanted = page.rules(minutes).buffered(start)
        return overlaps(page.busy, wanted) or overlaps(page.reserved, wanted)
