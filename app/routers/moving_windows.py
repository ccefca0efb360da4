"""How often somebody came in the last so many seconds, to the one.

The one rule: to count somebody costs the same however many others are counted. Whoever has not come for the length of
the window is forgotten, a few at a time, by those who come.

Written here since a library's memory looked through everybody at every count: 5 ms beside 50,000 networks.
"""

import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

_FORGOTTEN_AT_ONCE: Final = 2
"""More than can be new at once, so that who is gone does not pile up."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a caller is told."""

    allowed: bool
    remaining: int
    frees_in: int
    """Whole seconds until the oldest that counts is forgotten, and one more may come."""


class MovingWindow:
    """So many in so many seconds, by key. What is refused does not count."""

    def __init__(self, amount: int, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`amount` is 1 at least."""
        self.amount = amount
        self.seconds = seconds
        self._clock = clock
        self._times: OrderedDict[str, array[float]] = OrderedDict()
        """When each key came, rising; first the key that has not come for longest."""

    def __len__(self) -> int:
        """Keys that are remembered."""
        return len(self._times)

    def hit(self, key: str) -> Count:
        """Count one, if the window has room for it."""
        now = self._clock()
        self._forget(now - self.seconds)
        times = self._times.setdefault(key, array("d"))
        passed = bisect_right(times, now - self.seconds)
        counted = len(times) - passed
        if counted < self.amount:
            if passed > counted:  # each time is moved once, however long the window
                del times[:passed]
                passed = 0
            times.append(now)
            self._times.move_to_end(key)
        frees_in = max(1, ceil(times[passed] + self.seconds - now))
        return Count(counted < self.amount, max(0, self.amount - counted - 1), frees_in)

    def _forget(self, before: float) -> None:
        for _ in range(_FORGOTTEN_AT_ONCE):
            key = next(iter(self._times), None)
            if key is None or self._times[key][-1] > before:
                return
            del self._times[key]
