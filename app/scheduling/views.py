"""From rows to answers about pages, slots and settings. Pure.

The one rule: what a visitor sees is built field by field, never by leaving fields out of what the owner sees (R34).
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Final

from app.i18n import Language, translate
from app.models.connections import Calendar, CalendarSync
from app.models.scheduling import CalendarSettings, SchedulingPage
from app.outbound.links import Links
from app.scheduling import schemas, settings_schemas
from app.scheduling.availability import PageTime
from app.scheduling.configuration import DEFAULT_DRIFT_POLICIES, Configuration, Location
from app.scheduling.team import Member

_CONNECTED: Final = {"ready", "unavailable"}
"""What is said of a member who has a calendar, whether or not it can be read."""


def page_view(
    page: SchedulingPage,
    links: Links,
    *,
    members: Sequence[Member],
    host: str | None,
    settings: CalendarSettings,
) -> schemas.SchedulingPage:
    """A page, as its owner sees it: online or offline, turned off or not, as visitors find it.

    `host` is the owner's domain, None the shared one; `settings` are the owner's.
    """
    document = Configuration.model_validate(page.configuration)
    online = any(member.status in _CONNECTED for member in members)
    return schemas.SchedulingPage.model_validate(
        {
            **{name: getattr(document, name) for name in type(document).model_fields},
            "redirect_url": None if document.redirect_url is None else str(document.redirect_url),
            "id": page.id,
            "type": page.type,
            "members": [schemas.PageMember.model_validate(asdict(member)) for member in members],
            "name": page.name,
            "slug": page.slug,
            "meeting_link": links.meeting(page.slug, host=host),
            "mode": "online" if online else "offline",
            "turned_off": settings.turned_off or not settings.scheduling_pages,
            "version": page.version,
            "allowed_actions": ["update"] if _is_needed(page, settings) else ["update", "delete"],
            "created_at": page.created_at,
            "updated_at": page.updated_at,
        }
    )


def _is_needed(page: SchedulingPage, settings: CalendarSettings) -> bool:
    """Whether links lead there that its owner has chosen: the default's, the chat's."""
    return page.id == settings.default_page_id or (settings.chat_enabled and page.id == settings.chat_page_id)


def public_page_view(page: PageTime, *, video: Collection[str]) -> schemas.PublicSchedulingPage:
    """A page, as a visitor sees it; `video` are the providers that make the link of a video call."""
    document = page.configuration
    promised = document.location.kind != "video" or _makes_links(page, video)
    return schemas.PublicSchedulingPage(
        id=page.page_id,
        name=page.name,
        host_name=page.public_host_name,
        description=document.description,
        mode=page.mode.value,
        host_available=not page.unavailable,
        time_zone=document.time_zone,
        durations_minutes=sorted(document.durations_minutes),
        form_fields=document.form_fields,
        max_guests=document.max_guests,
        consent_text=document.consent_text,
        language=document.language,
        location=document.location if promised else Location(kind="none"),
        redirect_url=None if document.redirect_url is None else str(document.redirect_url),
    )


def _makes_links(page: PageTime, video: Collection[str]) -> bool:
    """Whether a video call's link may come with the event: by a calendar that its meetings may land in, as far as that
    is known.
    """
    places = [seating.destination for seating in page.seatings()]
    known = {place.provider for place in places if place is not None}
    return not known or not known.isdisjoint(video)


def availability_calendar_view(
    calendar: Calendar, sync: CalendarSync | None, connection_status: str, language: Language
) -> settings_schemas.AvailabilityCalendar:
    """A checked calendar; nothing can be read of an account that waits to be connected again."""
    reason = calendar.inactive_reason if connection_status == "active" else "access_lost"
    return settings_schemas.AvailabilityCalendar(
        calendar_id=calendar.id,
        name=calendar.name,
        is_primary=calendar.is_primary,
        status="active" if reason is None else "inactive",
        inactive_reason=reason,
        remedy=None if reason is None else translate(language, _remedy(calendar, reason, connection_status)),
        unreachable_policy=calendar.unreachable_policy,
        last_synced_at=None if sync is None else sync.last_succeeded_at,
        allowed_actions=["update", "recheck"] if calendar.is_primary else ["update", "recheck", "remove"],
    )


def _remedy(calendar: Calendar, reason: str, connection_status: str) -> str:
    """The key of what helps: anything but the primary can be removed, too."""
    if connection_status != "active":
        return "remedy.connection_inactive"
    return "remedy.primary_lost" if calendar.is_primary else f"remedy.{reason}"


def settings_view(
    settings: CalendarSettings,
    calendars: list[settings_schemas.AvailabilityCalendar],
    *,
    default: SchedulingPage | None,
) -> settings_schemas.CalendarSettings:
    """The person's settings; `default` is their default page, chosen or not."""
    return settings_schemas.CalendarSettings(
        calendar_sync=settings.calendar_sync,
        task_sync=settings.task_sync,
        scheduling_pages=settings.scheduling_pages,
        turned_off=settings.turned_off,
        tentative_blocks=settings.tentative_blocks,
        availability_calendars=calendars,
        meetings_url=settings.meetings_url,
        default_page_id=None if default is None else default.id,
        domain_id=settings.domain_id,
        chat_profile=settings_schemas.ChatProfile(
            enabled=settings.chat_enabled, page_id=settings.chat_page_id, widget_key=settings.widget_key
        ),
        drift_policies=settings_schemas.DriftPolicies.model_validate(DEFAULT_DRIFT_POLICIES | settings.drift_policies),
        auto_confirm_requests=settings.auto_confirm_requests,
        version=settings.version,
    )
