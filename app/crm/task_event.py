"""The event that a task is in the calendar made for tasks. Pure.

The one rule: it blocks no time and invites nobody. A task that is done says so in its title.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.calendar import AllDay, Event, EventDraft, Timed
from app.crm.snapshot import text_of
from app.models.crm import Task

DONE: Final = "✓ "


def task_key(task_id: UUID) -> str:
    """The idempotency key of the task's event."""
    return f"task:{task_id}"


def calendar_key(user_id: UUID) -> str:
    """The idempotency key of the calendar itself: the person's, so that it is found again after a disconnect."""
    return f"tasks:{user_id}"


def task_draft(task: Task, zone: str | None) -> EventDraft | None:
    """The task as an event; None: it has none."""
    if task.unplaced or task.deleted_at is not None:
        return None
    due = task.due_at.astimezone(UTC)
    return EventDraft(
        title=f"{DONE if task.status == 'completed' else ''}{task.title}",
        when=Timed(due, due + timedelta(minutes=task.duration_minutes), zone),
        description=task.notes or "",
        busy=False,
    )


def taken_over(task: Task, event: Event, zone: str) -> bool:
    """The task as its person has left its event; whether that is news.

    A move changes when it is due, a new length its length, a new title its title. Made all-day, it is due when that day
    begins in the calendar's `zone`.
    """
    before = (task.due_at, task.duration_minutes, task.title)
    if isinstance(event.when, AllDay):
        task.due_at = datetime.combine(event.when.start, time(), ZoneInfo(zone)).astimezone(UTC)
    else:
        task.due_at = event.when.start
        task.duration_minutes = max(1, int((event.when.end - event.when.start).total_seconds()) // 60)
    title = (text_of(event.title) or "").removeprefix(DONE).strip()
    task.title = title or task.title
    return before != (task.due_at, task.duration_minutes, task.title)
