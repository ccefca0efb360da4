"""An hour of errors on a virtual clock: how long after it everybody's next try is. Pure, but for the seed.

The one rule: the waits are the service's own, from the very functions that decide them; only time is played.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from app.calendar_writes import patience
from app.providers.base import AmbiguousOutcome, ProviderError, Transient
from app.sync import backoff
from prove.lines import Line
from prove.plan import Plan

SHARE: Final = 0.3
HOUR: Final = timedelta(hours=1)
WITHIN: Final = timedelta(minutes=5)
_PLAYERS: Final = 500
_BETWEEN: Final = timedelta(seconds=60)
_CALLS: Final = 2
"""That one try consists of: the page and a series of it; the look by key and the write."""
_TRY: Final = timedelta(seconds=1)
_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)

Wait = Callable[[ProviderError, int, datetime, datetime, float], timedelta]
"""After this error, the so-manieth in a row since then, now."""


def hour(plan: Plan) -> Iterator[Line]:
    """What waits of calendars and of writes when the errors end."""
    policies: dict[str, tuple[Wait, ProviderError]] = {
        "calendars": (_sync_wait, Transient(operation="sync_page")),
        "writes": (_write_wait, AmbiguousOutcome(operation="create_event")),
    }
    for name, (wait, error) in policies.items():
        chance = plan.chance(f"hour of {name}")
        left = sorted(_left(wait, error, chance) for _ in range(_PLAYERS))
        late = sum(each > WITHIN for each in left)
        figures = {
            "players": _PLAYERS,
            "p50_seconds": round(left[len(left) // 2].total_seconds(), 1),
            "p99_seconds": round(left[len(left) * 99 // 100].total_seconds(), 1),
            "longest_seconds": round(left[-1].total_seconds(), 1),
            "later_than_five_minutes": late,
        }
        yield Line("faults", f"an hour of errors, virtual: {name} are tried within five minutes", not late, figures)


def _left(wait: Wait, error: ProviderError, chance: random.Random) -> timedelta:
    """How long after the hour the first try is that comes behind it."""
    now = _BEGAN + _BETWEEN * chance.random()
    failures, since = 0, now
    while now < _BEGAN + HOUR:
        if all(chance.random() >= SHARE for _ in range(_CALLS)):
            failures, now = 0, now + _BETWEEN
        else:
            since = since if failures else now
            failures += 1
            now += _TRY + wait(error, failures, since, now, chance.random())
    return now - _BEGAN - HOUR


def _sync_wait(error: ProviderError, failures: int, since: datetime, now: datetime, draw: float) -> timedelta:
    wait = backoff.verdict(error, failures=failures, failing_since=since, now=now, chance=draw).wait
    assert wait is not None, "what passes is tried again"
    return wait


def _write_wait(error: ProviderError, failures: int, since: datetime, now: datetime, draw: float) -> timedelta:
    decided = patience.verdict(
        error, attempts=failures, failing_since=since, ends_at=now + timedelta(days=3), now=now, chance=draw
    )
    assert decided.wait is not None, "what passes is tried again"
    return decided.wait
