"""What a failed write means: when it is tried again, when it is given up, and when the host is told. Pure.

The one rule: nothing is given up before the meeting is over. A refusal may be a passing one: the write is tried
again, only more slowly than after errors that pass by themselves.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.providers.base import (
    AmbiguousOutcome,
    AuthExpired,
    EditConflict,
    Misconfigured,
    ProtocolError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.sync.backoff import OwnFault
from app.waits import as_long_again, doubled, jittered

_PASSES = (
    Transient, RateLimited, QuotaExceeded, AmbiguousOutcome, ProtocolError, EditConflict, AuthExpired, Misconfigured,
    OwnFault,
)  # fmt: skip
"""What passes by itself, or once the operator has mended it for everybody: a client's secret, a certificate. A token
that is refused again and again is the sync's to judge, for the whole connection."""
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=4)
"""Within five minutes of an outage's end everything has been tried again."""
_FIRST_SLOW_WAIT = timedelta(minutes=10)
_LONGEST_SLOW_WAIT = timedelta(hours=6)
_TOLD_AFTER = timedelta(hours=1)
_QUOTA = timedelta(hours=1)
"""What an account may write in a day, or whom it may invite, comes back after hours: the sync waits as long."""
_OUTAGE = timedelta(days=1)
"""A provider that cannot be reached is waited for so long, even for the event of a meeting that is over."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a failure."""

    wait: timedelta | None
    """None: not by itself; it is given up, or waits for the person to heal the connection."""
    broken: bool = False
    """The connection itself is to be marked."""
    given_up: bool = False
    tell: bool = False
    """The host is to know, if they have not been told."""


def verdict(
    error: ProviderError,
    *,
    attempts: int,
    failing_since: datetime,
    ends_at: datetime,
    now: datetime,
    chance: float | None = None,
) -> Verdict:
    """The decision about a write for a meeting that ends at `ends_at`; `chance` in [0, 1) is for tests."""
    if isinstance(error, ReauthRequired):
        return Verdict(None, broken=True)
    failing, left = now - failing_since, ends_at - now
    passes = isinstance(error, _PASSES)
    if left <= timedelta() and (not passes or failing >= _OUTAGE):
        return Verdict(None, given_up=True, tell=True)
    asked_for = timedelta(seconds=error.retry_after or 0)
    draw = random.random() if chance is None else chance  # noqa: S311 - jitter
    if passes:
        wait = jittered(doubled(_FIRST_WAIT, _LONGEST_WAIT, attempts - 1), draw)
    else:  # the last try of what was refused is when the meeting ends
        wait = min(as_long_again(failing, _FIRST_SLOW_WAIT, _LONGEST_SLOW_WAIT), left)
    if isinstance(error, QuotaExceeded):
        wait = min(_QUOTA * (1 + draw / 4), max(left, _LONGEST_WAIT))
    return Verdict(max(wait, asked_for), tell=failing >= _TOLD_AFTER)
