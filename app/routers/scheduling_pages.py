"""A person's scheduling pages."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.connections.settings import get_settings
from app.errors import CapabilityNotSupported, ChatPageInUse, DefaultPageInUse, EntitlementRequired, NotFound, SlugTaken
from app.ids import PageId, encode_id
from app.routers.dependencies import IfMatch, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.routers.slot_query import FirstDay, LastDay, SlotMinutes, SlotZone
from app.scheduling import pages
from app.scheduling.domains.repository import host_of
from app.scheduling.host_slots import own_slots
from app.scheduling.public import SlotQuery
from app.scheduling.report.schemas import AvailabilityReport
from app.scheduling.report.service import availability_report
from app.scheduling.schemas import (
    SchedulingPage,
    SchedulingPageCreate,
    SchedulingPageList,
    SchedulingPageUpdate,
    SlotList,
)
from app.scheduling.team import members_of
from app.scheduling.views import page_view

router = APIRouter(prefix="/v1/scheduling-pages", tags=["Scheduling pages"])


@router.get("", summary="List your scheduling pages")
async def list_scheduling_pages(
    request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None,
) -> SchedulingPageList:  # fmt: skip
    """The caller's pages, oldest first."""
    cursors = Cursor(request)
    rows = await pages.list_pages(session, caller, after=cursors.read(cursor), limit=limit + 1)
    views = [await _view(session, caller, services, row) for row in rows[:limit]]
    return SchedulingPageList(items=views, next_cursor=cursors.after(rows[limit - 1].id) if len(rows) > limit else None)


@router.post(
    "",
    summary="Make a scheduling page",
    status_code=201,
    responses=problems(EntitlementRequired, CapabilityNotSupported, SlugTaken),
)
async def create_scheduling_page(
    body: SchedulingPageCreate, session: Session, caller: User, services: Services, response: Response
) -> SchedulingPage:
    """Make a page; it works without a connected calendar and then takes meeting requests (R25, R26)."""
    page = await pages.create_page(
        session, caller, body, team=services.team, links=services.links, now=services.clock()
    )
    response.headers["Location"] = f"/v1/scheduling-pages/{encode_id('page', page.id)}"
    response.headers["ETag"] = f'"{page.version}"'
    return await _view(session, caller, services, page)


@router.get("/{page_id}", summary="Read a scheduling page", responses=problems(NotFound))
async def get_scheduling_page(
    page_id: PageId, session: Session, caller: User, services: Services, response: Response
) -> SchedulingPage:
    """One of the caller's pages."""
    page = await pages.get_page(session, caller, page_id)
    response.headers["ETag"] = f'"{page.version}"'
    return await _view(session, caller, services, page)


@router.patch(
    "/{page_id}", summary="Change a scheduling page", responses=problems(EntitlementRequired, NotFound, SlugTaken)
)
async def update_scheduling_page(
    page_id: PageId, body: SchedulingPageUpdate, session: Session, caller: User, services: Services,
    if_match: IfMatch, response: Response,
) -> SchedulingPage:  # fmt: skip
    """Change what is given; absent keeps, null goes back to the default (a field that has none says so).
    Bookings already made stay as they are.
    """
    page = await pages.update_page(
        session,
        caller,
        page_id,
        body,
        if_match=if_match,
        team=services.team,
        links=services.links,
        now=services.clock(),
    )
    response.headers["ETag"] = f'"{page.version}"'
    return await _view(session, caller, services, page)


@router.delete(
    "/{page_id}",
    summary="Take a scheduling page away",
    status_code=204,
    responses=problems(NotFound, ChatPageInUse, DefaultPageInUse),
)
async def delete_scheduling_page(
    page_id: PageId, session: Session, caller: User, services: Services, if_match: IfMatch
) -> Response:
    """The page answers no more; its bookings stay and can still be changed by their links."""
    await pages.delete_page(session, caller, page_id, if_match=if_match, now=services.clock())
    return Response(status_code=204)


@router.get(
    "/{page_id}/slots",
    summary="List your page's bookable times",
    response_model=SlotList,
    responses=problems(NotFound),
)
async def list_scheduling_page_slots(
    page_id: PageId, session: Session, caller: User, services: Services,
    time_zone: SlotZone, first_day: FirstDay, last_day: LastDay, duration_minutes: SlotMinutes,
) -> Response:  # fmt: skip
    """What visitors are offered on those days, rising; also while pages are turned off, when visitors see nothing."""
    query = SlotQuery(time_zone, first_day, last_day, duration_minutes)
    answer = await own_slots(session, caller, page_id, query, now=services.clock())
    return Response(answer, media_type="application/json")


@router.get(
    "/{page_id}/availability-report",
    summary="See why times are or are not offered",
    response_model=AvailabilityReport,
    responses=problems(NotFound),
)
async def get_availability_report(
    page_id: PageId, session: Session, caller: User, services: Services,
    time_zone: SlotZone, first_day: FirstDay, last_day: LastDay, duration_minutes: SlotMinutes,
) -> Response:  # fmt: skip
    """Each time between the earliest and the latest working hour of any day: how it is offered or, if it is not, every
    rule that closes it and the least that would have to change. For a heat map, and for "why can nobody book me?"."""
    query = SlotQuery(time_zone, first_day, last_day, duration_minutes)
    answer = await availability_report(session, caller, page_id, query, now=services.clock())
    return Response(answer, media_type="application/json")


async def _view(session: Session, caller: User, services: Services, page: Any) -> SchedulingPage:
    settings = await get_settings(session, caller.account_id, caller.user)
    members = (await members_of(session, caller.account_id, [page.id]))[page.id]
    host = await host_of(session, page.owner_id)
    return page_view(page, services.links, members=members, host=host, settings=settings)
