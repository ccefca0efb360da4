"""Trying the credentials of an Exchange server before connecting (R9, R13)."""

from fastapi import APIRouter

from app.calendar import ProviderName
from app.connections.schemas import ExchangeDiscovery, ExchangeDiscoveryCreate
from app.connections.views import credentials_of, discovery_view
from app.errors import (
    AddressNotAllowed,
    CertificateUntrusted,
    EntitlementRequired,
    ExchangeAppPasswordRequired,
    ExchangeCredentialsInvalid,
    ExchangeOnlineMailbox,
    ExchangeVersionUnsupported,
    NotFound,
    PersonalEmailAccessRequired,
    ProviderUnavailable,
    UpstreamError,
)
from app.routers.dependencies import ReaderLanguage, Services, User
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedSignIn

router = APIRouter(prefix="/v1/exchange-discoveries", tags=["Connecting"])


@router.post(
    "",
    summary="Try Exchange credentials",
    responses=problems(
        EntitlementRequired,
        PersonalEmailAccessRequired,
        NotFound,
        AddressNotAllowed,
        CertificateUntrusted,
        ExchangeAppPasswordRequired,
        ExchangeCredentialsInvalid,
        ExchangeOnlineMailbox,
        ExchangeVersionUnsupported,
        UpstreamError,
        ProviderUnavailable,
    ),
    dependencies=[LimitedSignIn],
)
async def discover_exchange_server(
    body: ExchangeDiscoveryCreate, caller: User, services: Services, language: ReaderLanguage
) -> ExchangeDiscovery:
    """Sign in once, store nothing: what works, or which further fields this server needs."""
    found = await services.credentials.discover(caller, ProviderName.EXCHANGE, body.client, credentials_of(body))
    fields = services.credentials.fields(ProviderName.EXCHANGE)
    return discovery_view(found, fields, body.username or body.email.partition("@")[0], language)
