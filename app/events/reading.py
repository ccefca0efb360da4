"""Reading the feed, and waiting for it to go on.

The one rule: no transaction is open while somebody waits. What is answered is without a gap, or says that the rest is
gone; `next_after` never passes over an event that was not answered or filtered out.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.database import transaction
from app.errors import EventsExpired, FieldError, ValidationFailed
from app.events import repository
from app.events.repository import Entry
from app.events.signals import FeedSignals

LONGEST_WAIT: Final = 25
"""Seconds; proxies cut off at thirty."""
_LOOK_AGAIN: Final = 3.0
"""Seconds after which a waiting reader looks without a signal."""
_MOST_WAITING: Final = 1000
"""Readers of one process; more get what there is."""
Aside = Callable[[], AbstractContextManager[None]]
"""Where somebody is while they wait, and not at work."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to read."""

    after: int | None
    """None: from the oldest that is kept."""
    types: Sequence[str] | None
    """None: all."""
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the feed."""

    entries: tuple[Entry, ...]
    next_after: int
    last_sequence: int


class FeedReader:
    """Reads the feed of an account."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], signals: FeedSignals) -> None:
        self._sessions = sessions
        self._signals = signals
        self._waiting = 0

    async def read(
        self, account_id: UUID, question: Question, *, wait_seconds: float = 0, aside: Aside = nullcontext
    ) -> Page:
        """The next events; where there are none, those that come within `wait_seconds`, waited for `aside`.

        Raises: EventsExpired; ValidationFailed for a number that was not given yet.
        """
        if wait_seconds <= 0 or self._waiting >= _MOST_WAITING:
            return await self._look(account_id, question)
        self._waiting += 1
        try:
            return await self._wait(account_id, question, min(wait_seconds, LONGEST_WAIT), aside)
        finally:
            self._waiting -= 1

    async def _wait(self, account_id: UUID, question: Question, seconds: float, aside: Aside) -> Page:
        """Listen first, then look: nothing can come between the two unheard."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        async with self._signals.listening(account_id) as grown:
            while True:
                grown.clear()
                page = await self._look(account_id, question)
                left = until - loop.time()
                if page.entries or left <= 0:
                    return page
                with aside(), suppress(TimeoutError):
                    await asyncio.wait_for(grown.wait(), min(left, _LOOK_AGAIN))

    async def _look(self, account_id: UUID, question: Question) -> Page:
        async with transaction(self._sessions, account_id) as session:
            found = await repository.read(
                session, account_id, after=question.after, types=question.types, limit=question.limit
            )
        after = found.pruned_through if question.after is None else question.after
        if after < found.pruned_through:
            raise EventsExpired(extra={"oldest_sequence": found.pruned_through + 1})
        if after > found.last_sequence:  # of a feed that was before this one: whoever waited for it would miss all
            raise ValidationFailed(errors=[FieldError("/query/after", "out_of_range")])
        whole = len(found.entries) < question.limit
        passed = found.last_sequence if whole else found.entries[-1].sequence
        return Page(found.entries, passed, found.last_sequence)
