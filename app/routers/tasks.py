"""What the caller has to do."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.crm import task_repository
from app.crm.task_schemas import Task, TaskCreate, TaskList, TaskStatus, TaskUpdate
from app.errors import NotFound
from app.ids import ContactId, TaskId, encode_id
from app.routers.dependencies import IfMatch, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

router = APIRouter(prefix="/v1/tasks", tags=["Tasks"])
OfStatus = Annotated[TaskStatus | SkipJsonSchema[None], Query(description="Only these.")]
OfContact = Annotated[ContactId | SkipJsonSchema[None], Query(description="Only those about this contact.")]


@router.get("", summary="List your tasks")
async def list_tasks(
    request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None, status: OfStatus = None, contact_id: OfContact = None,
) -> TaskList:  # fmt: skip
    """The caller's tasks, in the order they were made: not by when they are due."""
    cursors = Cursor(request)
    rows = await task_repository.list_tasks(
        session, caller.user, status=status, contact_id=contact_id, after=cursors.read(cursor), limit=limit + 1
    )
    views = await services.tasks.show(session, caller, rows[:limit])
    return TaskList(items=views, next_cursor=cursors.after(rows[limit - 1].id) if len(rows) > limit else None)


@router.post("", summary="Add a task", status_code=201)
async def create_task(body: TaskCreate, session: Session, caller: User, services: Services, response: Response) -> Task:
    """Have something to do. With task sync on it stands in a calendar of its own, never in the primary."""
    task = await services.tasks.create(session, caller, body)
    response.headers["Location"] = f"/v1/tasks/{encode_id('task', task.id)}"
    return _view(response, task)


@router.get("/{task_id}", summary="Read a task", responses=problems(NotFound))
async def get_task(task_id: TaskId, session: Session, caller: User, services: Services, response: Response) -> Task:
    """One of the caller's tasks."""
    return _view(response, await services.tasks.read(session, caller, task_id))


@router.patch("/{task_id}", summary="Change a task", responses=problems(NotFound))
async def update_task(
    task_id: TaskId, body: TaskUpdate, session: Session, caller: User, services: Services, if_match: IfMatch,
    response: Response,
) -> Task:  # fmt: skip
    """Change what is given; its event follows. An event its person has deleted comes back."""
    return _view(response, await services.tasks.update(session, caller, task_id, body, if_match=if_match))


@router.delete("/{task_id}", summary="Delete a task", status_code=204, responses=problems(NotFound))
async def delete_task(
    task_id: TaskId, session: Session, caller: User, services: Services, if_match: IfMatch
) -> Response:
    """The task is gone, and its event is taken away."""
    await services.tasks.delete(session, caller, task_id, if_match=if_match)
    return Response(status_code=204)


def _view(response: Response, task: Task) -> Task:
    response.headers["ETag"] = f'"{task.version}"'
    return task
