"""One run of a sync: what it knows, and what its end means for its calendar.

The one rule: a run that succeeds accounts for the `dirty_seq` it had read before it fetched, and for no more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, null
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import AccessRole, Timed
from app.connections.eligibility import InactiveReason, is_reduced
from app.connections.news import tell_of_calendar
from app.models.connections import Calendar, CalendarSync, Connection
from app.providers.base import CalendarSession
from app.queue import Enqueued, Job, enqueue
from app.sync.batch import Batch
from app.sync.changes import Topic
from app.sync.pace import Kin
from app.sync.polling import doubts_watch


@dataclass(slots=True, kw_only=True)
class Run:
    """What one run knows."""

    calendar: Calendar
    connection: Connection
    """As it was when the run began."""
    session: CalendarSession
    fence: int
    generation: int
    dirty_seq: int
    cursor: bytes | None
    horizon: Timed
    expand_all: bool
    batch: Batch
    full: bool
    """Everything is listed, so what is not listed is gone."""
    kin: Kin
    told: bool
    """Somebody said that there is something to read; else it is a poll."""
    first: bool
    """It has never succeeded."""
    own: Collection[str]
    """The addresses of the calendar's person."""
    held_at: datetime
    """When its lease was last prolonged."""
    listed_at: datetime | None
    """When the connection's calendars were last listed by the clock."""
    last_error: str | None
    failing_since: datetime | None
    """When it began to fail in that very way."""
    failures: int
    """In a row, whatever they were."""
    whole: bool = False
    """It was to read changes, and the provider tells none of this calendar: everything is listed each time."""
    changed: bool = False
    """Something was told; of a full listing, which names all there is: something is not as it stood."""


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended."""

    again: bool = False
    """There is more to read already."""
    topics: Collection[Topic] = ()
    """Who is to follow at once; of more than can be followed at once a job was asked for."""


def was_told(sync: CalendarSync) -> bool:
    """Whether something was said of the calendar that no run has read yet."""
    return sync.dirty_seq != sync.synced_seq or sync.last_succeeded_at is None


def succeeded(run: Run, now: datetime) -> dict[str, object]:
    """What a good end says of the calendar's sync."""
    values: dict[str, object] = {
        "state": "idle",
        "cursor": run.cursor,
        "synced_seq": run.dirty_seq,
        "lease_until": None,
        "last_error": None,
        "failures": 0,
        "failing_since": None,
        "not_before": None,
        "last_succeeded_at": now,
        "expanded_until": run.horizon.end,
    }
    if run.changed:
        values["changed_at"] = now
    if not run.full and doubts_watch(changed=run.changed, told=run.told):
        # Until a push arrives again; one that came during the run has already.
        quiet = CalendarSync.dirty_seq == run.dirty_seq
        values["watched_until"] = case((quiet, null()), else_=CalendarSync.watched_until)
    return values


async def readable_again(session: AsyncSession, run: Run, now: datetime) -> list[Enqueued]:
    """The calendar can be read, for the first time or again: what waited for it goes on.

    One that was inactive stays so while it shows its times and nothing else: that these can be listed is too little.
    """
    inactive = run.calendar.inactive_reason is not None
    if not (run.first or inactive):
        return []
    calendar = await session.merge(run.calendar, load=False)
    reduced = inactive and is_reduced(AccessRole(calendar.role), primary=calendar.is_primary)
    calendar.inactive_reason = InactiveReason.PERMISSION_REDUCED if reduced else None
    back = inactive and not reduced
    told = [tell_of_calendar(session, calendar, now=now)] if back and calendar.checked else []
    ready = [Enqueued(Job.CONNECTION_READY, calendar.account_id, calendar.connection_id)] if run.first or back else []
    return [*told, *ready]


async def declare_inactive(session: AsyncSession, calendar: Calendar, reason: InactiveReason, *, now: datetime) -> None:
    """The calendar cannot be read; the CRM is told when that is news, and of a calendar that keeps times free."""
    news, calendar.inactive_reason = calendar.inactive_reason is None, reason
    if news and calendar.checked:
        told = tell_of_calendar(session, calendar, now=now)
        await enqueue(session, [told])
