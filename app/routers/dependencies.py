"""What endpoints may ask for, as types.

The one rule: asking for a `Caller` is being guarded. The session commits after the endpoint and before the answer.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import Depends, Header, Request, Response, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Permission, Principal
from app.accounts.service import remember_caller
from app.bootstrap import Services as _Services
from app.database import transaction
from app.errors import BookingTokenInvalid, Unauthenticated, VersionMismatch
from app.i18n import Language, negotiate
from app.routers.problems import language_of

_LONGEST_VERSION = 18
"""Digits. More of them are no version of anything, and long to read."""
_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="bearerAuth",
    description="A token of the CRM's issuer: a user's, or a service's.",
)
_booking_token = APIKeyHeader(
    name="Booking-Token",
    auto_error=False,
    scheme_name="bookingToken",
    description="The token in the visitor's link (after `#token=`).",
)


async def _services(request: Request) -> _Services:
    services: _Services = request.app.state.services
    return services


async def _reader_language(request: Request, response: Response) -> Language:
    """What the caller reads; the answer says so."""
    language = language_of(request)
    response.headers["Content-Language"] = language.value
    response.headers.add_vary_header("Accept-Language")
    return language


Services = Annotated[_Services, Depends(_services)]


async def authenticate(
    request: Request, services: Services, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Principal:
    """Who asks. Raises: Unauthenticated, TokenExpired."""
    if credentials is None:
        raise Unauthenticated
    principal = await services.verifier.verify(credentials.credentials)
    request.state.caller = principal.actor
    request.state.language = negotiate(principal.locale, Language.EN)
    structlog.contextvars.bind_contextvars(account_id=str(principal.account_id), actor=principal.actor)
    async with transaction(services.sessions, principal.account_id) as session:
        return await remember_caller(session, principal)


Caller = Annotated[Principal, Depends(authenticate)]


async def _open_session(services: Services, caller: Caller) -> AsyncIterator[AsyncSession]:
    """One unit of work in the caller's account: commits when the endpoint returns, before anything is sent."""
    async with transaction(services.sessions, caller.account_id) as session:
        yield session


async def _open_public_session(services: Services) -> AsyncIterator[AsyncSession]:
    """The same, in no account yet."""
    async with transaction(services.sessions, None) as session:
        yield session


Session = Annotated[AsyncSession, Depends(_open_session, scope="function")]
PublicSession = Annotated[AsyncSession, Depends(_open_public_session, scope="function")]


async def person(principal: Caller) -> Principal:
    """A person, not a service. Raises: Forbidden."""
    principal.require_person()
    return principal


async def user_writer(principal: Caller) -> Principal:
    """A service that may push users (R55). Raises: Forbidden."""
    principal.require_service()
    principal.require(Permission.USERS_WRITE)
    return principal


async def event_reader(principal: Caller) -> Principal:
    """A service that may read what happened in the whole account (R52). Raises: Forbidden."""
    principal.require_service()
    principal.require(Permission.EVENTS_READ)
    return principal


async def audit_reader(principal: Caller) -> Principal:
    """Whoever may read who did what in the account (R54). Raises: Forbidden."""
    principal.require(Permission.AUDIT_READ)
    return principal


async def account_exporter(principal: Caller) -> Principal:
    """Whoever may take out everything the account holds (R54). Raises: Forbidden."""
    principal.require(Permission.ACCOUNT_EXPORT)
    return principal


async def account_eraser(principal: Caller) -> Principal:
    """Whoever may erase the account (R54). Raises: Forbidden."""
    principal.require(Permission.ACCOUNT_ERASE)
    return principal


async def form_writer(principal: Caller) -> Principal:
    """A service that may say what visitors have answered (R40). Raises: Forbidden."""
    principal.require_service()
    principal.require(Permission.FORMS_WRITE)
    return principal


async def webhook_writer(principal: Caller) -> Principal:
    """A service that may say where the account's events are sent (R52). Raises: Forbidden."""
    principal.require_service()
    principal.require(Permission.WEBHOOKS_WRITE)
    return principal


async def booking_writer(principal: Caller) -> Principal:
    """A person, or a service that may book for visitors and look after what it booked (R50). Raises: Forbidden."""
    if principal.user_id is None:
        principal.require(Permission.BOOKINGS_WRITE)
    return principal


async def inbox_keeper(principal: Caller) -> Principal:
    """A person, or a service that may push users, whose inboxes they are (R10). Raises: Forbidden."""
    if principal.user_id is None:
        principal.require(Permission.USERS_WRITE)
    return principal


async def visitor_token(token: Annotated[str | None, Security(_booking_token)]) -> str:
    if not token or len(token) > 100:  # noqa: PLR2004 - ours have 43 characters
        raise BookingTokenInvalid
    return token


async def _if_match(
    if_match: Annotated[
        str | SkipJsonSchema[None],
        Header(
            description="Change only this version: the `ETag` of an earlier answer.",
            json_schema_extra={"maxLength": 40},  # a longer one is not malformed, but of no version
        ),
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().strip('"')
    if not (version.isascii() and version.isdigit()) or len(version) > _LONGEST_VERSION:
        raise VersionMismatch
    return int(version)


User = Annotated[Principal, Depends(person)]
UserWriter = Annotated[Principal, Depends(user_writer)]
BookingWriter = Annotated[Principal, Depends(booking_writer)]
InboxKeeper = Annotated[Principal, Depends(inbox_keeper)]
AccountExporter = Annotated[Principal, Depends(account_exporter)]
AccountEraser = Annotated[Principal, Depends(account_eraser)]
AuditReader = Annotated[Principal, Depends(audit_reader)]
EventReader = Annotated[Principal, Depends(event_reader)]
FormWriter = Annotated[Principal, Depends(form_writer)]
WebhookWriter = Annotated[Principal, Depends(webhook_writer)]
BookingToken = Annotated[str, Depends(visitor_token)]
IfMatch = Annotated[int | None, Depends(_if_match)]
ReaderLanguage = Annotated[Language, Depends(_reader_language)]
IdempotencyKey = Annotated[
    Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")] | SkipJsonSchema[None],
    Header(description="Repeat a request with the same key and body to get the same answer, for a day."),
]
