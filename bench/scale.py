"""How much of each bench is run: all of it, a quick look, or just enough to see that it works. Pure.

The one rule: the scale changes how long and how often is measured, never what.
"""

from dataclasses import dataclass
from typing import Final

from bench.measure import ROUNDS


@dataclass(frozen=True, slots=True)
class SyncScale:
    """How much is synced."""

    events: int
    """Of the calendar that is listed whole."""
    few: int
    """Of the calendar whose listing takes as much memory."""
    together: int
    """Of each of those that are listed at the same time."""
    plain: int
    """Read by the other library: of the first calendar, for it takes its time."""
    followed: int
    """Calendars with changes to come."""
    seconds: float
    """About how long all rounds of listing one provider's calendars may take, and at most any one of them."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How long and how often."""

    pure_rounds: int
    """Rounds of what needs no server."""
    warming: int
    """Requests to each server before anything counts."""
    rounds: int
    """Rounds of what is asked over HTTP."""
    seconds: float
    """How long one sample of a rate takes."""
    clients: tuple[int, ...]
    """How many ask at once."""
    hosts: int
    """Whose time is booked, when everybody books another slot."""
    racers: tuple[int, ...]
    """How many want the same slot."""
    races: int
    sync: SyncScale


_POOL = 20  # the service's database connections; each plans a statement anew five times before it keeps the plan

FULL: Final = Scale(
    pure_rounds=ROUNDS,
    warming=15 * _POOL,
    rounds=5,
    seconds=1.2,
    clients=(1, 16, 64),
    hosts=32,
    racers=(64, 200),
    races=10,
    sync=SyncScale(events=50_000, few=10_000, together=2_500, plain=4_000, followed=64, seconds=45),
)
QUICK: Final = Scale(
    pure_rounds=3,
    warming=3 * _POOL,
    rounds=3,
    seconds=0.25,
    clients=(1, 16, 64),
    hosts=8,
    racers=(64, 200),
    races=2,
    sync=SyncScale(events=2_000, few=400, together=300, plain=600, followed=16, seconds=8),
)
