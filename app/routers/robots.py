"""What search engines may show, host by host."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.routers.dependencies import PublicSession
from app.routers.rate_limits import LimitedRead
from app.scheduling.robots import robots_txt

router = APIRouter(tags=["Domains"])
PUBLIC: dict[str, Any] = {"security": []}


@router.get(
    "/robots.txt",
    summary="Read what search engines may show",
    response_class=PlainTextResponse,
    dependencies=[LimitedRead],
    openapi_extra=PUBLIC,
)
async def get_robots_txt(request: Request, session: PublicSession) -> Response:
    """The rules of the host in the `Host` header: everything, unless indexing is turned off for that domain."""
    rules = await robots_txt(session, request.headers.get("Host", ""))
    return PlainTextResponse(rules, headers={"Cache-Control": "public, max-age=300"})
