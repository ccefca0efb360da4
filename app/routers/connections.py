"""A person's connections: made with a password, looked at, healed, synced, let go."""

import hmac

from fastapi import APIRouter, Request, Response

from app.accounts.idempotency import keyed_request
from app.calendar import ProviderName
from app.connections import calendar_repository, mirroring, repository, service
from app.connections.authorization import ReauthorizeRequest
from app.connections.credentials import REFUSALS, Acceptance, CredentialsWish
from app.connections.schemas import (
    CalendarList,
    Connection,
    ConnectionAuthorization,
    ConnectionCreate,
    ConnectionCreated,
    ConnectionList,
    ConnectionReauthorize,
    ConnectionSync,
    ConnectionUpdate,
)
from app.connections.views import (
    authorization_view,
    calendar_view,
    connection_view,
    created_view,
    credentials_of,
    sync_view,
)
from app.errors import (
    AccountMismatch,
    AlreadyConnected,
    CalendarNotConnected,
    CapabilityNotSupported,
    ConnectionLimitReached,
    DisclosureNotAccepted,
    EntitlementRequired,
    InboxIsShared,
    NotFound,
    PersonalEmailAccessRequired,
    ProviderUnavailable,
    ReturnUrlNotAllowed,
)
from app.ids import ConnectionId, encode_id
from app.routers.dependencies import IdempotencyKey, ReaderLanguage, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.routers.rate_limits import LimitedLookup, LimitedSignIn

router = APIRouter(prefix="/v1/connections", tags=["Connections"])


@router.get("", summary="List your connections")
async def list_connections(
    request: Request, session: Session, caller: User, services: Services, language: ReaderLanguage,
    limit: Limit = 20, cursor: CursorParameter = None,
) -> ConnectionList:  # fmt: skip
    """The caller's connections, oldest first: usually one."""
    found = await repository.list_connections(session, caller.user)
    rows, onward = Cursor(request).cut(found, cursor=cursor, limit=limit, key=lambda row: row.id)
    views = [connection_view(row, services.overview, caller.seats, language) for row in rows]
    return ConnectionList(items=views, next_cursor=onward)


@router.post(
    "",
    summary="Connect with a password",
    status_code=201,
    responses=problems(
        EntitlementRequired,
        PersonalEmailAccessRequired,
        NotFound,
        AlreadyConnected,
        ConnectionLimitReached,
        InboxIsShared,
        AccountMismatch,
        DisclosureNotAccepted,
        ReturnUrlNotAllowed,
        ProviderUnavailable,
        *REFUSALS.values(),
    ),
    dependencies=[LimitedSignIn],
)
async def create_connection(
    body: ConnectionCreate, request: Request, caller: User, services: Services, language: ReaderLanguage,
    response: Response, idempotency_key: IdempotencyKey = None,
) -> ConnectionCreated:  # fmt: skip
    """Try the credentials, then connect the calendar. The password is tried once, and stored sealed."""
    wish = CredentialsWish(body.provider, body.client, body.disclosure_version, body.return_url, credentials_of(body))
    # Not a plain hash of the body: there is a password in it, and a hash of one can be searched for.
    sealed = hmac.digest(services.settings.signing_key.get_secret_value(), await request.body(), "sha256")
    keyed = keyed_request(f"createConnection {caller.user}", idempotency_key, sealed)
    made = await services.credentials.connect(caller, wish, language, keyed=keyed)
    row, response.headers["Location"] = made.connection, f"/v1/connections/{encode_id('conn', made.connection.id)}"
    if made.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return created_view(connection_view(row, services.overview, caller.seats, language), made.return_url)


@router.get("/{connection_id}", summary="Read a connection", responses=problems(NotFound))
async def get_connection(
    connection_id: ConnectionId, session: Session, caller: User, services: Services, language: ReaderLanguage
) -> Connection:
    """One of the caller's connections: its state, what it can do, and what may be done with it."""
    row = await service.get_connection(session, caller, connection_id)
    return connection_view(row, services.overview, caller.seats, language)


@router.patch(
    "/{connection_id}",
    summary="Change a connection's credentials",
    responses=problems(
        EntitlementRequired,
        PersonalEmailAccessRequired,
        DisclosureNotAccepted,
        NotFound,
        CapabilityNotSupported,
        InboxIsShared,
        AccountMismatch,
        ProviderUnavailable,
        *REFUSALS.values(),
    ),
    dependencies=[LimitedSignIn],
)
async def update_connection(
    connection_id: ConnectionId, body: ConnectionUpdate, caller: User, services: Services, language: ReaderLanguage
) -> Connection:
    """A new password, user name or address for the same mailbox; a broken connection heals.

    Another `ews_url` or `certificate` needs the `password` as well: the one that is kept is sent to no other server.
    """
    given = body.model_dump(exclude_unset=True, exclude={"client", "disclosure_version"})
    fields = {("url" if name == "ews_url" else name): value for name, value in given.items()}
    acceptance = Acceptance(body.client, body.disclosure_version)
    row = await services.credentials.change(caller, connection_id, fields, acceptance, language)
    return connection_view(row, services.overview, caller.seats, language)


@router.post(
    "/{connection_id}/reauthorize",
    summary="Authorize a connection again",
    status_code=201,
    responses=problems(
        EntitlementRequired,
        PersonalEmailAccessRequired,
        NotFound,
        CapabilityNotSupported,
        DisclosureNotAccepted,
        ReturnUrlNotAllowed,
    ),
)
async def reauthorize_connection(
    connection_id: ConnectionId, body: ConnectionReauthorize, session: Session, caller: User, services: Services,
    language: ReaderLanguage, response: Response,
) -> ConnectionAuthorization:  # fmt: skip
    """Get the provider's consent page for the same account; calendars, settings, bookings and links survive."""
    row = await service.get_connection(session, caller, connection_id)
    wish = ReauthorizeRequest(body.client, body.disclosure_version, body.return_url)
    started = await services.authorizations.reauthorize(session, caller, row, wish, language)
    response.headers["Location"] = f"/v1/connection-authorizations/{encode_id('auth', started.authorization.id)}"
    return authorization_view(started.authorization, language, authorization_url=started.authorization_url)


@router.delete("/{connection_id}", summary="Disconnect", status_code=204, responses=problems(NotFound))
async def disconnect_connection(
    connection_id: ConnectionId, session: Session, caller: User, services: Services
) -> Response:
    """Let go of the calendar. Pages fall back to offline mode at once; booked events stay in the calendar."""
    await service.disconnect(session, caller, connection_id, services.overview, now=services.clock())
    return Response(status_code=204)


@router.get("/{connection_id}/calendars", summary="List a connection's calendars", responses=problems(NotFound))
async def list_connection_calendars(
    connection_id: ConnectionId, request: Request, session: Session, caller: User, services: Services,
    limit: Limit = 20, cursor: CursorParameter = None,
) -> CalendarList:  # fmt: skip
    """Every calendar the account can reach, and whether it may be checked for conflicts."""
    row = await service.get_connection(session, caller, connection_id)
    features = services.overview.features(ProviderName(row.provider))
    found = await calendar_repository.list_calendars(session, row.id)
    calendars, onward = Cursor(request).cut(found, cursor=cursor, limit=limit, key=lambda item: item.id)
    return CalendarList(items=[calendar_view(item, row, features) for item in calendars], next_cursor=onward)


@router.post(
    "/{connection_id}/refresh-calendars",
    summary="List a connection's calendars anew",
    status_code=202,
    responses=problems(NotFound, CalendarNotConnected),
    dependencies=[LimitedLookup],
)
async def refresh_connection_calendars(
    connection_id: ConnectionId, session: Session, caller: User, services: Services, language: ReaderLanguage,
    response: Response,
) -> Connection:  # fmt: skip
    """Have the provider asked which calendars there are now, and what may be done with them."""
    row = await service.request_calendars(session, caller, connection_id)
    response.headers["Location"] = f"/v1/connections/{encode_id('conn', row.id)}/calendars"
    return connection_view(row, services.overview, caller.seats, language)


@router.get("/{connection_id}/sync", summary="Read how true the mirror is", responses=problems(NotFound))
async def get_connection_sync(
    connection_id: ConnectionId, session: Session, caller: User, services: Services
) -> ConnectionSync:
    """Per calendar: state, lag, last and next run, last error."""
    row = await service.get_connection(session, caller, connection_id)
    return await _sync_state(session, row.id, services)


@router.post(
    "/{connection_id}/sync", summary="Sync now", status_code=202, responses=problems(NotFound, CalendarNotConnected)
)
async def start_connection_sync(
    connection_id: ConnectionId, session: Session, caller: User, services: Services, response: Response
) -> ConnectionSync:
    """Have every mirrored calendar looked at now; answers the state before that."""
    response.headers["Location"] = f"/v1/connections/{encode_id('conn', connection_id)}/sync"
    await service.request_sync(session, caller, connection_id, now=services.clock())
    return await _sync_state(session, connection_id, services)


async def _sync_state(session: Session, connection_id: ConnectionId, services: Services) -> ConnectionSync:
    rows = await calendar_repository.list_calendar_syncs(session, connection_id)
    due = await mirroring.due_times(session, [calendar.id for calendar, _ in rows])
    return sync_view(connection_id, rows, due, now=services.clock())
