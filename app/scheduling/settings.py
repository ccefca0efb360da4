"""The Save button: calendar settings changed all at once or not at all (R4).

The one rule: every change is checked before the first is made. A value that is so already is no change, and stays even
if it could not be chosen any more. Null restores the default.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import AccessRole, Clock, ProviderName
from app.connections.calendar_repository import list_calendar_syncs, list_calendars
from app.connections.capabilities import Capability, CapabilityState, require
from app.connections.eligibility import ineligible_reason
from app.connections.overview import Overview
from app.connections.repository import list_connections
from app.connections.settings import settings_for_update
from app.errors import (
    CalendarNotConnected,
    CalendarNotEligible,
    CapabilityNotSupported,
    DomainNotConnected,
    NotFound,
    PrimaryCalendarRequired,
    require_version,
)
from app.models.connections import Calendar, Connection
from app.models.scheduling import CalendarSettings
from app.outbound.links import Links
from app.queue import Enqueued, Job, enqueue
from app.scheduling import repository
from app.scheduling.availability_calendars import confirming, tick
from app.scheduling.chat import give_widget_key
from app.scheduling.domains.repository import hold_connected
from app.scheduling.meeting_links import default_page
from app.scheduling.pages import get_page
from app.scheduling.settings_schemas import CalendarSettingsUpdate
from app.scheduling.slug_conflicts import slug_taken

_DEFAULTS = {
    "task_sync": False,
    "scheduling_pages": True,
    "turned_off": False,
    "tentative_blocks": True,
    "auto_confirm_requests": False,
}

_FREES = {"auto_confirm_requests", "scheduling_pages", "turned_off", "tentative_blocks", "availability_calendar_ids"}
"""What may let a request be booked that could not be before."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What it takes to save some of the settings."""

    meetings_url: Entitlement
    """The user's seat (R35)."""
    default_page: Entitlement
    """The account's subscription (R36)."""
    custom_domain: Entitlement
    """The account's subscription (R37)."""


class SettingsEditor:
    """Changes calendar settings."""

    def __init__(self, overview: Overview, links: Links, clock: Clock, *, allowed: Allowed) -> None:
        self._overview = overview
        self._links = links
        self._clock = clock
        self._allowed = allowed

    async def save(
        self, session: AsyncSession, principal: Principal, body: CalendarSettingsUpdate, *, if_match: int | None
    ) -> CalendarSettings:
        """Grant all that is asked for, or raise the first refusal and change nothing."""
        settings = await settings_for_update(session, principal.account_id, principal.user)
        require_version(if_match, settings.version)
        given = body.model_dump(exclude_unset=True)
        await self._check_capabilities(session, principal, settings, given)
        await self._save_meetings_url(session, principal, settings, given)
        await self._save_pages(session, principal, settings, body)
        if "availability_calendar_ids" in given:
            await self._save_calendars(session, principal, body.availability_calendar_ids)
        await self._save_switches(session, principal, settings, given)
        _save_policies(settings, body)
        settings.version += 1
        add_audit_entry(
            session,
            principal.account_id,
            actor=principal.actor,
            action="calendar_settings.updated",
            subject_id=principal.user,
            fields=sorted(given),
        )
        await session.flush()
        return settings

    async def _check_capabilities(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, given: dict[str, object]
    ) -> None:
        wanted = [name for name in (Capability.CALENDAR_SYNC, Capability.TASK_SYNC) if given.get(name.value) is True]
        if news := [name for name in wanted if not getattr(settings, name.value)]:
            states = await self._overview.capabilities(session, principal)
            for capability in news:
                _require_with_seat(capability, states, self._overview, principal)
        if Capability.TASK_SYNC in wanted and not await self._syncs(session, principal, settings, given):
            raise CapabilityNotSupported(
                detail="calendar_sync_off", extra={"capability": "task_sync", "reason": "calendar_sync_off"}
            )

    async def _syncs(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, given: dict[str, object]
    ) -> bool:
        """Whether the sync is on after this Save."""
        if "calendar_sync" not in given:
            return settings.calendar_sync
        wanted = given["calendar_sync"]
        return await self._can_sync(session, principal) if wanted is None else bool(wanted)

    async def _save_switches(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, given: dict[str, object]
    ) -> None:
        for name in given.keys() & _DEFAULTS.keys():
            setattr(settings, name, _DEFAULTS[name] if given[name] is None else given[name])
        before = settings.calendar_sync
        settings.calendar_sync = await self._syncs(session, principal, settings, given)
        if settings.calendar_sync and not before:
            await self._match_again(session, principal)
        if not settings.calendar_sync:
            settings.task_sync = False  # R22: tasks need the sync
        jobs = await confirming(session, settings) if given.keys() & _FREES else []
        if settings.task_sync:
            jobs.append(Enqueued(Job.PLACE_TASKS, settings.account_id, settings.user_id))
        if jobs:
            await enqueue(session, jobs)

    async def _match_again(self, session: AsyncSession, principal: Principal) -> None:
        """What was not followed while the sync was off stands in a calendar that is mirrored."""
        links = await list_connections(session, principal.user)
        mirrored = [calendar for link in links for calendar, _ in await list_calendar_syncs(session, link.id)]
        await enqueue(session, [Enqueued(Job.MATCH_CALENDAR, item.account_id, item.id) for item in mirrored])

    async def _can_sync(self, session: AsyncSession, principal: Principal) -> bool:
        """R17: the sync is on at first, where there can be one."""
        states = await self._overview.capabilities(session, principal)
        return any(state.available for state in states if state.capability is Capability.CALENDAR_SYNC)

    async def _save_meetings_url(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, given: dict[str, object]
    ) -> None:
        if "meetings_url" not in given or given["meetings_url"] == settings.meetings_url:
            return
        prefix = given["meetings_url"]
        if prefix is not None:
            self._allowed.meetings_url.require(principal.seats)
            taken_by = await repository.register_prefix(session, str(prefix), principal.account_id, principal.user)
            if taken_by is not None:
                raise await slug_taken(session, principal.account_id, str(prefix), self._links, kinds=[taken_by])
        settings.meetings_url = None if prefix is None else str(prefix)

    async def _save_pages(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, body: CalendarSettingsUpdate
    ) -> None:
        given = body.model_fields_set
        if "domain_id" in given:
            await self._choose_domain(session, principal, settings, body.domain_id)
        if "default_page_id" in given:
            await self._choose_default_page(session, principal, settings, body.default_page_id)
        if "chat_profile" in given:
            chat = body.chat_profile
            settings.chat_enabled = chat is not None and chat.enabled
            settings.chat_page_id = await self._own_page(session, principal, chat.page_id if chat is not None else None)
            give_widget_key(session, settings)

    async def _choose_domain(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, domain_id: UUID | None
    ) -> None:
        """All links of the person are on it from now on (R37); null: the shared one."""
        if domain_id is not None and domain_id != settings.domain_id:
            self._allowed.custom_domain.require(principal.subscriptions)
            if not await hold_connected(session, domain_id):
                raise DomainNotConnected
        settings.domain_id = domain_id

    async def _choose_default_page(
        self, session: AsyncSession, principal: Principal, settings: CalendarSettings, page_id: UUID | None
    ) -> None:
        """Another one than it is takes a subscription (R36); null: the oldest, as at first."""
        chosen = await self._own_page(session, principal, page_id)
        before = await default_page(session, settings)
        settings.default_page_id = chosen
        after = await default_page(session, settings)
        if before is not None and after is not None and before.id != after.id:
            self._allowed.default_page.require(principal.subscriptions)

    @staticmethod
    async def _own_page(session: AsyncSession, principal: Principal, page_id: UUID | None) -> UUID | None:
        return None if page_id is None else (await get_page(session, principal, page_id)).id

    async def _save_calendars(self, session: AsyncSession, principal: Principal, wanted: list[UUID] | None) -> None:
        """Null: the primary alone."""
        found = await self._calendars(session, principal)
        if wanted and not found:
            raise CalendarNotConnected
        chosen = {calendar.id for calendar, _ in found if calendar.is_primary} if wanted is None else set(wanted)
        if unknown := chosen - {calendar.id for calendar, _ in found}:
            raise NotFound(values={"count": len(unknown)})
        for calendar, connection in found:
            if calendar.is_primary and calendar.id not in chosen:
                raise PrimaryCalendarRequired
            if calendar.id in chosen and not calendar.checked:
                self._check_eligible(calendar, connection)
        for calendar, _ in found:
            await tick(session, calendar, ticked=calendar.id in chosen, now=self._clock())

    @staticmethod
    async def _calendars(session: AsyncSession, principal: Principal) -> list[tuple[Calendar, Connection]]:
        links = await list_connections(session, principal.user)
        return [(calendar, link) for link in links for calendar in await list_calendars(session, link.id)]

    def _check_eligible(self, calendar: Calendar, connection: Connection) -> None:
        reason = ineligible_reason(
            AccessRole(calendar.role),
            primary=calendar.is_primary,
            connection_active=connection.status == "active",
            additional_supported=self._overview.features(
                ProviderName(connection.provider)
            ).additional_availability_calendars,
            inactive=calendar.inactive_reason is not None,
        )
        if reason is not None:
            raise CalendarNotEligible(detail=reason, extra={"reason": reason.value})


def _require_with_seat(
    capability: Capability, states: tuple[CapabilityState, ...], overview: Overview, principal: Principal
) -> None:
    """A missing seat is an entitlement's refusal, anything else the capability's."""
    state = next(item for item in states if item.capability is capability)
    if state.reason == "seat_required":
        overview.task_sync_seat.require(principal.seats)
    require(capability, states)


def _save_policies(settings: CalendarSettings, body: CalendarSettingsUpdate) -> None:
    """Only what differs from how it is at first is kept; what that is may change."""
    if "drift_policies" not in body.model_fields_set:
        return
    given = {} if body.drift_policies is None else body.drift_policies.model_dump(exclude_unset=True)
    kept = {} if body.drift_policies is None else dict(settings.drift_policies)
    settings.drift_policies = {kind: policy for kind, policy in (kept | given).items() if policy is not None}
