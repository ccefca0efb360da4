"""Queues in front of the database's locks, in each process: one per host, and one per round robin page.

Whoever waits for a host's lock holds a database connection, so in each process only the first of a host's queue does.
Of a group the organizer's queue is taken. The first of a page's queue looks whose turn it is, and books.

The one rule: the many who want one host's time wait here, where waiting costs nothing, and keep nobody else waiting.
Those whose slot is taken while they wait are told so at once: the database would say the same, to one after another.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from app.errors import BookingUnavailable
from app.timespan import Span, overlaps

_LONGEST_WAIT = 10.0  # seconds, as PostgreSQL's own lock timeout


class TakenMeanwhileError(Exception):
    """Somebody before us has taken time that we want; `taken` is all that others took."""

    def __init__(self, taken: Sequence[Span]) -> None:
        super().__init__()
        self.taken = taken


class _Queue:
    """Those who want the same now; it is forgotten with the last of them."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.taken: list[tuple[Span, Hashable]] = []
        """What was taken since the first of them came, in that order, each with its `by`."""


class HostQueues:
    """A queue per host, and one per round robin page."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[Hashable, _Queue] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, of: Hashable, *, wanted: Span | None = None, by: Hashable = None) -> AsyncIterator[bool]:
        """Wait for the queue's lock; yields whether we had to wait. Leaving without an exception records `wanted` as
        taken. `by` names the booking or request that wants it: what it took itself is not in its way.

        Raises: BookingUnavailable after ten seconds; TakenMeanwhileError when `wanted` was taken while we waited.
        """
        queue = self._queues.get(of)
        if queue is None:
            queue = self._queues[of] = _Queue()
        known, waits = len(queue.taken), queue.lock.locked()
        try:
            await asyncio.wait_for(queue.lock.acquire(), _LONGEST_WAIT)
        except TimeoutError:
            raise BookingUnavailable(retry_after=1) from None
        try:
            others = [span for span, taker in queue.taken[known:] if by is None or taker != by]
            if wanted is not None and overlaps(others, wanted):
                raise TakenMeanwhileError(others)
            yield waits
            if wanted is not None:
                queue.taken.append((wanted, by))
        finally:
            queue.lock.release()
