"""Tasks: made, changed, done, deleted; their events follow (R22).

The one rule: a task is the CRM's whatever becomes of its event. Where the two differ, what a person did last counts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.calendar_writes.service import Owner, find_write, writes_of
from app.connections.overview import Overview
from app.crm import repository, task_repository
from app.crm.placement import placement_of
from app.crm.task_placing import wish_as_it_is
from app.crm.task_schemas import Task as TaskAnswer
from app.crm.task_schemas import TaskCreate, TaskUpdate
from app.crm.task_views import task_view, tell_of_task
from app.errors import FieldError, NotFound, ValidationFailed, require_version
from app.events.repository import redact
from app.events.types import EventType
from app.ids import new_id
from app.models.crm import Task
from app.queue import Enqueued, Job, enqueue

_DEFAULTS: Final[dict[str, Any]] = {
    "duration_minutes": 30,
    "notes": None,
    "contact_id": None,
    "status": "not_started",
}


class Tasks:
    """What a user does with their tasks. Every method works in the caller's transaction."""

    def __init__(self, overview: Overview, clock: Clock) -> None:
        self._overview = overview
        self._clock = clock

    async def create(self, session: AsyncSession, principal: Principal, body: TaskCreate) -> TaskAnswer:
        """Make a task. Raises: ValidationFailed for a contact nobody knows."""
        await _check_contact(session, body.contact_id)
        now = self._clock()
        given = {name: value for name, value in _given(body).items() if value is not None}
        row = Task(
            account_id=principal.account_id,
            id=new_id(),
            owner_id=principal.user,
            unplaced=False,
            version=0,
            created_at=now,
            **(_DEFAULTS | given | {"due_at": body.due_at.astimezone(UTC)}),
        )
        row.completed_at = now if row.status == "completed" else None
        session.add(row)
        return await self._save(session, principal, row, EventType.TASK_CREATED, now=now)

    async def read(self, session: AsyncSession, principal: Principal, task_id: UUID) -> TaskAnswer:
        """One of the caller's tasks. Raises: NotFound."""
        [answer] = await self.show(session, principal, [await _own(session, principal, task_id)])
        return answer

    async def show(self, session: AsyncSession, principal: Principal, rows: Sequence[Task]) -> list[TaskAnswer]:
        """Tasks of the caller, with what became of their events."""
        placement = await placement_of(session, self._overview, principal.user)
        writes = await writes_of(session, [Owner("task", row.id) for row in rows])
        return [task_view(row, writes.get(row.id), placement) for row in rows]

    async def update(
        self, session: AsyncSession, principal: Principal, task_id: UUID, body: TaskUpdate, *, if_match: int | None
    ) -> TaskAnswer:
        """Change a task. Raises: NotFound, VersionMismatch, ValidationFailed."""
        given = _given(body)
        if cleared := [name for name in ("title", "due_at") if name in given and given[name] is None]:
            raise ValidationFailed(errors=[FieldError(f"/{name}", "not_allowed") for name in cleared])
        await _own(session, principal, task_id)
        await _check_contact(session, given.get("contact_id"))  # before the task, as who erases a contact locks them
        row = await _own(session, principal, task_id, lock=True)
        require_version(if_match, row.version)
        now, done, about = self._clock(), row.status == "completed", row.contact_id
        for name, value in given.items():
            setattr(row, name, _DEFAULTS[name] if value is None else value)
        row.due_at = row.due_at.astimezone(UTC)
        if (row.status == "completed") != done:
            row.completed_at = None if done else now
        row.unplaced = row.unplaced and row.status == "completed"
        if row.contact_id != about:
            await wish_as_it_is(session, row)  # whoever it was about may be erased, and is not found by it any more
        return await self._save(session, principal, row, EventType.TASK_UPDATED, now=now)

    async def delete(self, session: AsyncSession, principal: Principal, task_id: UUID, *, if_match: int | None) -> None:
        """The task is gone, with all it said; its event is taken away. Raises: NotFound, VersionMismatch."""
        row, now = await _own(session, principal, task_id, lock=True), self._clock()
        require_version(if_match, row.version)
        await redact(session, row.account_id, row.id)
        row.deleted_at, row.title, row.notes, row.contact_id = now, "", None, None
        row.version += 1
        row.updated_at = now
        await wish_as_it_is(session, row)
        jobs = [tell_of_task(session, EventType.TASK_DELETED, row)]
        add_audit_entry(session, row.account_id, actor=principal.actor, action="task.deleted", subject_id=row.id)
        if await find_write(session, Owner("task", row.id)) is None:
            await session.delete(row)
        else:
            jobs.append(Enqueued(Job.PLACE_TASK, row.account_id, row.id))
        await enqueue(session, jobs)

    async def _save(
        self, session: AsyncSession, principal: Principal, row: Task, event: EventType, *, now: datetime
    ) -> TaskAnswer:
        row.version += 1
        row.updated_at = now
        add_audit_entry(session, row.account_id, actor=principal.actor, action=event.value, subject_id=row.id)
        jobs = [tell_of_task(session, event, row), Enqueued(Job.PLACE_TASK, row.account_id, row.id)]
        await session.flush()
        [answer] = await self.show(session, principal, [row])
        await enqueue(session, jobs)
        return answer


def _given(body: TaskCreate | TaskUpdate) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.model_fields_set}


async def _own(session: AsyncSession, principal: Principal, task_id: UUID, *, lock: bool = False) -> Task:
    row = await task_repository.find_task(session, task_id, lock=lock)
    if row is None or row.owner_id != principal.user or row.deleted_at is not None:
        raise NotFound
    return row


async def _check_contact(session: AsyncSession, contact_id: UUID | None) -> None:
    if contact_id is not None and await repository.hold_contact(session, contact_id) is None:
        raise ValidationFailed(errors=[FieldError("/contact_id", "not_allowed")])
