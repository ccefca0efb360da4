"""Following what changed: each changed event is read anew and handed to the feature it concerns.

    pick  [transaction]  the changes that matter, and how far our own writes of them are; the others are done
    read  [none open]    each event as it is now, at its provider
    apply [transaction]  one event's consequences, and last of all its change is done: both or neither

The one rule: a change that came again after its event was read is not done; the event is read once more. So is one that
we have written since: what was read may be what stood there before. Whoever has locked a change waits for nobody: a
sync holds its calendar when it notes one, and a writer waits for the sync.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.connections import calendar_repository
from app.connections.access import CalendarAccess
from app.database import transaction
from app.events.sequencer import Sequencer
from app.models.connections import Calendar, Connection
from app.models.mirror import CalendarChange
from app.providers.base import CalendarSession
from app.queue import Enqueued, enqueue
from app.sync.changes import Topic, jobs_for
from app.sync.rereading import Progress, Seen, read_all
from app.waits import doubled, jittered

_OUR_WRITES: Final = """
SELECT u.event_id, w.id, w.fence, w.written_seq
  FROM unnest($1::text[]) AS u(event_id)
  LEFT JOIN mirror_events m ON m.account_id = $2 AND m.calendar_id = $3 AND m.event_id = u.event_id
  JOIN calendar_writes w ON w.account_id = $2 AND w.calendar_id = $3 AND (w.event_id = u.event_id OR w.key = m.key)
"""
_AT_ONCE: Final = 50
_FIRST_WAIT: Final = timedelta(seconds=2)
_LONGEST_WAIT: Final = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FollowedCalendar:
    """Where events changed."""

    calendar: Calendar
    connection: Connection


class Feature(Protocol):
    """Who follows the changes of one topic."""

    async def pick(self, session: AsyncSession, place: FollowedCalendar, event_ids: Sequence[str]) -> set[str]:
        """Those that matter."""
        ...

    async def look_further(self, at_provider: CalendarSession, place: FollowedCalendar, seen: Seen) -> Seen:
        """What else its following depends on; no transaction is open."""
        ...

    async def apply(self, session: AsyncSession, place: FollowedCalendar, seen: Seen) -> list[Enqueued]:
        """Follow one event, as it is now; the jobs to ask for."""
        ...


class _OvertakenError(Exception):
    """Another has followed the change, or it has come again: then it is still there to be read."""


class PostponedError(Exception):
    """The change cannot be followed yet: something of ours is under way there."""


@dataclass(frozen=True, slots=True)
class _Round:
    """Some changes of one calendar."""

    place: FollowedCalendar
    at_provider: CalendarSession
    picked: list[Seen]
    more: bool
    """There may be others."""


class Follower:
    """Runs the `follow_…` jobs."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access: CalendarAccess,
        sequencer: Sequencer,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._sequencer = sequencer
        self._clock = clock

    async def run(self, account_id: UUID, calendar_id: UUID, topic: Topic, feature: Feature) -> None:
        """Follow everything that waits in the calendar and is due; once more for what has to wait."""
        waits: list[timedelta] = []
        more = True
        while more and (some := await self._pick(account_id, calendar_id, topic, feature)) is not None:
            more = some.more
            for seen in await self._read(some, feature):
                wait = await self._follow(some.place, feature, seen)
                waits += [] if wait is None else [wait]
        if waits:
            async with transaction(self._sessions, account_id) as session:
                [job] = jobs_for(account_id, calendar_id, [topic])
                await enqueue(session, [replace(job, delay=min(waits))])

    async def _pick(self, account_id: UUID, calendar_id: UUID, topic: Topic, feature: Feature) -> _Round | None:
        async with transaction(self._sessions, account_id) as session:
            found = await calendar_repository.find_calendar(session, calendar_id)
            if found is None or found[1].status != "active":
                return None  # what waits goes on waiting
            place = FollowedCalendar(*found)
            rows = await _due(session, calendar_id, topic, now=self._clock())
            if not rows:
                return None
            wanted = await feature.pick(session, place, [row.event_id for row in rows])
            await _done(session, calendar_id, [(row.event_id, row.seq) for row in rows if row.event_id not in wanted])
            written = await _written(session, place.calendar, wanted)
            picked = [
                Seen(row.event_id, row.seq, row.series_id, written=written.get(row.event_id, {}))
                for row in rows
                if row.event_id in wanted
            ]
            at_provider = await self._access.open_in(session, place.connection)
            return _Round(place, at_provider, picked, more=len(rows) == _AT_ONCE)

    async def _read(self, some: _Round, feature: Feature) -> list[Seen]:
        calendar_id = some.place.calendar.provider_calendar_id
        read = await read_all(some.at_provider, calendar_id, some.picked, now=self._clock())
        return [await feature.look_further(some.at_provider, some.place, seen) for seen in read]

    async def _follow(self, place: FollowedCalendar, feature: Feature, seen: Seen) -> timedelta | None:
        """Follow one change; how long to wait, when it has to be followed later."""
        calendar = place.calendar
        if seen.error is not None:
            log.warning("following.failed", calendar_id=str(calendar.id), error=seen.error.code)
            return await self._postpone(calendar, seen)
        try:
            async with transaction(self._sessions, calendar.account_id) as session:
                jobs = await feature.apply(session, place, seen)
                await session.flush()
                await _take_away(session, calendar.id, seen)
                await enqueue(session, await self._sequencer.number_here(session, jobs))
        except _OvertakenError:
            return None
        except (PostponedError, IntegrityError):  # the latter: another is at it; what it leaves is followed later
            return await self._postpone(calendar, seen)
        except Exception as error:
            # One change that nobody foresaw must not keep those behind it waiting.
            log.exception("following.broken", calendar_id=str(calendar.id), error=type(error).__name__)
            return await self._postpone(calendar, seen)
        return None

    async def _postpone(self, calendar: Calendar, seen: Seen) -> timedelta | None:
        """Later again, and later still; None: it has changed again, and is read anyway."""
        async with transaction(self._sessions, calendar.account_id) as session:
            row = await _lock(session, calendar.id, seen)
            if row is None:
                return None
            wait = jittered(doubled(_FIRST_WAIT, _LONGEST_WAIT, row.attempts), random.random())  # noqa: S311 - no secret
            if seen.error is not None:
                wait = max(wait, timedelta(seconds=seen.error.retry_after or 0))
            row.attempts += 1
            row.not_before = self._clock() + wait
            return wait


async def _written(
    session: AsyncSession, calendar: Calendar, event_ids: Collection[str]
) -> dict[str, dict[UUID, Progress]]:
    """How far our writes are, by event."""
    connection = await session.connection()
    rows = await connection.exec_driver_sql(_OUR_WRITES, (list(event_ids), calendar.account_id, calendar.id))
    found: dict[str, dict[UUID, Progress]] = {}
    for row in rows.mappings():
        found.setdefault(row["event_id"], {})[row["id"]] = (row["fence"], row["written_seq"])
    return found


async def _due(session: AsyncSession, calendar_id: UUID, topic: Topic, *, now: datetime) -> Sequence[CalendarChange]:
    query = (
        select(CalendarChange)
        .where(
            CalendarChange.calendar_id == calendar_id,
            CalendarChange.topic == topic,
            or_(CalendarChange.not_before.is_(None), CalendarChange.not_before <= now),
        )
        .order_by(CalendarChange.changed_at, CalendarChange.event_id)
        .limit(_AT_ONCE)
    )
    return (await session.scalars(query)).all()


async def _done(session: AsyncSession, calendar_id: UUID, read: list[tuple[str, int]]) -> None:
    """Forget changes that matter to nobody, as far as they were read."""
    if read:
        await session.execute(
            delete(CalendarChange)
            .where(
                CalendarChange.calendar_id == calendar_id, tuple_(CalendarChange.event_id, CalendarChange.seq).in_(read)
            )
            .execution_options(synchronize_session=False)
        )


async def _take_away(session: AsyncSession, calendar_id: UUID, seen: Seen) -> None:
    """The change is done. Raises: _OvertakenError."""
    taken = await session.scalar(
        delete(CalendarChange)
        .where(
            CalendarChange.calendar_id == calendar_id,
            CalendarChange.event_id == seen.event_id,
            CalendarChange.seq == seen.seq,
        )
        .returning(CalendarChange.seq)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise _OvertakenError


async def _lock(session: AsyncSession, calendar_id: UUID, seen: Seen) -> CalendarChange | None:
    """The change, ours until the commit, if it is still the one that was read."""
    return await session.scalar(
        select(CalendarChange)
        .where(
            CalendarChange.calendar_id == calendar_id,
            CalendarChange.event_id == seen.event_id,
            CalendarChange.seq == seen.seq,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
