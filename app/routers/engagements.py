"""Meetings on the contacts' timelines."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from app.crm import repository
from app.crm.meetings import Told, read_all
from app.crm.schemas import Engagement, EngagementList, EngagementUpdate
from app.errors import AlreadyCancelled, BookingNotBegun, CapabilityNotSupported, Forbidden, NotFound
from app.ids import EngagementId
from app.routers.contacts import engagement_of
from app.routers.dependencies import IfMatch, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit

router = APIRouter(prefix="/v1/engagements", tags=["Engagements"])
Source = Annotated[
    Literal["scheduling_page", "crm_record", "calendar_sync", "integration"] | SkipJsonSchema[None],
    Query(description="Only those that came this way."),
]


@router.get("", summary="List your meetings")
async def list_engagements(
    request: Request, session: Session, caller: User, services: Services, limit: Limit = 20,
    cursor: CursorParameter = None, source: Source = None,
) -> EngagementList:  # fmt: skip
    """The caller's meetings with contacts, the one that was noted last first: not in the order of their times."""
    cursors = Cursor(request)
    found = await repository.list_engagements(
        session, owner_id=caller.user, contact_id=None, source=source, after=cursors.read(cursor), limit=limit + 1
    )
    told = await read_all(session, services.overview, caller.user, found[:limit])
    views = [engagement_of(item, caller.user, services) for item in told]
    return EngagementList(items=views, next_cursor=cursors.after(found[limit - 1].id) if len(found) > limit else None)


@router.get("/{engagement_id}", summary="Read a meeting", responses=problems(NotFound))
async def get_engagement(
    engagement_id: EngagementId, session: Session, caller: User, services: Services, response: Response
) -> Engagement:
    """A meeting of anybody in the account; its owner alone can change it."""
    row = await repository.find_engagement(session, engagement_id)
    if row is None:
        raise NotFound
    [told] = await read_all(session, services.overview, caller.user, [row])
    return _view(response, told, caller, services)


@router.patch(
    "/{engagement_id}",
    summary="Change a meeting",
    responses=problems(Forbidden, NotFound, AlreadyCancelled, BookingNotBegun, CapabilityNotSupported),
)
async def update_engagement(
    engagement_id: EngagementId, body: EngagementUpdate, caller: User, services: Services, if_match: IfMatch,
    response: Response,
) -> Engagement:  # fmt: skip
    """Change what is given. Its event follows, and its guests are told by the calendar. Of a booking only the outcome
    is set here, once it has begun; a no-show is the booking's: `markBookingNoShow`.
    """
    told = await services.meetings.update(caller, engagement_id, body, if_match=if_match)
    return _view(response, told, caller, services)


@router.post(
    "/{engagement_id}/cancel",
    summary="Cancel a meeting",
    responses=problems(Forbidden, NotFound, AlreadyCancelled, CapabilityNotSupported),
)
async def cancel_engagement(
    engagement_id: EngagementId, caller: User, services: Services, if_match: IfMatch, response: Response
) -> Engagement:
    """The meeting does not take place: its event is removed and its guests are told."""
    told = await services.meetings.cancel(caller, engagement_id, if_match=if_match)
    return _view(response, told, caller, services)


def _view(response: Response, told: Told, caller: User, services: Services) -> Engagement:
    response.headers["ETag"] = f'"{told.row.version}"'
    return engagement_of(told, caller.user, services)
