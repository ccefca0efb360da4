"""Figures for whoever runs the service, outside the API's document."""

import hmac

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.errors import NotFound
from app.routers.dependencies import PublicSession, Services
from app.sync.gauges import read_gauges

router = APIRouter(include_in_schema=False)


@router.get("/metrics", openapi_extra={"security": []})
async def get_metrics(request: Request, services: Services, session: PublicSession) -> Response:
    """Without the operator's token there is nothing here."""
    token = services.settings.metrics_token
    shown = request.headers.get("Authorization", "").encode()
    if token is None or not hmac.compare_digest(shown, f"Bearer {token.get_secret_value()}".encode()):
        raise NotFound
    return Response(await read_gauges(session, now=services.clock()), media_type=CONTENT_TYPE_LATEST)
