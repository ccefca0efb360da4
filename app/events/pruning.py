"""Forgetting old events, and answers kept for idempotency keys that have expired: the job `prune_events`, once a day
for each account.

The one rule: what goes is a prefix of the feed, and the feed remembers up to where. Whoever asks for older events is
told so.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.idempotency import forget_old_answers
from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.events import repository
from app.models.directory import DueFeed
from app.queue import Enqueued, Job, enqueue

_AGAIN: Final = timedelta(days=1)
_AT_ONCE: Final = 500

log = structlog.get_logger(__name__)


class Pruner:
    """Runs `prune_events`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock, *, retention_days: int) -> None:
        self._sessions = sessions
        self._clock = clock
        self._retention = timedelta(days=retention_days)

    async def run(self, account_id: UUID, _: UUID) -> None:
        """Delete the account's events and attempts that are older than the retention, and answers older than a day."""
        now, count = self._clock(), _AT_ONCE
        while count == _AT_ONCE:
            async with transaction(self._sessions, account_id) as session:  # short: who gives numbers waits meanwhile
                feed = await repository.lock_feed(session, account_id, prune_at=now + _AGAIN)
                count = await repository.prune(session, feed, before=now - self._retention, limit=_AT_ONCE)
            log.info("events.pruned", count=count)
        count = _AT_ONCE
        while count == _AT_ONCE:  # in portions: what took too long would be more tomorrow
            async with transaction(self._sessions, account_id) as session:
                before = now - self._retention
                count = await repository.prune_deliveries(session, account_id, before=before, limit=_AT_ONCE)
        async with transaction(self._sessions, account_id) as session:
            await forget_old_answers(session, account_id, now=now)

    async def sweep(self) -> int:
        """Ask for the pruning of every feed that is due; how many."""
        async with transaction(self._sessions, None) as session:
            due = await take_due_rows(session, DueFeed, now=self._clock(), again=_AGAIN, limit=_AT_ONCE)
            await enqueue(session, [_poll(row.account_id) for row in due])
            return len(due)


def _poll(account_id: UUID) -> Enqueued:
    return Enqueued(Job.PRUNE_EVENTS, account_id, account_id, once=True)
