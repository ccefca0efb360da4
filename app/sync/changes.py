"""What a run has found changed, written down for the features that follow it: bookings, meetings, tasks.

The one rule: a change commits with the mirror that shows it, and stays until it was followed; the job is only a hint.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import Event
from app.models.connections import Calendar
from app.queue import Enqueued, Job
from app.sync.people import AddressBook, addresses_of

_NOTE = """
SELECT $1, $2, u.event_id, u.series_id, u.topic, $3
  FROM unnest($4::text[], $5::text[], $6::text[]) AS u(event_id, series_id, topic)
 ORDER BY u.event_id
"""
_NOTE_DIFFERING = """
SELECT w.account_id, w.calendar_id, w.event_id, NULL, split_part(w.key, ':', 1), $3::timestamptz
  FROM calendar_writes w
  LEFT JOIN mirror_events m ON m.account_id = w.account_id AND m.calendar_id = w.calendar_id AND m.event_id = w.event_id
 WHERE w.account_id = $1 AND w.calendar_id = ANY ($2::uuid[]) AND w.event_id IS NOT NULL
   AND (w.draft IS NOT NULL OR m.event_id IS NOT NULL) AND (m.event_id IS NULL OR m.etag IS DISTINCT FROM w.etag)
   AND (w.written_seq = w.desired_seq OR w.status = 'failed')
   AND greatest(w.ends_at, m.ends_at, m.end_date + 1)
       > CASE WHEN w.task_id IS NULL THEN $3 ELSE $3 - interval '30 days' END
 ORDER BY w.calendar_id, w.event_id
"""
"""What a write of ours is still to change is left out: it looks for itself. What is over is left out as well, unless it
was moved to a time that is not: a civil day may end up to a day after UTC's. Tasks count for as far back as any listing
goes: older ones stand in no mirror. Rows come in order, wherever several are noted: two who note wait for each other.
"""
_WAITING = """
SELECT topic, count(*) FROM calendar_changes
 WHERE account_id = $1 AND calendar_id = $2 AND (not_before IS NULL OR not_before <= $3)
 GROUP BY topic
"""
_REMEMBER_PEOPLE = """
WITH named AS (
    SELECT u.event_id, u.address_hash FROM unnest($4::text[], $5::bytea[]) AS u(event_id, address_hash)
), gone AS (
    DELETE FROM mirror_addresses a
     WHERE a.account_id = $1 AND a.calendar_id = $2 AND a.event_id = ANY ($3::text[])
       AND NOT EXISTS (SELECT FROM named n WHERE n.event_id = a.event_id AND n.address_hash = a.address_hash)
)
INSERT INTO mirror_addresses (account_id, calendar_id, event_id, address_hash)
SELECT $1, $2, event_id, address_hash FROM named
ON CONFLICT DO NOTHING
"""


def noting(found: str, *, changed: bool) -> str:
    """The statement that notes what a query has found: account, calendar, event, series, topic and when, in that order.
    It answers the calendars and topics.

    `changed`: it is not as it was, and what was tried in vain may go well now. Else it is only looked at again, at
    once; what has failed so far still counts, so that what never goes well is tried more and more rarely.
    """
    anew = ", topic = excluded.topic, attempts = 0" if changed else ""
    return f"""
INSERT INTO calendar_changes (account_id, calendar_id, event_id, series_id, topic, changed_at)
{found}
ON CONFLICT (account_id, calendar_id, event_id) DO UPDATE SET seq = calendar_changes.seq + 1, not_before = NULL{anew}
RETURNING calendar_id, topic
"""


_NOTE_CHANGED, _NOTE_AGAIN = noting(_NOTE, changed=True), noting(_NOTE_DIFFERING, changed=False)


class Topic(StrEnum):
    """Whose affair a change is."""

    BOOKING = "booking"
    MEETING = "meeting"
    TASK = "task"


Follow = Callable[[UUID, UUID], Awaitable[None]]
"""Follows what waits of a topic in an account's calendar."""

HERE: Final = 20
"""So many changes the run that found them has followed itself; more are a job of their own, and the sync goes on."""
_FOLLOWED_BY: Final = {
    Topic.BOOKING: Job.FOLLOW_BOOKINGS,
    Topic.MEETING: Job.FOLLOW_MEETINGS,
    Topic.TASK: Job.FOLLOW_TASKS,
}


@dataclass(frozen=True, slots=True)
class Known:
    """An event as the mirror had it."""

    event_id: str
    etag: str | None
    key: str | None
    series_id: str | None = None


def topic_of(key: str | None) -> Topic:
    """By the key of an event of ours; every other event may be a meeting."""
    prefix = "" if key is None else key.partition(":")[0]
    return Topic(prefix) if prefix in set(Topic) else Topic.MEETING


def jobs_for(account_id: UUID, calendar_id: UUID, topics: Collection[Topic]) -> list[Enqueued]:
    """Who is to follow."""
    return [Enqueued(_FOLLOWED_BY[topic], account_id, calendar_id) for topic in sorted(topics)]


async def note_one(session: AsyncSession, calendar: Calendar, event: Event, *, now: datetime) -> Enqueued:
    """An event of ours is to be read again; who is to follow. The last that a transaction does: see following.py."""
    where, topic = (calendar.account_id, calendar.id), topic_of(event.key)
    return await note_events(session, *where, {event.id: event.series_id}, topic, now=now)


async def note_events(
    session: AsyncSession,
    account_id: UUID,
    calendar_id: UUID,
    events: Mapping[str, str | None],
    topic: Topic,
    *,
    now: datetime,
) -> Enqueued:
    """The same for several events, each with the id of its series, if it is of one."""
    connection, some = await session.connection(), sorted(events.items())
    ids, series = [event_id for event_id, _ in some], [series_id for _, series_id in some]
    await connection.exec_driver_sql(
        _NOTE_CHANGED, (account_id, calendar_id, now, ids, series, [topic.value] * len(some))
    )
    [job] = jobs_for(account_id, calendar_id, [topic])
    return job


async def note_differing(session: AsyncSession, calendars: Sequence[Calendar], *, now: datetime) -> list[Enqueued]:
    """Our events in these calendars that stand otherwise than we wrote them, or are gone: what was done while nobody
    looked is no change between two looks. Who is to follow.
    """
    if not calendars:
        return []
    account_id, connection = calendars[0].account_id, await session.connection()
    wanted = account_id, [calendar.id for calendar in calendars], now
    rows = (await connection.exec_driver_sql(_NOTE_AGAIN, wanted)).all()
    found = sorted({(row.calendar_id, Topic(row.topic)) for row in rows})
    return [job for calendar_id, topic in found for job in jobs_for(account_id, calendar_id, [topic])]


def differing(
    before: Mapping[str, Known], after: Sequence[Event], *, people: Mapping[str, Collection[str]], primary: bool
) -> dict[str, Topic]:
    """The events somebody may have to follow, and who; `people` who takes part, by event.

    Of a calendar that is not the primary, ours alone. One of ours that was made a series stands for what it is the
    event of, and is named with its dates.
    """
    found = {}
    for event in after:
        known = before.get(event.id)
        if known is not None and known.etag is not None and (known.etag, known.key) == (event.etag, event.key):
            continue
        if event.key is not None or (primary and (known is not None or people[event.id])):
            found[event.id] = topic_of(event.key)
            if event.key is not None and event.series_id is not None:
                found[event.series_id] = topic_of(event.key)
    still = {event.id for event in after}
    for known in before.values():
        if known.event_id not in still and (primary or known.key is not None):
            found[known.event_id] = topic_of(known.key)
            if known.key is not None and known.series_id is not None:
                found[known.series_id] = topic_of(known.key)
    return found


class ChangeLog:
    """Notes what one run finds in one calendar, inside the caller's transaction."""

    def __init__(
        self, session: AsyncSession, calendar: Calendar, people: AddressBook, *, own: Collection[str], now: datetime
    ) -> None:
        """`own` are the addresses of the calendar's person, normalised."""
        self._own = own
        self._session = session
        self._calendar = calendar
        self._people = people
        self._now = now
        self._topics: set[Topic] = set()

    def jobs(self) -> list[Enqueued]:
        """Who is to follow what was noted."""
        return jobs_for(self._calendar.account_id, self._calendar.id, self._topics)

    async def hand_over(self) -> tuple[list[Topic], list[Enqueued]]:
        """Who is to follow at once, or by which jobs.

        Where a job follows much already, nothing is asked for that nobody noted.
        """
        waiting = {Topic(topic): count for topic, count in await self._tell(_WAITING, self._now)}
        if sum(waiting.values()) <= HERE:
            return sorted(waiting), []
        topics = waiting.keys() if self._topics else ()
        return [], jobs_for(self._calendar.account_id, self._calendar.id, topics)

    async def note(self, before: Mapping[str, Known], after: Sequence[Event]) -> None:
        """These events stood there before, and those stand there now."""
        primary = self._calendar.is_primary
        people = {event.id: addresses_of(event, self._own) for event in after}
        if primary:
            await self._remember_people(before, after, people)
        changed = differing(before, after, people=people, primary=primary)
        if changed:
            topics = [topic.value for topic in changed.values()]
            series = {known.event_id: known.series_id for known in before.values()}
            series |= {event.id: event.series_id for event in after}
            series_ids = [series.get(event_id) for event_id in changed]
            await self._tell(_NOTE_CHANGED, self._now, list(changed), series_ids, topics)
            self._topics.update(changed.values())

    async def _remember_people(
        self, before: Mapping[str, Known], after: Sequence[Event], people: Mapping[str, Collection[str]]
    ) -> None:
        """Those of our own events are known to whatever they are the event of."""
        known = [event.id for event in after if event.id in before]
        named = [(event.id, address) for event in after if event.key is None for address in people[event.id]]
        if not (known or named):
            return
        hashes = await self._hashed({address for _, address in named})
        ids, people_hashes = [event_id for event_id, _ in named], [hashes[address] for _, address in named]
        await self._tell(_REMEMBER_PEOPLE, known, ids, people_hashes)

    async def _hashed(self, addresses: Collection[str]) -> dict[str, bytes]:
        if not addresses:
            return {}
        hasher = await self._people.hasher(self._session, self._calendar.account_id)
        return {address: hasher.hash(address) for address in addresses}

    async def _tell(self, statement: str, *values: object) -> Sequence[Any]:
        connection = await self._session.connection()
        result = await connection.exec_driver_sql(statement, (self._calendar.account_id, self._calendar.id, *values))
        return result.all() if result.returns_rows else ()
