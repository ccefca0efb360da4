"""What follows from an attempt to deliver. Pure.

The one rule: nothing but a 2xx is a delivery. An endpoint that fails is tried again for a day, and ten times at least,
less and less often; then it is paused, and everything that it has not got is kept for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from app.waits import doubled, jittered

_GONE: Final = 410
_OK: Final = range(200, 300)
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(hours=1)
PAUSED_AFTER: Final = timedelta(days=1)
FEWEST_TRIES: Final = 10
"""An hour or so, by `back_off`: a day in which nobody was there to send is not held against the receiver."""
_SLOW_MS: Final = 2000


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a sending went."""

    status_code: int | None
    error: str | None
    """Why there is no status code: unreachable no_answer address_not_allowed"""
    duration_ms: int
    retry_after: float | None = None
    """Seconds that the receiver asked for."""

    @property
    def succeeded(self) -> bool:
        """The receiver has it."""
        return self.status_code in _OK

    @property
    def slow(self) -> bool:
        """It kept us waiting, or we shall have to come again."""
        return not self.succeeded or self.duration_ms > _SLOW_MS


class Verdict(Enum):
    """What becomes of the endpoint."""

    DELIVERED = auto()
    AGAIN = auto()
    PAUSE = auto()
    DISABLE = auto()
    """It said that it is gone."""


def verdict(attempt: Attempt, *, failures: int, failing_since: datetime | None, now: datetime) -> Verdict:
    """What to do after an attempt; `failures` came before it in a row, the first of them at `failing_since`."""
    if attempt.succeeded:
        return Verdict.DELIVERED
    if attempt.status_code == _GONE:
        return Verdict.DISABLE
    tired = failing_since is not None and now - failing_since >= PAUSED_AFTER
    return Verdict.PAUSE if tired and failures + 1 >= FEWEST_TRIES else Verdict.AGAIN


def back_off(failures: int, *, chance: float, retry_after: float | None = None) -> timedelta:
    """How long to wait after this many failures in a row: five seconds, doubling to an hour, half of it by chance; not
    less than the receiver asked for, up to an hour."""
    wait = jittered(doubled(_FIRST_WAIT, _LONGEST_WAIT, failures - 1), chance)
    asked = min(timedelta(seconds=min(retry_after or 0, 86400)), _LONGEST_WAIT)
    return max(wait, asked)
