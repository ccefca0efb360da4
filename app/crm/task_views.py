"""From rows to answers about tasks, and what the CRM is told of them. Pure.

The one rule: a task says whether its event is kept in step, and if not, why.
"""

from typing import Final

from app.crm import task_schemas as schemas
from app.crm.placement import Placement
from app.events.feed import add_event
from app.events.types import EventType
from app.insertion import Rows
from app.models.calendar_writes import CalendarWrite
from app.models.crm import Task
from app.queue import Enqueued

_NOT_TOLD: Final = {"allowed_actions", "calendar_event"}
_NOWHERE: Final = Placement(None, None, None)


def task_view(row: Task, write: CalendarWrite | None, placement: Placement) -> schemas.Task:
    """A task, as its owner sees it."""
    return schemas.Task.model_validate(
        {
            "id": row.id,
            "owner_id": row.owner_id,
            "contact_id": row.contact_id,
            "title": row.title,
            "notes": row.notes,
            "due_at": row.due_at,
            "duration_minutes": row.duration_minutes,
            "status": row.status,
            "completed_at": row.completed_at,
            "calendar_event": _event_state(row, write, placement),
            "allowed_actions": ["update", "delete"],
            "version": row.version,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def tell_of_task(rows: Rows, event: EventType, row: Task) -> Enqueued:
    """Something happened to a task; of one that was deleted only its id is told."""
    data = task_view(row, None, _NOWHERE).model_dump(mode="json", exclude=_NOT_TOLD)
    if event is EventType.TASK_DELETED:
        data = {"id": data["id"], "owner_id": data["owner_id"]}
    return add_event(rows, row.account_id, event, subject_id=row.id, data=data, now=row.updated_at)


def _event_state(row: Task, write: CalendarWrite | None, placement: Placement) -> schemas.TaskEvent:
    stands = write is not None and write.calendar_id is not None and write.draft is not None
    status = write.status if write is not None and stands else "not_applicable"
    reason = placement.reason
    if reason is not None and write is not None and status == "failed":
        status = "not_applicable" if write.event_id is None else "written"
    elif reason is None and row.unplaced:
        reason = "removed_in_calendar"
    elif reason is None and stands and write is not None:
        reason = write.last_error if write.status != "written" else placement.error
    elif reason is None and row.status != "completed":
        status, reason = ("failed", placement.error) if placement.error else ("pending", None)
    return schemas.TaskEvent.model_validate({"status": status, "reason": reason})
