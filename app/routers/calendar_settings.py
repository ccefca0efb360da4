"""The person's calendar settings: one Save, all or nothing (R4)."""

from fastapi import APIRouter, Request, Response

from app.connections.repository import checked_calendars
from app.connections.settings import get_settings
from app.i18n import Language
from app.routers.dependencies import IfMatch, ReaderLanguage, Services, Session, User
from app.routers.openapi import problems
from app.routers.pagination import Cursor, CursorParameter, Limit
from app.scheduling.meeting_links import default_page
from app.scheduling.settings_schemas import (
    AvailabilityCalendar,
    AvailabilityCalendarList,
    CalendarSettings,
    CalendarSettingsUpdate,
)
from app.scheduling.views import availability_calendar_view, settings_view

router = APIRouter(prefix="/v1", tags=["Settings"])


@router.get("/calendar-settings", summary="Read your calendar settings", responses=problems(401))
async def get_calendar_settings(
    session: Session, caller: User, language: ReaderLanguage, response: Response
) -> CalendarSettings:
    """The caller's settings, the defaults where nothing was saved yet."""
    settings = await get_settings(session, caller.account_id, caller.user)
    response.headers["ETag"] = f'"{settings.version}"'
    default = await default_page(session, settings)
    return settings_view(settings, await _checked(session, caller, language), default=default)


@router.patch(
    "/calendar-settings", summary="Save your calendar settings", responses=problems(401, 403, 404, 409, 412, 422)
)
async def update_calendar_settings(
    body: CalendarSettingsUpdate, session: Session, caller: User, services: Services,
    language: ReaderLanguage, if_match: IfMatch, response: Response,
) -> CalendarSettings:  # fmt: skip
    """Change what is given, all of it or nothing; absent keeps, null clears."""
    settings = await services.settings_editor.save(session, caller, body, if_match=if_match)
    response.headers["ETag"] = f'"{settings.version}"'
    default = await default_page(session, settings)
    return settings_view(settings, await _checked(session, caller, language), default=default)


@router.get(
    "/availability-calendars", summary="List the calendars checked for conflicts", responses=problems(400, 401, 422)
)
async def list_availability_calendars(
    request: Request, session: Session, caller: User, language: ReaderLanguage, limit: Limit = 20,
    cursor: CursorParameter = None,
) -> AvailabilityCalendarList:  # fmt: skip
    """Every calendar that is asked before a time is offered, and whether it can be read."""
    found = await _checked(session, caller, language)
    items, onward = Cursor(request).cut(found, cursor=cursor, limit=limit, key=lambda item: item.calendar_id)
    return AvailabilityCalendarList(items=list(items), next_cursor=onward)


async def _checked(session: Session, caller: User, language: Language) -> list[AvailabilityCalendar]:
    rows = await checked_calendars(session, caller.user)
    return [availability_calendar_view(*row, language) for row in rows]
