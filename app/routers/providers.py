"""What can be connected, and what to read before."""

from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Path, Request, Response

from app.calendar import ProviderName
from app.connections.disclosures import disclosure_of
from app.connections.schemas import Disclosure, ProviderList
from app.connections.views import disclosure_view, provider_view
from app.errors import NotFound
from app.providers.base import Provider
from app.routers.dependencies import Caller, ReaderLanguage, Services
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

router = APIRouter(prefix="/v1/providers", tags=["Connecting"])
ProviderPath = Annotated[str, Path(max_length=20, description="A provider's name.", examples=["google"])]


def _key(provider: Provider) -> UUID:
    return uuid5(NAMESPACE_URL, provider.name)


@router.get("", summary="List the providers")
async def list_providers(
    request: Request, caller: Caller, services: Services, language: ReaderLanguage, limit: Limit = 20,
    cursor: CursorParameter = None,
) -> ProviderList:  # fmt: skip
    """The providers of this deployment, their capabilities and limits, and the fields to ask for when connecting."""
    offered = [provider for provider in services.providers.values() if provider.offered]
    items, onward = Cursor(request).cut(offered, cursor=cursor, limit=limit, key=_key)
    return ProviderList(items=[provider_view(item, language) for item in items], next_cursor=onward)


@router.get("/{provider}/disclosure", summary="Read a provider's disclosure", responses=problems(NotFound))
async def get_provider_disclosure(
    provider: ProviderPath, caller: Caller, services: Services, language: ReaderLanguage, response: Response
) -> Disclosure:
    """What the person reads and accepts before any redirect (R5), and its version to send back."""
    if provider not in services.providers or not (known := services.providers[ProviderName(provider)]).offered:
        raise NotFound
    response.headers["Content-Language"] = language.value
    return disclosure_view(known.name, disclosure_of(known, language), language)
