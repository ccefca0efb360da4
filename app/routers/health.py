"""Is the process alive, and can it work?"""

from typing import Any, Literal

from fastapi import APIRouter

from app.accounts.schemas import Answer
from app.errors import ProviderUnavailable
from app.routers.dependencies import Services
from app.routers.openapi_codes import problems
from app.routers.rate_limits import LimitedRead

router = APIRouter(prefix="/health", tags=["Health"])
PUBLIC: dict[str, Any] = {"security": []}


class Health(Answer):
    """The state of this process."""

    status: Literal["ok"]


@router.get("/live", summary="Ask whether the process is alive", openapi_extra=PUBLIC)
async def get_liveness() -> Health:
    """It answers, so it is."""
    return Health(status="ok")


@router.get(
    "/ready",
    summary="Ask whether the process can work",
    responses=problems(ProviderUnavailable),
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def get_readiness(services: Services) -> Health:
    """The database answers and is migrated; 503 otherwise."""
    await services.readiness.check()
    return Health(status="ok")
