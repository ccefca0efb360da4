"""Asking a provider once a day which calendars a connection has, and in which zone they are now.

The one rule: the sync of the primary calendar asks, so that connections are spread over the day.
"""

import random
from datetime import datetime, timedelta
from typing import Final

from app.queue import Enqueued, Job
from app.sync.run import Run

EVERY: Final = timedelta(days=1)


def next_listing(run: Run, now: datetime) -> tuple[dict[str, datetime], list[Enqueued]]:
    """What the calendar's sync is to remember of it, and the job when its time has come."""
    calendar, last = run.calendar, run.listed_at
    if not calendar.is_primary:
        return {}, []
    if last is None:  # one that is new was listed when it was connected; all others are spread over a day
        return {"listed_at": now if run.first else now - EVERY * random.random()}, []  # noqa: S311 - jitter
    if now - last < EVERY:
        return {}, []
    return {"listed_at": now}, [Enqueued(Job.REFRESH_CALENDARS, calendar.account_id, calendar.connection_id, once=True)]
