"""Queues in front of the database's locks, in each process: one per host, and one per round robin page.

Whoever waits for a host's lock holds a database connection, so in each process only the first of a host's queue does.
Of a group the organizer's queue is taken. The first of a page's queue looks whose turn it is, and books.

The one rule: the many who want one host's time wait here, where waiting costs nothing, and keep nobody else waiting.
Those whose slot is taken while they wait are told so at once: the database would say the same, to one after another.
What was found before somebody had come is no answer to them.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary

from app.database import LONGEST_WAIT
from app.errors import BookingUnavailable, SlotUnavailable
from app.timespan import Span, overlaps


class TakenMeanwhileError(Exception):
    """Somebody before us has taken time that we want; `taken` is all that others took."""

    def __init__(self, taken: Sequence[Span]) -> None:
        super().__init__()
        self.taken = taken


class RefusedMeanwhileError(Exception):
    """Somebody before us asked the same, looked when we had come already, and was refused."""

    def __init__(self, refusal: SlotUnavailable) -> None:
        super().__init__()
        self.refusal = refusal


class _Queue:
    """Those who want the same now; it is forgotten with the last of them."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.taken: list[tuple[Span, UUID | None]] = []
        """What was taken since the first of them came, in that order, each with its `by`."""
        self.came = self.left = 0
        """Running totals. `came > left` means that somebody is ahead."""
        self.refused: dict[Hashable, tuple[int, SlotUnavailable]] = {}
        """By what was asked: the last refusal, and how many had come before it was looked for."""


class HostQueues:
    """A queue per host, and one per round robin page."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[UUID, _Queue] = WeakValueDictionary()

    @asynccontextmanager
    async def wait_for(self, host_id: UUID, *, wanted: Span, by: UUID | None = None) -> AsyncIterator[None]:
        """Wait for a host. Leaving without an exception records `wanted` as taken. `by` names the booking or request
        that wants it: what it took itself is not in its way.

        Raises: BookingUnavailable after ten seconds; TakenMeanwhileError when `wanted` was taken while we waited.
        """
        queue = self._queue(host_id)
        known = len(queue.taken)
        async with _turn(queue):
            others = [span for span, taker in queue.taken[known:] if by is None or taker != by]
            if overlaps(others, wanted):
                raise TakenMeanwhileError(others)
            yield
            queue.taken.append((wanted, by))

    @asynccontextmanager
    async def turn(self, page_id: UUID, *, asked: Hashable) -> AsyncIterator[bool]:
        """Wait for a round robin; yields whether we had to, and must look again. Leaving with SlotUnavailable then
        answers everybody who has come before that look and `asked` the same.

        Raises: BookingUnavailable after ten seconds; RefusedMeanwhileError.
        """
        queue = self._queue(page_id)
        waits, queue.came = queue.came > queue.left, queue.came + 1
        number = queue.came
        try:
            async with _turn(queue):
                came, refusal = queue.refused.get(asked, (0, None))
                if refusal is not None and number <= came:
                    raise RefusedMeanwhileError(refusal)
                came = queue.came
                try:
                    yield waits
                except SlotUnavailable as refused:
                    if waits:  # told without its trace, which would hold the queue
                        queue.refused[asked] = came, SlotUnavailable(extra=refused.extra)
                    raise
        finally:
            queue.left += 1

    def _queue(self, of: UUID) -> _Queue:
        queue = self._queues.get(of)
        if queue is None:
            queue = self._queues[of] = _Queue()
        return queue


@asynccontextmanager
async def _turn(queue: _Queue) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            await queue.lock.acquire()
    except TimeoutError:
        raise BookingUnavailable(retry_after=1) from None
    try:
        yield
    finally:
        queue.lock.release()
