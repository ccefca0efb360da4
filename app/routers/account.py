"""The account as a whole: taken out, and erased (R54)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.errors import FieldError, ValidationFailed
from app.ids import AccountId
from app.privacy.schemas import AccountErasure, AccountExport
from app.privacy.views import account_export_view
from app.routers.dependencies import AccountEraser, AccountExporter, Services, Session
from app.routers.pagination import Cursor, CursorParameter

router = APIRouter(prefix="/v1/account", tags=["Account"])
_LOCATION = "/v1/account/export"
Confirm = Annotated[AccountId, Query(description="The account's own id once more: there is no way back.")]


@router.get("/export", summary="Take out everything", status_code=202)
async def export_account(
    request: Request, session: Session, caller: AccountExporter, services: Services, response: Response,
    cursor: CursorParameter = None,
) -> AccountExport:  # fmt: skip
    """Everything the account holds but secrets. The first request asks for it: while it is `building`, ask again;
    once it is `ready`, follow `next_cursor` to its end. It can be fetched for a day, then a new one is made.
    """
    cursors = Cursor(request)
    reading = await services.account_exports.read(session, caller, after=cursors.read(cursor))
    response.headers["Location"] = _LOCATION
    return account_export_view(
        reading, next_cursor=None if reading.last_part is None else cursors.after(reading.last_part)
    )


@router.delete("", summary="Erase the account", status_code=202)
async def erase_account(
    confirm: Confirm, session: Session, caller: AccountEraser, services: Services, response: Response
) -> AccountErasure:
    """Erase everything the account holds, for good. With this answer its tokens are refused and its pages are gone; the
    providers are told, and all else is deleted within minutes. Take out first what you want to keep.
    """
    if confirm != caller.account_id:
        raise ValidationFailed(errors=[FieldError("/query/confirm", "not_allowed")])
    erasure = await services.account_erasures.ask(session, caller)
    response.headers["Location"] = "/v1/me"  # where one sees that it is over: it knows the account no more
    return AccountErasure(account_id=erasure.account_id, requested_at=erasure.requested_at)
