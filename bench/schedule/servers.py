"""What stands at the other end: latencies, quotas and troubles of the providers.

The one rule: a server knows requests and time. Of the service there are only its errors in here.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from random import Random
from typing import Final

from app.calendar import ProviderName
from app.providers.base import ProviderError, RateLimited, Transient

WINDOW: Final = 60
"""Seconds over which the quotas here count, sliding."""
_REFUSAL_SECONDS: Final = 0.05
_TIME_OUT_SECONDS: Final = 10.0
_HANG_SECONDS: Final = 15.0
_DRAWS: Final = 4096
_MEDIAN_SECONDS: Final = {
    ProviderName.GOOGLE: 0.16, ProviderName.OFFICE365: 0.22, ProviderName.EXCHANGE: 0.30,
}  # fmt: skip
_SPREAD: Final = 0.7
"""Of the latencies' logarithm: the slowest hundredth takes five times the median."""
_OWN_SECONDS: Final = 0.01
"""Our own part of a run: two transactions."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Somebody does not answer for a while."""

    provider: ProviderName
    begin: float
    end: float
    account: int | None = None
    """None: nobody's calendars can be read."""

    def hits(self, at: float, account: Hashable) -> bool:
        """Whether this account is met now."""
        return self.begin <= at < self.end and self.account in {None, account}


class Server:
    """One provider. With Exchange it stands for many servers: each account has its own."""

    def __init__(
        self,
        provider: ProviderName,
        random: Random,
        *,
        per_minute: float = math.inf,
        per_user_minute: float = math.inf,
        retry_after: float | None = None,
        troubles: tuple[Trouble, ...] = (),
    ) -> None:
        self.asked = 0
        """Requests, the refused ones included."""
        self.refused = 0
        self.busiest = 0
        """The most requests within one second."""
        self._random = random
        self._latencies = [
            _OWN_SECONDS + random.lognormvariate(math.log(_MEDIAN_SECONDS[provider]), _SPREAD) for _ in range(_DRAWS)
        ]
        self._draw = 0
        self._per_minute, self._per_user_minute, self._retry_after = per_minute, per_user_minute, retry_after
        self._troubles = tuple(trouble for trouble in troubles if trouble.provider is provider)
        self._second, self._in_second = -1, 0
        self._answered = [0] * WINDOW
        self._in_window = 0
        self._users: dict[Hashable, list[float]] = {}

    def ask(self, at: float, account: Hashable, user: Hashable, requests: int) -> tuple[float, ProviderError | None]:
        """How long so many requests in a row take, and what becomes of them."""
        self._turn(int(at))
        self.asked += requests
        self._in_second += requests
        for trouble in self._troubles:
            if trouble.hits(at, account):
                return self._no_answer(trouble), Transient("no answer")
        if self._in_window + requests > self._per_minute or not self._user_may(at, user, requests):
            self.refused += requests
            return _REFUSAL_SECONDS, RateLimited("too many", retry_after=self._retry_after)
        self._in_window += requests
        self._answered[self._second % WINDOW] += requests
        self._draw = (self._draw + 1) % _DRAWS
        return self._latencies[self._draw] * requests, None

    def _no_answer(self, trouble: Trouble) -> float:
        if trouble.account is not None:
            return _HANG_SECONDS
        return _TIME_OUT_SECONDS if self._random.random() < 0.5 else _REFUSAL_SECONDS

    def _user_may(self, at: float, user: Hashable, requests: int) -> bool:
        if self._per_user_minute == math.inf:
            return True
        recent = self._users.setdefault(user, [])
        while recent and recent[0] <= at - WINDOW:
            recent.pop(0)
        if len(recent) + requests > self._per_user_minute:
            return False
        recent.extend([at] * requests)
        return True

    def _turn(self, second: int) -> None:
        """Forget the seconds that have left the window."""
        if second == self._second:
            return
        self.busiest, self._in_second = max(self.busiest, self._in_second), 0
        for passed in range(max(self._second + 1, second - WINDOW + 1), second + 1):
            self._in_window -= self._answered[passed % WINDOW]
            self._answered[passed % WINDOW] = 0
        self._second = second
