"""What a failed run means: for the calendar, and for when to look again. Pure.

The one rule: a policy returns a decision; the engine carries it out.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.connections.eligibility import InactiveReason
from app.providers.base import (
    AuthExpired,
    CalendarGone,
    PermissionDenied,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
    Unsupported,
)
from app.waits import doubled, jittered

_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(minutes=15)
_LONGEST_PASSING = timedelta(minutes=4)
"""For what passes by itself: within five minutes of its end everybody has been asked again, however long it lasted.
That they are not asked all at once is the pace's to see to."""
_QUOTA = timedelta(hours=1)
_CONFIRMED_AFTER = timedelta(hours=1)


class OwnFault(ProviderError):
    """Not the provider's fault but ours: nobody foresaw it, and the next release may mend it."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a failure."""

    state: str
    """backing_off failed paused"""
    wait: timedelta | None
    """None: no use in trying until the person heals the connection."""
    inactive_reason: InactiveReason | None = None
    """Set: the calendar cannot be read; R30's policy applies at once."""
    broken: bool = False
    """The connection itself is to be marked."""


def verdict(
    error: ProviderError, *, failures: int, failing_since: datetime | None, now: datetime, chance: float | None = None
) -> Verdict:
    """The decision. `failures` counts those in a row, this one included; `chance` in [0, 1) is for tests.

    `failing_since` is when it began to fail in this very way.
    """
    wait = _wait(error, failures, random.random() if chance is None else chance)  # noqa: S311 - jitter
    match error:
        case ReauthRequired():
            return Verdict("paused", None, broken=True)
        case AuthExpired() if is_sure(failing_since, now):  # every renewed token is refused as well
            return Verdict("paused", None, broken=True)
        case CalendarGone():
            return Verdict("failed", wait, _confirmed(InactiveReason.CALENDAR_DELETED, failing_since, now))
        case PermissionDenied():
            return Verdict("failed", wait, _confirmed(InactiveReason.PERMISSION_REDUCED, failing_since, now))
        case Unsupported():  # as when a mailbox has left the cloud
            return Verdict("failed", wait, InactiveReason.ACCESS_LOST)
        case _:
            return Verdict("backing_off", wait)


def _wait(error: ProviderError, failures: int, chance: float) -> timedelta:
    """Doubling, and never less than the provider asked for."""
    most = _LONGEST_PASSING if isinstance(error, Transient | RateLimited) else _LONGEST
    wait = jittered(doubled(_FIRST, most, failures - 1), chance)
    if isinstance(error, QuotaExceeded):
        wait = _QUOTA * (1 + chance / 4)
    if isinstance(error, RateLimited | QuotaExceeded) or error.retry_after is not None:
        wait = max(wait, timedelta(seconds=error.retry_after or 0))
    return wait


def _confirmed(reason: InactiveReason, failing_since: datetime | None, now: datetime) -> InactiveReason:
    """Access is lost at once; that the calendar is gone for good is believed after an hour of saying so."""
    return reason if is_sure(failing_since, now) else InactiveReason.ACCESS_LOST


def is_sure(failing_since: datetime | None, now: datetime) -> bool:
    """It has been said for an hour."""
    return failing_since is not None and now - failing_since >= _CONFIRMED_AFTER
