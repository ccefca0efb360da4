"""The calendars that decide when the caller is free: which they are, let go of one, have one looked at again (R30)."""

from fastapi import APIRouter, Request, Response

from app.connections.calendar_repository import checked_calendars
from app.errors import CalendarNotConnected, NotFound, PrimaryCalendarRequired, ProviderUnavailable, UpstreamError
from app.i18n import Language
from app.ids import CalendarId
from app.routers.dependencies import ReaderLanguage, Services, Session, User
from app.routers.openapi_codes import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.routers.rate_limits import LimitedLookup
from app.scheduling.availability_calendars import UNKNOWN_IS_BUSY, remove_calendar, set_policy
from app.scheduling.settings_schemas import AvailabilityCalendar, AvailabilityCalendarList, AvailabilityCalendarUpdate
from app.scheduling.views import availability_calendar_view

router = APIRouter(prefix="/v1/availability-calendars", tags=["Settings"])


@router.get("", summary="List the calendars checked for conflicts")
async def list_availability_calendars(
    request: Request, session: Session, caller: User, language: ReaderLanguage, limit: Limit = 20,
    cursor: CursorParameter = None,
) -> AvailabilityCalendarList:  # fmt: skip
    """Every calendar that is asked before a time is offered, and whether it can be read."""
    found = await checked(session, caller, language)
    items, onward = Cursor(request).cut(found, cursor=cursor, limit=limit, key=lambda item: item.calendar_id)
    return AvailabilityCalendarList(items=list(items), next_cursor=onward)


@router.delete(
    "/{calendar_id}",
    summary="Stop checking a calendar",
    status_code=204,
    responses=problems(NotFound, PrimaryCalendarRequired),
)
async def remove_availability_calendar(
    calendar_id: CalendarId, session: Session, caller: User, services: Services
) -> Response:
    """The X: the other calendars alone decide from here on. Where it could not be read, booking works again at once."""
    await remove_calendar(session, caller, calendar_id, now=services.clock())
    return Response(status_code=204)


@router.patch("/{calendar_id}", summary="Say what an unreadable calendar means", responses=problems(NotFound))
async def update_availability_calendar(
    calendar_id: CalendarId,
    body: AvailabilityCalendarUpdate,
    session: Session,
    caller: User,
    language: ReaderLanguage,
) -> AvailabilityCalendar:
    """Choose what happens to your pages while this calendar cannot be read; null goes back to `block`."""
    policy = body.unreachable_policy or (UNKNOWN_IS_BUSY if body.model_fields_set else None)
    return availability_calendar_view(*await set_policy(session, caller, calendar_id, policy), language)


@router.post(
    "/{calendar_id}/recheck",
    summary="Check a calendar again",
    responses=problems(NotFound, CalendarNotConnected, UpstreamError, ProviderUnavailable),
    dependencies=[LimitedLookup],
)
async def recheck_availability_calendar(
    calendar_id: CalendarId, caller: User, services: Services, language: ReaderLanguage
) -> AvailabilityCalendar:
    """Have the provider asked now whether the calendar is there, and its events read.

    It is `active` again as soon as they have been, some seconds later: `availability_calendar.active` tells of it.
    """
    return availability_calendar_view(*await services.recheck.run(caller, calendar_id), language)


async def checked(session: Session, caller: User, language: Language) -> list[AvailabilityCalendar]:
    """All that are checked for the caller, as told."""
    rows = await checked_calendars(session, caller.user)
    return [availability_calendar_view(*row, language) for row in rows]
