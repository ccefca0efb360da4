"""Who may wait for a host's lock with a database connection in hand: one at a time in each process.

The one rule: the many who want one host's time wait here, where waiting costs nothing, and keep nobody else waiting.
Whose slot is taken while they wait is told so at once: the database would say the same, one after another.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from app.errors import BookingUnavailable
from app.timespan import Span, overlaps

_LONGEST_WAIT = 10.0  # seconds, as PostgreSQL's own lock timeout


class TakenMeanwhileError(Exception):
    """Somebody before us has taken time that we want; `taken` is all that was."""

    def __init__(self, taken: Sequence[Span]) -> None:
        super().__init__()
        self.taken = taken


class _Queue:
    """Those who want one host's time now. Nobody left: forgotten."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.taken: list[Span] = []
        """What was taken since the first of them came, in that order."""


class Turns:
    """A queue per host."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[UUID, _Queue] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, host_id: UUID, *, wanted: Span | None = None) -> AsyncIterator[None]:
        """Be the only one of this process at the host's time; to end well is to have taken what was wanted.

        Raises: BookingUnavailable after a long wait; TakenMeanwhileError where what is wanted was taken during it.
        """
        queue = self._queues.get(host_id)
        if queue is None:
            queue = self._queues[host_id] = _Queue()
        known = len(queue.taken)
        try:
            await asyncio.wait_for(queue.lock.acquire(), _LONGEST_WAIT)
        except TimeoutError:
            raise BookingUnavailable(retry_after=1) from None
        try:
            if wanted is not None and overlaps(queue.taken[known:], wanted):
                raise TakenMeanwhileError(queue.taken[known:])
            yield
            if wanted is not None:
                queue.taken.append(wanted)
        finally:
            queue.lock.release()
