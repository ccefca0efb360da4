"""Bodies of tasks.

The one rule: requests forbid what they do not know; answers carry every field, null for nothing.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.accounts.schemas import Answer, Strict
from app.ids import ContactId, TaskId, UserId
from app.scheduling.configuration import Line, Text
from app.written_times import Instant

Minutes = Annotated[int, Field(ge=5, le=1440, examples=[30])]
TaskStatus = Literal["not_started", "in_progress", "completed"]


class TaskCreate(Strict):
    """Something to do."""

    title: Line = Field(examples=["Call back"])
    """What is to be done."""
    due_at: Instant
    """When it is due, with its offset."""
    duration_minutes: Minutes | None = None
    """How long its event in the calendar is, in minutes; absent: 30."""
    notes: Text | None = Field(default=None, examples=["Ask for the contract."])
    """What else there is to know."""
    contact_id: ContactId | None = None
    """Whom it is about."""
    status: TaskStatus | None = None
    """How far it is; absent: `not_started`."""


class TaskUpdate(Strict):
    """What to change; what is absent stays, null clears: back to how it is at first."""

    title: Line | None = Field(default=None, examples=["Call back"])
    """What is to be done; it cannot be cleared."""
    due_at: Instant | None = None
    """When it is due; it cannot be cleared."""
    duration_minutes: Minutes | None = None
    """How long its event in the calendar is, in minutes."""
    notes: Text | None = Field(default=None, examples=["Ask for the contract."])
    """What else there is to know."""
    contact_id: ContactId | None = None
    """Whom it is about."""
    status: TaskStatus | None = None
    """How far it is."""


class TaskEvent(Answer):
    """The task's event in the calendar that was made for tasks."""

    status: Literal["pending", "written", "failed", "not_applicable"]
    """What stands there; `not_applicable`: nothing."""
    reason: str | None = Field(examples=["task_sync_off"])
    """Why it is not kept in step: `task_sync_off`, `calendar_sync_off`, `no_connection`, `seat_required`,
    `provider_unsupported`, `scope_not_granted`, `reauthorization_required`, `removed_in_calendar`, or what failed;
    null: it is.
    """


class Task(Answer):
    """Something to do."""

    id: TaskId
    """The task."""
    owner_id: UserId
    """Whose it is."""
    contact_id: ContactId | None
    """Whom it is about."""
    title: str = Field(examples=["Call back"])
    """What is to be done."""
    notes: str | None = Field(examples=["Ask for the contract."])
    """What else there is to know."""
    due_at: datetime
    """When it is due."""
    duration_minutes: int = Field(examples=[30])
    """How long its event in the calendar is, in minutes."""
    status: TaskStatus
    """How far it is."""
    completed_at: datetime | None
    """When it was done."""
    calendar_event: TaskEvent
    """Its event in the calendar that was made for tasks."""
    allowed_actions: list[str] = Field(examples=[["update", "delete"]])
    """What the caller can do with it."""
    version: int
    """Rises with every change; the `ETag`."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was last changed."""


class TaskList(Answer):
    """A part of the tasks."""

    items: list[Task]
    """The oldest first."""
    next_cursor: str | None
    """Where to go on; null at the end."""
