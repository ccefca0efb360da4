"""How often a calendar is asked when nobody tells us. Pure.

The one rule: pushes are hints; behind each stands a poll that loses nothing but minutes when none arrives.
"""

from datetime import datetime, timedelta

_WATCHED = timedelta(minutes=4)
"""Behind a watch: what a lost push costs at most."""
_LIVELY = timedelta(minutes=10)
_QUIET = timedelta(hours=6)


def next_poll(
    base: timedelta, *, now: datetime, watched_until: datetime | None, changed_at: datetime | None
) -> timedelta:
    """How long to wait: half the base after a change, twice the base after hours without one."""
    if watched_until is not None and watched_until > now:
        return max(base, _WATCHED)
    if changed_at is None or now - changed_at > _QUIET:
        return base * 2
    return base / 2 if now - changed_at < _LIVELY else base
