"""What can be connected, and what to read before."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.calendar import ProviderName
from app.connections.disclosures import disclosure_text
from app.connections.schemas import Disclosure, ProviderList
from app.connections.views import disclosure_view, provider_view
from app.errors import NotFound
from app.routers.dependencies import Caller, ReaderLanguage, Services
from app.routers.openapi import problems

router = APIRouter(prefix="/v1/providers", tags=["Connecting"])
ProviderPath = Annotated[str, Path(max_length=20, description="A provider's name.", examples=["google"])]


@router.get("", summary="List the providers", responses=problems(401))
async def list_providers(caller: Caller, services: Services, language: ReaderLanguage) -> ProviderList:
    """The providers of this deployment, their capabilities and limits, and the fields to ask for when connecting."""
    offered = [provider for provider in services.providers.values() if provider.offered]
    return ProviderList(items=[provider_view(item, language) for item in offered], next_cursor=None)


@router.get("/{provider}/disclosure", summary="Read a provider's disclosure", responses=problems(401, 404))
async def get_provider_disclosure(
    provider: ProviderPath, caller: Caller, services: Services, language: ReaderLanguage, response: Response
) -> Disclosure:
    """What the person reads and accepts before any redirect (R5), and its version to send back."""
    if provider not in services.providers or not services.providers[ProviderName(provider)].offered:
        raise NotFound
    response.headers["Content-Language"] = language.value
    name = ProviderName(provider)
    return disclosure_view(name, disclosure_text(name, language), language)
