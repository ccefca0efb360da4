"""Figures for whoever runs the service, outside the API's document.

The one rule: a process always tells its own, also while the database is gone.
"""

import asyncpg
import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from app.bootstrap import Services as AllServices
from app.database import transaction
from app.errors import NotFound
from app.routers.dependencies import Services
from app.sync.gauges import no_gauges, read_gauges
from app.telemetry.listener import is_operator
from app.telemetry.metrics import process_figures

router = APIRouter(include_in_schema=False)

log = structlog.get_logger(__name__)


@router.get("/metrics", openapi_extra={"security": []})
async def get_metrics(request: Request, services: Services) -> Response:
    """This process's figures, and the database's. Without the operator's token there is nothing here."""
    _guard(request, services)
    return _told(process_figures() + await _gauges(services))


@router.get("/metrics/process", openapi_extra={"security": []})
async def get_process_metrics(request: Request, services: Services) -> Response:
    """This process's alone: of many processes it is enough that one asks the database."""
    _guard(request, services)
    return _told(process_figures())


def _guard(request: Request, services: AllServices) -> None:
    token = services.settings.metrics_token
    shown = request.headers.get("Authorization", "")
    if not is_operator(None if token is None else token.get_secret_value(), shown):
        raise NotFound


async def _gauges(services: AllServices) -> bytes:
    try:
        async with transaction(services.sessions, None) as session:
            return await read_gauges(session, now=services.clock())
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("metrics.database", error=type(error).__name__)
        return no_gauges()


def _told(figures: bytes) -> Response:
    return Response(figures, media_type=CONTENT_TYPE_LATEST)
