"""What is played: the push weather, quotas, troubles, how many workers. Pure.

The one rule: a scenario differs from the ordinary day in one thing, or it could not be said what made the difference.
"""

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from app.calendar import ProviderName
from app.sync.polling import BEHIND_WATCH
from bench.schedule.servers import Trouble

_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One play. Counts are for 100,000 calendars; fewer calendars have as much less of everything."""

    name: str
    minutes: float = 30.0
    measured_from: float = 5.0
    """Minutes; what changed before does not count, nor what changes in the last six."""
    pushes: float = 1.0
    """The share that arrives."""
    pushes_end: float | None = None
    """Minutes; from then on none arrives."""
    workers: int = 6
    google_per_minute: float = 20_000
    troubles: tuple[Trouble, ...] = ()
    down: tuple[float, float] | None = None
    """Minutes without any worker."""
    rush: float | None = None
    """Minutes; then all calendars of the largest account are due at once."""
    behind_watch: timedelta = BEHIND_WATCH
    doubting: bool = False
    """A poll that finds an untold change makes us poll that calendar as if it were not watched, until a push comes."""
    staleness_goal: float | None = None
    """Seconds, of the slowest hundredth."""
    fairness_goal: float | None = 1.25
    """The slowest hundredth of the smallest accounts ÷ the largest; None where a few late ones decide."""


_RELAXED: Final = timedelta(minutes=60)
_OUTAGE: Final = Trouble(ProviderName.GOOGLE, 8 * _MINUTE, 28 * _MINUTE)


def scenarios(sick_account: int) -> list[Scenario]:
    """Everything that is played; `sick_account` is the one whose own server hangs."""
    sick = Trouble(ProviderName.EXCHANGE, 6 * _MINUTE, math.inf, sick_account)
    relaxed = Scenario(
        "relaxed", behind_watch=_RELAXED, doubting=True, minutes=35, measured_from=10, fairness_goal=None
    )
    return [
        Scenario("delivered", staleness_goal=300),
        Scenario("half_dropped", pushes=0.5, staleness_goal=300),
        Scenario("dropped", pushes=0.0, staleness_goal=300),
        Scenario("outage", pushes=0.0, minutes=42, troubles=(_OUTAGE,)),
        Scenario("sick_account", pushes=0.0, troubles=(sick,), staleness_goal=300),
        Scenario("restart", pushes=0.0, minutes=32, down=(8, 18)),
        Scenario("rush", pushes=0.0, workers=5, rush=10),
        Scenario("few_workers", pushes=0.0, workers=3, minutes=25),
        Scenario("quota", google_per_minute=10_000),
        Scenario("quota_for_a_million", google_per_minute=1_000, minutes=40, measured_from=20, fairness_goal=None),
        relaxed,
        replace(relaxed, name="relaxed_then_dropped", minutes=75, pushes_end=5, measured_from=5),
    ]
