"""Forgetting old events, answers kept for idempotency keys that have expired, and whatever else of an account has had
its time: the job `prune_events`, once a day for each account.

The one rule: what goes is a prefix of the feed, and the feed remembers up to where. Whoever asks for older events is
told so.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
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

Forget = Callable[[AsyncSession, UUID, datetime], Awaitable[bool]]
"""Lets some of what an account no longer keeps, or asks, go, as of now; whether there may be more."""

log = structlog.get_logger(__name__)


class Pruner:
    """Runs `prune_events`."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], clock: Clock, *, retention_days: int, also: Sequence[Forget]
    ) -> None:
        """`also`: what those who know of more than events let go."""
        self._sessions = sessions
        self._also = also
        self._clock = clock
        self._retention = timedelta(days=retention_days)

    async def run(self, account_id: UUID, _: UUID) -> None:
        """Delete the account's events and attempts that are older than the retention, answers older than a day, and
        what others let go.
        """
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
        for forget in self._also:
            more = True
            while more:
                async with transaction(self._sessions, account_id) as session:
                    more = await forget(session, account_id, now)

    async def sweep(self) -> int:
        """Ask for the pruning of every feed that is due; how many."""
        async with transaction(self._sessions, None) as session:
            due = await take_due_rows(session, DueFeed, now=self._clock(), again=_AGAIN, limit=_AT_ONCE)
            await enqueue(session, [_poll(row.account_id) for row in due])
            return len(due)


def _poll(account_id: UUID) -> Enqueued:
    return Enqueued(Job.PRUNE_EVENTS, account_id, account_id, once=True)
