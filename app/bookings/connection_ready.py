"""A connection was made or healed: what waited for it goes on.

The one rule: nothing that waited is forgotten: unfinished writes are tried again, open requests learn whether they
clash (R26), and where their page's owner wants it those that do not are booked. What was done to our events meanwhile
is followed.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.bookings import repository
from app.bookings.requests.standing import clashes, page_time_of_request
from app.calendar import Clock
from app.calendar_writes.service import readopt_writes, resume_writes
from app.connections import calendar_repository
from app.connections import repository as connections
from app.database import transaction
from app.queue import Enqueued, Job, enqueue
from app.scheduling.repository import asked_for
from app.sync.changes import note_differing


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
            for owner_id in await asked_for(session, connection.user_id):
                jobs.append(Enqueued(Job.CONFIRM_REQUESTS, account_id, owner_id))
                for request in await repository.open_requests(session, owner_id, now=self._clock()):
                    request.clashes = clashes(request, await page_time_of_request(session, request))
            await session.flush()
            await enqueue(session, jobs + await self._missed(session, connection_id))

    async def _missed(self, session: AsyncSession, connection_id: UUID) -> list[Enqueued]:
        """What was done to our events while there was no connection; of a calendar once it has been read again."""
        synced = await calendar_repository.list_calendar_syncs(session, connection_id)
        read = [calendar for calendar, sync in synced if sync.last_succeeded_at is not None]
        return await note_differing(session, read, now=self._clock())
