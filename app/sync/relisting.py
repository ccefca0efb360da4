"""Asking a provider once a day which calendars a connection has, and in which zone they are now.

The one rule: the sync of the primary calendar asks, so that connections are spread over the day. One that loses its
calendar asks at once: the calendar may have got another id, which only a listing tells.
"""

import random
from datetime import datetime, timedelta
from typing import Final

from app.models.connections import Calendar, CalendarSync
from app.providers.base import CalendarGone, PermissionDenied, ProviderError
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
    return {"listed_at": now}, [_listing(calendar)]


def listing_after(error: ProviderError, sync: CalendarSync, calendar: Calendar, *, now: datetime) -> list[Enqueued]:
    """The job, where the failure is that a primary calendar is lost; remembered in its row, which failed just now."""
    if not (calendar.is_primary and isinstance(error, CalendarGone | PermissionDenied)):
        return []
    if sync.failing_since != now and sync.listed_at is not None and now - sync.listed_at < EVERY:
        return []
    sync.listed_at = now
    return [_listing(calendar)]


def _listing(calendar: Calendar) -> Enqueued:
    return Enqueued(Job.REFRESH_CALENDARS, calendar.account_id, calendar.connection_id, once=True)
