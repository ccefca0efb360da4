"""The links the caller hands out."""

from fastapi import APIRouter, Request

from app.errors import NoDefaultPage
from app.routers.dependencies import Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.scheduling import pages
from app.scheduling.link_schemas import MeetingLink, MeetingLinkList
from app.scheduling.meeting_links import default_link, links_to

router = APIRouter(prefix="/v1/meeting-links", tags=["Scheduling pages"])


@router.get("", summary="List your meeting links")
async def list_meeting_links(
    request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None,
) -> MeetingLinkList:  # fmt: skip
    """One link for each of the caller's pages, on the domain the caller has chosen."""
    cursors = Cursor(request)
    rows = await pages.list_pages(session, caller, after=cursors.read(cursor), limit=limit + 1)
    items = await links_to(session, caller, rows[:limit], services.links)
    return MeetingLinkList(items=items, next_cursor=cursors.after(rows[limit - 1].id) if len(rows) > limit else None)


@router.get("/default", summary="Read your default meeting link", responses=problems(NoDefaultPage))
async def get_default_meeting_link(session: Session, caller: User, services: Services) -> MeetingLink:
    """What e-mail templates insert: the link of the default page; 404 `no_default_page` while there is no page."""
    return await default_link(session, caller, services.links)
