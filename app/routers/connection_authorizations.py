"""Connecting by OAuth: start, poll, and the provider's way back."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse
from pydantic.json_schema import SkipJsonSchema

from app.connections.authorization import ConnectRequest
from app.connections.return_urls import with_result
from app.connections.schemas import ConnectionAuthorization, ConnectionAuthorizationCreate
from app.connections.views import authorization_view
from app.errors import (
    AlreadyConnected,
    AuthorizationStateInvalid,
    ConnectionLimitReached,
    DisclosureNotAccepted,
    EntitlementRequired,
    NotFound,
    PersonalEmailAccessRequired,
    ReturnUrlNotAllowed,
)
from app.ids import AuthorizationId, encode_id
from app.routers.dependencies import ReaderLanguage, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.providers import ProviderPath
from app.routers.rate_limits import LimitedRead

router = APIRouter(prefix="/v1", tags=["Connecting"])
Code = Annotated[str | SkipJsonSchema[None], Query(max_length=4096, description="What the provider grants by.")]
ErrorCode = Annotated[str | SkipJsonSchema[None], Query(max_length=4096, description="Why there is no `code`.")]
ErrorText = Annotated[
    str | SkipJsonSchema[None], Query(max_length=4096, description="The same in the provider's words; shown to nobody.")
]


@router.post(
    "/connection-authorizations",
    summary="Start connecting",
    status_code=201,
    responses=problems(
        EntitlementRequired,
        PersonalEmailAccessRequired,
        NotFound,
        AlreadyConnected,
        ConnectionLimitReached,
        DisclosureNotAccepted,
        ReturnUrlNotAllowed,
    ),
)
async def create_connection_authorization(
    body: ConnectionAuthorizationCreate, session: Session, caller: User, services: Services,
    language: ReaderLanguage, response: Response,
) -> ConnectionAuthorization:  # fmt: skip
    """Record that the disclosure was accepted, and get the provider's consent page to send the browser to."""
    started = await services.authorizations.create(session, caller, ConnectRequest(**body.model_dump()), language)
    row = started.authorization
    response.headers["Location"] = f"/v1/connection-authorizations/{encode_id('auth', row.id)}"
    return authorization_view(row, language, authorization_url=started.authorization_url)


@router.get(
    "/connection-authorizations/{authorization_id}", summary="Read an attempt to connect", responses=problems(NotFound)
)
async def get_connection_authorization(
    authorization_id: AuthorizationId, session: Session, caller: User, services: Services, language: ReaderLanguage
) -> ConnectionAuthorization:
    """How the attempt stands; the mobile app polls it."""
    return authorization_view(await services.authorizations.get(session, caller, authorization_id), language)


@router.get(
    "/oauth/{provider}/callback",
    summary="Come back from the provider",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(AuthorizationStateInvalid),
    dependencies=[LimitedRead],
    openapi_extra={"security": []},
)
async def complete_connection_authorization(
    provider: ProviderPath,
    services: Services,
    state: Annotated[str, Query(min_length=1, max_length=200, description="What the authorization URL carried.")],
    code: Code = None,
    error: ErrorCode = None,
    error_description: ErrorText = None,
) -> RedirectResponse:
    """Finish the attempt and send the browser back to its `return_url`, with `status`, `code`, `authorization_id` and,
    once connected, `connection_id` in the query.
    """
    row = await services.authorizations.complete(
        provider, state=state, code=code, error=error, description=error_description
    )
    connection = encode_id("conn", row.connection_id) if row.connection_id and row.status == "completed" else None
    url = with_result(
        row.return_url, status=row.status, code=row.code,
        authorization_id=encode_id("auth", row.id), connection_id=connection,
    )  # fmt: skip
    return RedirectResponse(url, status_code=303)
