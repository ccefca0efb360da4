"""The person's calendar settings: one Save, all or nothing (R4)."""

from fastapi import APIRouter, Response

from app.connections.settings import get_settings
from app.errors import (
    CalendarNotConnected,
    CalendarNotEligible,
    CapabilityNotSupported,
    DomainNotConnected,
    EntitlementRequired,
    NotFound,
    PrimaryCalendarRequired,
    SlugTaken,
)
from app.routers.availability_calendars import checked
from app.routers.dependencies import IfMatch, ReaderLanguage, Services, Session, User
from app.routers.openapi_codes import problems
from app.scheduling.meeting_links import default_page
from app.scheduling.settings_schemas import CalendarSettings, CalendarSettingsUpdate
from app.scheduling.views import settings_view

router = APIRouter(prefix="/v1/calendar-settings", tags=["Settings"])


@router.get("", summary="Read your calendar settings")
async def get_calendar_settings(
    session: Session, caller: User, language: ReaderLanguage, response: Response
) -> CalendarSettings:
    """The caller's settings, the defaults where nothing was saved yet."""
    settings = await get_settings(session, caller.account_id, caller.user)
    response.headers["ETag"] = f'"{settings.version}"'
    default = await default_page(session, settings)
    return settings_view(settings, await checked(session, caller, language), default=default)


@router.patch(
    "",
    summary="Save your calendar settings",
    responses=problems(
        EntitlementRequired,
        NotFound,
        CalendarNotConnected,
        CapabilityNotSupported,
        PrimaryCalendarRequired,
        SlugTaken,
        CalendarNotEligible,
        DomainNotConnected,
    ),
)
async def update_calendar_settings(
    body: CalendarSettingsUpdate, session: Session, caller: User, services: Services,
    language: ReaderLanguage, if_match: IfMatch, response: Response,
) -> CalendarSettings:  # fmt: skip
    """Change what is given, all of it or nothing; absent keeps, null clears."""
    settings = await services.settings_editor.save(session, caller, body, if_match=if_match)
    response.headers["ETag"] = f'"{settings.version}"'
    default = await default_page(session, settings)
    return settings_view(settings, await checked(session, caller, language), default=default)
