"""What people do to their tasks' events comes back to the tasks (R22, R23).

    moved, longer, shorter, renamed   the task follows
    deleted                           the task stays; its event is not put back before the task is changed
    written, or given up              the task shows it; a deleted task is now gone
    while their sync is off           nothing; when it is on again, what was done meanwhile is followed

The one rule: an event never completes, deletes or makes a task.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock, Event, Timed
from app.calendar_writes.observing import observe, observe_gone
from app.calendar_writes.service import Owner, draft_from_json, find_write
from app.connections.overview import Overview
from app.crm import task_repository
from app.crm.placement import placement_of
from app.crm.task_event import taken_over, task_draft
from app.crm.task_placing import TaskPlacer
from app.crm.task_views import tell_of_task
from app.database import transaction
from app.events.types import EventType
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar
from app.models.crm import Task
from app.providers.base import CalendarSession
from app.queue import Enqueued, enqueue
from app.sync.changes import Topic
from app.sync.following import FollowedCalendar, Follower, PostponedError
from app.sync.rereading import Seen

_DIFFERING = """
SELECT u.event_id
  FROM unnest($1::text[]) AS u(event_id)
  LEFT JOIN mirror_events m ON m.account_id = $2 AND m.calendar_id = $3 AND m.event_id = u.event_id
 WHERE EXISTS (
       SELECT FROM calendar_writes w
        WHERE w.account_id = $2 AND w.calendar_id = $3 AND w.task_id IS NOT NULL AND w.event_id = u.event_id
          AND (m.event_id IS NULL OR m.etag IS DISTINCT FROM w.etag))
"""


class TaskFollower:
    """Runs `follow_tasks`."""

    def __init__(self, follower: Follower, overview: Overview, clock: Clock) -> None:
        self._follower = follower
        self._overview = overview
        self._clock = clock

    async def run(self, account_id: UUID, calendar_id: UUID) -> None:
        """Follow what waits in the calendar."""
        await self._follower.run(account_id, calendar_id, Topic.TASK, self)

    async def pick(self, session: AsyncSession, place: FollowedCalendar, event_ids: Sequence[str]) -> set[str]:
        """Events of tasks that stand otherwise than we wrote them; copies of them are nothing to us.

        None while the sync of tasks is off, or not to be had (R22, R55).
        """
        if (await placement_of(session, self._overview, place.connection.user_id)).reason is not None:
            return set()
        connection, calendar = await session.connection(), place.calendar
        rows = await connection.exec_driver_sql(_DIFFERING, (list(event_ids), calendar.account_id, calendar.id))
        return set(rows.scalars())

    async def look_further(self, at_provider: CalendarSession, place: FollowedCalendar, seen: Seen) -> Seen:  # noqa: ARG002 - the protocol's
        """It has all that is needed."""
        return seen

    async def apply(self, session: AsyncSession, place: FollowedCalendar, seen: Seen) -> list[Enqueued]:
        """Have the task follow. Raises: PostponedError."""
        calendar, event = place.calendar, seen.event
        task_id = await session.scalar(
            select(CalendarWrite.task_id).where(
                CalendarWrite.calendar_id == calendar.id, CalendarWrite.event_id == seen.event_id
            )
        )
        task = None if task_id is None else await task_repository.find_task(session, task_id, lock=True)
        write = None if task is None else await find_write(session, Owner("task", task.id), lock=True)
        if task is None or write is None or task.deleted_at is not None:
            return []
        if (
            write.under_way
            or seen.is_before(write.id, (write.fence, write.written_seq))
            or _is_ahead(task, write, calendar)
        ):
            raise PostponedError
        changed = _unplace(task, write) if event is None else _take_over(task, write, event, calendar)
        if not changed:
            return []
        task.version += 1
        task.updated_at = self._clock()
        return [tell_of_task(session, EventType.TASK_UPDATED, task)]


class TaskRecorder:
    """What `record_write` does for tasks."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], placer: TaskPlacer) -> None:
        self._sessions = sessions
        self._placer = placer

    async def run(self, account_id: UUID, write_id: UUID) -> None:
        """A deleted task goes when its event is gone; a calendar that is gone is made anew."""
        async with transaction(self._sessions, account_id) as session:
            write = await session.scalar(select(CalendarWrite).where(CalendarWrite.id == write_id))
            if write is None or write.task_id is None:
                return
            task = await task_repository.find_task(session, write.task_id, lock=True)
            if task is not None and task.deleted_at is not None and _is_gone(write):
                await session.delete(task)
                return
            jobs = await self._placer.heal(session, write)
            await enqueue(session, jobs)


def _is_gone(write: CalendarWrite) -> bool:
    """And nothing that was sent may still land."""
    ended = write.written_seq == write.desired_seq or write.status == "failed"
    return write.draft is None and ended and write.look_again_at is None


def _is_ahead(task: Task, write: CalendarWrite, calendar: Calendar) -> bool:
    """Whether the task was changed and its event has not been asked to follow: the event has the older word."""
    wanted = task_draft(task, calendar.time_zone)
    if wanted is None or write.draft is None:
        return False
    asked = draft_from_json(write.draft)
    said = (wanted.title, wanted.when.start, wanted.when.end)
    return said != (asked.title, asked.when.start, asked.when.end)


def _unplace(task: Task, write: CalendarWrite) -> bool:
    observe_gone(write)
    changed, task.unplaced = not task.unplaced, True
    return changed


def _take_over(task: Task, write: CalendarWrite, event: Event, calendar: Calendar) -> bool:
    changed = taken_over(task, event, calendar.time_zone) or task.unplaced
    task.unplaced = False  # its person may have brought it back
    span = (event.when.start, event.when.end) if isinstance(event.when, Timed) else None
    observe(write, event.id, event.etag, span=span, draft=task_draft(task, calendar.time_zone))
    return changed
