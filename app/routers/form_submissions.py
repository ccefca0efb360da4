"""What visitors have answered in the CRM's forms, and the forms that begin with it (R40)."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.errors import NotFound
from app.ids import PageId
from app.routers.dependencies import FormWriter, PublicSession, Services, Session
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedRead
from app.scheduling.prefill_schemas import FormPrefill, FormSubmission, FormSubmissionCreate

router = APIRouter(prefix="/v1")
PUBLIC: dict[str, Any] = {"security": []}
NOWHERE = {
    "description": "The submissions: what was submitted is read by nobody but the visitor's forms.",
    "schema": {"type": "string", "format": "uri-reference"},
}
VisitorToken = Annotated[str, Header(min_length=1, max_length=100, description="The `visitor_token` of a submission.")]
Host = Annotated[
    str | SkipJsonSchema[None],
    Query(min_length=1, max_length=253, description="The host of the page's URL; absent: the request's own."),
]


@router.post(
    "/form-submissions",
    summary="Tell what a visitor has answered",
    status_code=201,
    responses={201: {"headers": {"Location": NOWHERE}}},
    tags=["Forms"],
)
async def create_form_submission(
    body: FormSubmissionCreate, session: Session, caller: FormWriter, services: Services, response: Response
) -> FormSubmission:
    """Keep the answers, sealed, for pre-filling the account's pages; the newest answer to a question wins. The token
    is for the visitor's browser: it is how the page recognises them.
    """
    issued = await services.prefill.submit(session, caller, body)
    response.headers["Location"] = "/v1/form-submissions"
    return FormSubmission(visitor_token=issued.token, expires_at=issued.expires_at)


@router.get(
    "/public/scheduling-pages/{page_id}/prefill",
    summary="Pre-fill a form",
    responses=problems(NotFound),
    tags=["Booking"],
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def get_form_prefill(
    page_id: PageId, request: Request, session: PublicSession, services: Services,
    visitor_token: VisitorToken, host: Host = None,
) -> FormPrefill:  # fmt: skip
    """What the visitor has answered before, as far as this page asks for it: on a domain of the account's own only,
    never on the shared one. Whatever is wrong, the answer is the same 404.
    """
    where = host or request.headers.get("Host", "")
    return await services.prefill.read(session, page_id, host=where, token=visitor_token)
