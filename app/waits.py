"""How long to wait before trying again. Pure.

The one rule: every wait that grows, grows here: it doubles up to a longest one, and half of it is left to chance, so
that those who failed together do not come back together ("equal jitter").
"""

from datetime import timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 30


def doubled(first: timedelta, longest: timedelta, times: int) -> timedelta:
    """The first wait, doubled so many times; not beyond the longest."""
    wait: timedelta = first * 2 ** min(max(times, 0), _MOST_DOUBLINGS)
    return min(wait, longest)


def jittered(wait: timedelta, chance: float) -> timedelta:
    """Between half of the wait and all of it; `chance` is drawn from 0 to 1."""
    return wait * (0.5 + chance / 2)
