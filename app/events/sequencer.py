"""Giving the events of an account their numbers: in the transaction that writes them, if nobody else is numbering,
else by the job `number_events`; and the sweep behind both.

    lock    the account's row in `event_feeds`
    number  what is committed, in the order of arrival
    tell    the webhook endpoints, by a row each, and whoever waits for the feed

The one rule: 1, 2, 3, … without a gap, each number once, in one transaction. A transaction that stays open keeps its
events to itself until it commits; then they get the next numbers. So the order of the feed is the order of numbering:
what one reader has seen, no later event can come before.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.events import repository, webhook_repository
from app.models.directory import DueEvent
from app.queue import Enqueued, Job, enqueue

_AT_ONCE: Final = 500
_FIRST_PRUNING: Final = timedelta(days=1)
_SWEPT_AFTER: Final = timedelta(seconds=2)
_COMES_UP_AGAIN: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


class Sequencer:
    """Runs `number_events`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def run(self, account_id: UUID, _: UUID) -> None:
        """Number whatever waits in the account."""
        while await self._number_some(account_id) == _AT_ONCE:
            pass

    async def sweep(self) -> int:
        """Ask again for the numbers of what lost its job; in how many accounts."""
        async with transaction(self._sessions, None) as session:
            now = self._clock()
            due = await take_due_rows(session, DueEvent, now=now, again=_COMES_UP_AGAIN, limit=_AT_ONCE)
            accounts = {row.account_id for row in due}
            await enqueue(session, [Enqueued(Job.NUMBER_EVENTS, item, item, once=True) for item in accounts])
        return len(accounts)

    async def number_here(self, session: AsyncSession, jobs: Sequence[Enqueued]) -> list[Enqueued]:
        """Number the transaction's own events, if nobody else is at it; the jobs that are left to be asked for.

        The feed stays locked until the commit: let nothing come after this that waits for anybody.
        """
        asked = next((job for job in jobs if job.job is Job.NUMBER_EVENTS), None)
        if asked is None or not await repository.try_lock_feed(session, asked.account_id):
            return list(jobs)
        count, told = await self._number(session, asked.account_id)
        more = [asked] if count == _AT_ONCE else []
        return [*(job for job in jobs if job.job is not Job.NUMBER_EVENTS), *more, *told]

    async def _number_some(self, account_id: UUID) -> int:
        now = self._clock()
        async with transaction(self._sessions, account_id) as session:
            if not await repository.has_unnumbered(session, account_id):
                return 0  # another's run saw them too: no need to wait for the lock
            await repository.lock_feed(session, account_id, prune_at=now + _FIRST_PRUNING)
            count, told = await self._number(session, account_id)
            await enqueue(session, told)
        log.info("events.numbered", count=count)
        return count

    async def _number(self, session: AsyncSession, account_id: UUID) -> tuple[int, list[Enqueued]]:
        """Under the lock of the feed: how many were numbered, and the jobs that tell of them."""
        now = self._clock()
        count = await repository.give_numbers(session, account_id, now=now, limit=_AT_ONCE)
        if count == 0:
            return 0, []
        endpoints = await webhook_repository.set_all_due(session, account_id, at=now + _SWEPT_AFTER)
        await repository.tell_readers(session, account_id)
        return count, [Enqueued(Job.DELIVER_WEBHOOKS, account_id, item) for item in endpoints]
