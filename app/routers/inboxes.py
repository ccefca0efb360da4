"""The CRM's inboxes: which addresses are personal, and which are shared (R10, R11)."""

from fastapi import APIRouter, Request, Response

from app.connections import inboxes
from app.connections.schemas import Inbox, InboxCreate, InboxList
from app.connections.views import inbox_view
from app.errors import AlreadyConnected, FieldError, NotFound, ValidationFailed
from app.ids import InboxId, UserId, encode_id
from app.routers.dependencies import InboxKeeper, Services, Session
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

router = APIRouter(prefix="/v1/inboxes", tags=["Inboxes"])


@router.get("", summary="List inboxes")
async def list_inboxes(
    request: Request, session: Session, caller: InboxKeeper, limit: Limit = 20, cursor: CursorParameter = None
) -> InboxList:
    """The caller's own inboxes and the shared ones; a service sees all of its account."""
    cursors = Cursor(request)
    rows = await inboxes.list_inboxes(session, caller.user_id, after=cursors.read(cursor), limit=limit + 1)
    views = [inbox_view(row, caller) for row in rows[:limit]]
    return InboxList(items=views, next_cursor=cursors.after(rows[limit - 1].id) if len(rows) > limit else None)


@router.post("", summary="Register an inbox", status_code=201, responses=problems(AlreadyConnected))
async def create_inbox(
    body: InboxCreate, session: Session, caller: InboxKeeper, services: Services, response: Response
) -> Inbox:
    """Register an address as somebody's own or as shared. The calendar of a shared inbox cannot be connected."""
    owner = _owner(body, caller.user_id)
    row = await inboxes.register_inbox(
        session, caller, kind=body.kind, email=body.email, user_id=owner, now=services.clock()
    )
    response.headers["Location"] = f"/v1/inboxes/{encode_id('inb', row.id)}"
    return inbox_view(row, caller)


@router.delete("/{inbox_id}", summary="Disconnect an inbox", status_code=204, responses=problems(NotFound))
async def disconnect_inbox(inbox_id: InboxId, session: Session, caller: InboxKeeper, services: Services) -> Response:
    """Let the inbox go. Its calendar stays connected."""
    await inboxes.disconnect_inbox(session, caller, inbox_id, now=services.clock())
    return Response(status_code=204)


def _owner(body: InboxCreate, caller: UserId | None) -> UserId | None:
    """Whose inbox it will be: the caller's own, or whoever the service names. Raises: ValidationFailed."""
    if body.kind == "shared":
        if body.user_id is not None:
            raise ValidationFailed(errors=[FieldError("/user_id", "not_allowed")])
        return None
    if caller is not None and body.user_id not in {None, caller}:
        raise ValidationFailed(errors=[FieldError("/user_id", "not_allowed")])
    owner = body.user_id or caller
    if owner is None:
        raise ValidationFailed(errors=[FieldError("/user_id", "missing")])
    return owner
