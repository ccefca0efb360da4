"""How often a calendar is polled. Pure.

The one rule: pushes are hints; a poll stands behind them, so that a push that never arrives costs only minutes.
"""

import random
from datetime import datetime, timedelta
from typing import Final

BEHIND_WATCH: Final = timedelta(minutes=4)
"""Behind a watch: what a lost push costs at most, jitter and run included, is five minutes."""
_LIVELY: Final = timedelta(minutes=10)
_QUIET: Final = timedelta(hours=6)
_JITTER: Final = 0.2


def next_poll(
    base: timedelta,
    *,
    now: datetime,
    watched_until: datetime | None,
    changed_at: datetime | None,
    behind_watch: timedelta = BEHIND_WATCH,
    whole: bool = False,
) -> timedelta:
    """How long to wait: half the base after a change, twice the base after hours without one.

    `whole`: no changes are told, so that each poll lists all there is; it is asked no more often than behind a watch.
    """
    if watched_until is not None and watched_until > now:
        return max(base, behind_watch, BEHIND_WATCH if whole else base)
    if whole:
        return max(base, BEHIND_WATCH)
    if changed_at is None or now - changed_at > _QUIET:
        return base * 2
    return base / 2 if now - changed_at < _LIVELY else base


def spread(pause: timedelta, *, chance: float | None = None) -> timedelta:
    """A fifth more or less: calendars that came together, as after an outage, part again. `chance` is for tests."""
    draw = random.random() if chance is None else chance  # noqa: S311 - spreads polls, no secret
    return pause * (1 - _JITTER + 2 * _JITTER * draw)


def doubts_watch(*, changed: bool, told: bool) -> bool:
    """Whether a poll behind a watch shows that pushes get lost: there was a change, and no signal had come.

    A push may merely be late. It is believed again as soon as it arrives, so the doubt costs a poll or two.
    """
    return changed and not told
