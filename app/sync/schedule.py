"""Which calendars are due: the slow poll behind everything.

The one rule: due work is found by an index and handed to the queue in small portions, so that whose turn
it is, is decided late. A calendar comes up again by itself until a run has set a new time.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.models.directory import DueWatch
from app.queue import Enqueued, Job, enqueue
from app.sync.due import Due, take_due, waiting_syncs

_COMES_UP_AGAIN: Final = timedelta(minutes=3)
_WATCH_COMES_UP_AGAIN: Final = timedelta(minutes=10)
_WATCHES_AT_ONCE: Final = 500
_MOST_WAITING: Final = 400
"""The queue is first come, first served: what stands in it cannot be overtaken. So much keeps a worker busy for a
sweep or two."""
_ALWAYS: Final = 5
"""Pushes may fill the queue; they never end the polls of those whom no push tells of. It must stay far below what a
worker gets done in a second, else the queue would grow without end."""


def portion(waiting: int) -> int:
    """How many calendars to hand to a queue in which so many syncs wait."""
    return max(_MOST_WAITING - waiting, _ALWAYS)


async def enqueue_due_watches(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> int:
    """Ask for a look at every watch that is due; how many there were."""
    async with transaction(sessions, None) as session:
        now = clock()
        due = await take_due_rows(session, DueWatch, now=now, again=_WATCH_COMES_UP_AGAIN, limit=_WATCHES_AT_ONCE)
        await enqueue(
            session, [Enqueued(Job.WATCH_CALENDAR, row.account_id, row.calendar_id, once=True) for row in due]
        )
        return len(due)


async def enqueue_due_syncs(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> int:
    """Ask for runs of calendars that are due, accounts by turns, as many as the queue has room for; how many."""
    async with transaction(sessions, None) as session:
        limit = portion(await waiting_syncs(session, most=_MOST_WAITING))
        due = await take_due(session, now=clock(), again=_COMES_UP_AGAIN, limit=limit)
        await enqueue(session, [_poll(row) for row in due])
        return len(due)


def _poll(row: Due) -> Enqueued:
    return Enqueued(Job.SYNC_CALENDAR, row.account_id, row.calendar_id, once=True)
