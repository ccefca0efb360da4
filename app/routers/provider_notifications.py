"""Where providers tell us that something changed. Not part of the document: nobody else calls it.

The one rule: what is told is persisted, then answered; a stranger hears the same as a provider.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.calendar import ProviderName
from app.errors import NotFound
from app.providers.push import Handshake, SupportsPush
from app.routers.dependencies import Services

PUBLIC: dict[str, Any] = {"security": []}
_ACCEPTED = 202
router = APIRouter(prefix="/v1/provider-notifications", include_in_schema=False)


async def _receive(provider: str, request: Request, services: Services) -> Response:
    kind = services.providers.get(ProviderName(provider)) if provider in set(ProviderName) else None
    if not isinstance(kind, SupportsPush):
        raise NotFound
    told = kind.signals(request.headers, request.query_params, await request.body())
    if isinstance(told, Handshake):
        headers = {"X-Content-Type-Options": "nosniff"}
        return Response(told.text, media_type="text/plain", headers=headers)
    await services.signals.receive(told)
    return Response(status_code=_ACCEPTED)


ProviderPath = Annotated[str, Path(max_length=20)]


@router.post("/{provider}", openapi_extra=PUBLIC)
async def receive_provider_notification(provider: ProviderPath, request: Request, services: Services) -> Response:
    """Something changed, or a handshake."""
    return await _receive(provider, request, services)


@router.post("/{provider}/lifecycle", openapi_extra=PUBLIC)
async def receive_provider_lifecycle(provider: ProviderPath, request: Request, services: Services) -> Response:
    """Something about the watch itself."""
    return await _receive(provider, request, services)
