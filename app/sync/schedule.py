"""Which calendars are due: the slow poll behind everything.

The one rule: due work is found by an index and handed to the queue; it comes up again by itself until a run has set a
new time.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.connections.channels import take_due_watches
from app.database import transaction
from app.queue import Enqueued, Job, enqueue
from app.sync import repository

_COMES_UP_AGAIN = timedelta(minutes=3)
_WATCH_COMES_UP_AGAIN = timedelta(minutes=10)
_AT_ONCE = 500


async def enqueue_due_watches(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> int:
    """Ask for a look at every watch that is due; how many there were."""
    async with transaction(sessions, None) as session:
        due = await take_due_watches(session, now=clock(), again=_WATCH_COMES_UP_AGAIN, limit=_AT_ONCE)
        await enqueue(session, [Enqueued(Job.WATCH_CALENDAR, row.account_id, row.calendar_id) for row in due])
        return len(due)


async def enqueue_due_syncs(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> int:
    """Ask for a run of every calendar that is due; how many there were."""
    async with transaction(sessions, None) as session:
        due = await repository.take_due(session, now=clock(), again=_COMES_UP_AGAIN, limit=_AT_ONCE)
        await enqueue(session, [Enqueued(Job.SYNC_CALENDAR, row.account_id, row.calendar_id) for row in due])
        return len(due)
