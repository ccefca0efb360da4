"""Who may wait for a host's lock with a database connection in hand: one at a time in each process. And who of those
who want the same slot of a round robin may look whose turn it is.

The one rule: the many who want one host's time wait here, where waiting costs nothing, and keep nobody else waiting.
Whose slot is taken while they wait is told so at once: the database would say the same, one after another.
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
    """Those who want the same now. Nobody left: forgotten."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.taken: list[tuple[Span, Hashable]] = []
        """What was taken since the first of them came, in that order, and by which of those that are moved."""


class HostQueues:
    """A queue per host, and per slot of a round robin."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[Hashable, _Queue] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, of: Hashable, *, wanted: Span | None = None, by: Hashable = None) -> AsyncIterator[bool]:
        """Be the only one of this process there, and know whether somebody was before us; to end well is to have taken
        what was wanted. What moves is named, `by`: it is not in its own way, however often it is asked to move.

        Raises: BookingUnavailable after a long wait; TakenMeanwhileError where what is wanted was taken during it.
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
