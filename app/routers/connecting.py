"""Connecting with a password, and healing what was connected."""

from fastapi import APIRouter, Response

from app.calendar import ProviderName
from app.connections import service
from app.connections.authorization import ReauthorizeRequest
from app.connections.credentials import CredentialsWish
from app.connections.schemas import (
    Connection,
    ConnectionAuthorization,
    ConnectionCreate,
    ConnectionCreated,
    ConnectionReauthorize,
    ConnectionUpdate,
    ExchangeDiscovery,
    ExchangeDiscoveryCreate,
    ServerFields,
)
from app.connections.views import authorization_view, connection_view, created_view, discovery_view
from app.ids import ConnectionId, encode_id
from app.providers.credentials import Credentials
from app.routers.dependencies import ReaderLanguage, Services, Session, User
from app.routers.openapi import problems

router = APIRouter(prefix="/v1", tags=["Connecting"])


def _credentials(body: ServerFields) -> Credentials:
    return Credentials(body.email, body.password, body.username, body.ews_url, body.version, body.certificate)


@router.post(
    "/exchange-discoveries", summary="Try Exchange credentials", responses=problems(401, 403, 404, 422, 502, 503)
)
async def discover_exchange_server(
    body: ExchangeDiscoveryCreate, caller: User, services: Services, language: ReaderLanguage
) -> ExchangeDiscovery:
    """Sign in once, store nothing: what works, or which further fields this server needs."""
    found = await services.credentials.discover(caller, ProviderName.EXCHANGE, body.client, _credentials(body))
    fields = services.credentials.fields(ProviderName.EXCHANGE)
    return discovery_view(found, fields, body.username or body.email.partition("@")[0], language)


@router.post(
    "/connections", summary="Connect with a password", status_code=201,
    responses=problems(401, 403, 404, 409, 422, 502, 503),
)  # fmt: skip
async def create_connection(
    body: ConnectionCreate, caller: User, services: Services, language: ReaderLanguage, response: Response
) -> ConnectionCreated:
    """Try the credentials, then connect the calendar. The password is tried once, and stored sealed."""
    wish = CredentialsWish(body.provider, body.client, body.disclosure_version, body.return_url, _credentials(body))
    row, return_url = await services.credentials.connect(caller, wish, language)
    response.headers["Location"] = f"/v1/connections/{encode_id('conn', row.id)}"
    return created_view(connection_view(row, services.overview.of(row, caller.seats), language), return_url)


@router.patch(
    "/connections/{connection_id}", summary="Change a connection's credentials",
    responses=problems(401, 403, 404, 409, 422, 502, 503),
)  # fmt: skip
async def update_connection(
    connection_id: ConnectionId, body: ConnectionUpdate, caller: User, services: Services, language: ReaderLanguage
) -> Connection:
    """A new password, user name or address for the same mailbox; a broken connection heals."""
    given = body.model_dump(exclude_unset=True)
    fields = {("url" if name == "ews_url" else name): value for name, value in given.items()}
    row = await services.credentials.change(caller, connection_id, fields)
    return connection_view(row, services.overview.of(row, caller.seats), language)


@router.post(
    "/connections/{connection_id}/reauthorize", summary="Authorize a connection again", status_code=201,
    responses=problems(401, 403, 404, 409, 422),
)  # fmt: skip
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


@router.post(
    "/connections/{connection_id}/refresh-calendars", summary="List a connection's calendars anew", status_code=202,
    responses=problems(401, 404, 409),
)  # fmt: skip
async def refresh_connection_calendars(
    connection_id: ConnectionId, session: Session, caller: User, services: Services, language: ReaderLanguage,
    response: Response,
) -> Connection:  # fmt: skip
    """Have the provider asked which calendars there are now, and what may be done with them."""
    row = await service.request_calendars(session, caller, connection_id)
    response.headers["Location"] = f"/v1/connections/{encode_id('conn', row.id)}/calendars"
    return connection_view(row, services.overview.of(row, caller.seats), language)
