"""How long an event loop keeps others waiting while it works.

The one rule: the lag is sampled evenly over time. A loop that was held up for 100 ms kept everybody waiting who came
in these 100 ms, not only the one that found it out.
"""

import asyncio
import time
from types import TracebackType
from typing import Final, Self

_EVERY_SECONDS: Final = 0.005


class LagMeter:
    """Measures while it is entered."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        """Milliseconds that somebody waited who came at that moment."""
        self._due = 0.0

    async def __aenter__(self) -> Self:
        self._due = time.perf_counter()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count()
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self._count()
            await asyncio.sleep(self._due - time.perf_counter())

    def _count(self) -> None:
        """Everybody who has come by now has waited until now."""
        now = time.perf_counter()
        while self._due <= now:
            self.lags.append((now - self._due) * 1000)
            self._due += _EVERY_SECONDS
