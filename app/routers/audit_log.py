"""Who did what in the account."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic.json_schema import SkipJsonSchema

from app.accounts.audit_log import AuditQuestion, audit_view, read_audit_log
from app.accounts.audit_schemas import AuditLog
from app.ids import AnyId
from app.routers.dependencies import AuditReader, Session
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.written_times import Instant

router = APIRouter(prefix="/v1/audit-log", tags=["Audit log"])
Action = Annotated[
    str | SkipJsonSchema[None],
    Query(
        max_length=100,
        pattern=r"^[a-z_]+\.[a-z_]+$",
        description="Only this was done.",
        examples=["booking.created"],
    ),
]
Subject = Annotated[AnyId | SkipJsonSchema[None], Query(description="Only what was done to this, by its id.")]
From = Annotated[Instant | SkipJsonSchema[None], Query(description="Only what was done at or after this.")]
Before = Annotated[Instant | SkipJsonSchema[None], Query(description="Only what was done before this.")]


@router.get("", summary="Read the audit log")
async def list_audit_log(
    request: Request, session: Session, caller: AuditReader, limit: Limit = 20, cursor: CursorParameter = None,
    action: Action = None, subject_id: Subject = None, happened_from: From = None, happened_before: Before = None,
) -> AuditLog:  # fmt: skip
    """Who did what in the account, in the order in which it was sealed. It can be appended to, and never changed."""
    cursors = Cursor(request)
    after = cursors.read(cursor)
    question = AuditQuestion(
        after=0 if after is None else after.int, action=action, subject_id=subject_id,
        happened_from=happened_from, happened_before=happened_before, limit=limit + 1,
    )  # fmt: skip
    entries = [audit_view(entry) for entry in await read_audit_log(session, caller.account_id, question)]
    more = len(entries) > limit
    next_cursor = cursors.after(UUID(int=entries[limit - 1].sequence)) if more else None
    return AuditLog(items=entries[:limit], next_cursor=next_cursor)
