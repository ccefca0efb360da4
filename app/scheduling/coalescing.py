"""One answer for everybody who asks the same at the same time.

The one rule: nobody gets an answer whose making had begun before they asked. Whoever asks meanwhile waits for the next
one, and shares it with everybody who comes before it begins: so a page that many look at is read once for all of them,
and what somebody has just booked is in the answer they get next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Coalescer(Generic[Key, Value]):
    """Makes answers, of one key never two at once."""

    def __init__(self, make: Callable[[Key], Awaitable[Value]]) -> None:
        self._make = make
        self._last: dict[Key, asyncio.Task[Value]] = {}
        self._open: dict[Key, asyncio.Task[Value]] = {}
        """Answers that are not being made yet: these can be shared."""

    async def get(self, key: Key) -> Value:
        """The answer; who does not wait for its end spoils it for nobody. Raises: what making it raises."""
        task = self._open.get(key)
        if task is None:
            task = asyncio.create_task(self._in_turn(key, self._last.get(key)))
            task.add_done_callback(_look_at)
            self._open[key] = self._last[key] = task
        return await asyncio.shield(task)

    async def _in_turn(self, key: Key, before: asyncio.Task[Value] | None) -> Value:
        mine = self._open[key]
        try:
            if before is not None:
                await asyncio.wait([before])
            del self._open[key]
            return await self._make(key)
        finally:
            if self._last[key] is mine:
                del self._last[key]


def _look_at(task: asyncio.Task[Value]) -> None:
    """A failure that nobody has waited for is none to complain of."""
    if not task.cancelled():
        task.exception()
