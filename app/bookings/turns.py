"""Who may wait for a host's lock with a database connection in hand: one at a time in each process.

The one rule: the many who want one host's time wait here, where waiting costs nothing, and keep nobody else waiting.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from app.errors import BookingUnavailable

_LONGEST_WAIT = 10.0  # seconds, as PostgreSQL's own lock timeout


class Turns:
    """A queue per host."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, host_id: UUID) -> AsyncIterator[None]:
        """Be the only one of this process at the host's time. Raises: BookingUnavailable after a long wait."""
        queue = self._queues.get(host_id)
        if queue is None:
            queue = self._queues[host_id] = asyncio.Lock()
        try:
            await asyncio.wait_for(queue.acquire(), _LONGEST_WAIT)
        except TimeoutError:
            raise BookingUnavailable(retry_after=1) from None
        try:
            yield
        finally:
            queue.release()
