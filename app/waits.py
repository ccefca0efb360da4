"""How long to wait before trying again. Pure.

The one rule: every wait that grows, grows here, up to a longest one: it doubles with each try, or is as long as it has
failed by then. Where many fail together, half of it is left to chance, so that they do not come back together ("equal
jitter"); what comes back through a queue of its own is taken one by one.
"""

import email.utils
from datetime import UTC, datetime, timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 30


def doubled(first: timedelta, longest: timedelta, times: int) -> timedelta:
    """The first wait, doubled so many times; not beyond the longest."""
    wait: timedelta = first * 2 ** min(max(times, 0), _MOST_DOUBLINGS)
    return min(wait, longest)


def as_long_again(failing: timedelta, first: timedelta, longest: timedelta) -> timedelta:
    """As long as it has been failing: that doubles, too, however often it was tried; from the first to the longest."""
    return min(max(first, failing), longest)


def jittered(wait: timedelta, chance: float) -> timedelta:
    """Between half of the wait and all of it; `chance` is drawn from 0 to 1."""
    return wait * (0.5 + chance / 2)


def asked_for(retry_after: str, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, in either of its forms (RFC 9110, 10.2.3); None: it says nothing."""
    value = retry_after.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # no date, or a year that no clock shows
        return None
    if until.tzinfo is None:  # "-0000": UTC whose place is not told
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
