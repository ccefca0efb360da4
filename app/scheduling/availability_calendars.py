"""The calendars that are checked before a time is offered: ticked, removed by the X, checked again (R29, R30).

    recheck  look [transaction] → ask the provider which calendars there are [none open] → look [transaction]

The one rule: a calendar that cannot be read blocks until it can be read again, or is removed. A recheck only asks for
a sync: the calendar is active again when its mirror is true again. Whatever frees time has open requests looked at.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.connections import calendar_repository, mirroring
from app.connections.refresh import CalendarRefresher
from app.connections.settings import settings_for_update
from app.database import transaction
from app.errors import CalendarNotConnected, NotFound, PrimaryCalendarRequired, ProviderUnavailable, UpstreamError
from app.models.connections import Calendar, CalendarSync, Connection
from app.models.scheduling import CalendarSettings
from app.providers.base import ProviderError, RateLimited, Transient
from app.queue import Enqueued, Job, enqueue
from app.scheduling.repository import asked_for

Checked = tuple[Calendar, CalendarSync | None, str]
"""A calendar, its mirror, and the status of its connection."""
UNKNOWN_IS_BUSY: Final = "block"
"""What a calendar begins with (R30): what was decided of it goes with its tick."""
_DO_WITHOUT: Final = {"last_known", "ignore"}
"""The policies that let times be booked although the calendar cannot be read."""


async def tick(session: AsyncSession, calendar: Calendar, *, ticked: bool, now: datetime) -> None:
    """Check the calendar from now on, or no more; nothing where that is so already."""
    if ticked == calendar.checked:
        return
    calendar.checked = ticked
    if ticked:
        await mirroring.start_mirroring(session, calendar.account_id, calendar.id, now=now)
        await enqueue(session, [Enqueued(Job.SYNC_CALENDAR, calendar.account_id, calendar.id)])
    else:
        calendar.inactive_reason, calendar.unreachable_policy = None, UNKNOWN_IS_BUSY
        await session.flush()
        await mirroring.stop_unneeded(session, calendar.connection_id, now=now)


async def confirming(session: AsyncSession, settings: CalendarSettings) -> list[Enqueued]:
    """Time may have become free: what was asked for is booked where the page's owner wants that (R26), who is not
    always the one whose time it is.
    """
    user_id = settings.user_id
    wanted = settings.auto_confirm_requests and settings.scheduling_pages and not settings.turned_off
    owners = [owner for owner in await asked_for(session, user_id) if wanted or owner != user_id]
    return [Enqueued(Job.CONFIRM_REQUESTS, settings.account_id, owner) for owner in owners]


async def remove_calendar(session: AsyncSession, principal: Principal, calendar_id: UUID, *, now: datetime) -> None:
    """The X: the others alone decide from here on. Raises: NotFound, PrimaryCalendarRequired."""
    settings = await settings_for_update(session, principal.account_id, principal.user)
    calendar, _ = await _own(session, principal, calendar_id)
    if calendar.is_primary:
        raise PrimaryCalendarRequired
    await tick(session, calendar, ticked=False, now=now)
    settings.version += 1
    add_audit_entry(
        session,
        principal.account_id,
        actor=principal.actor,
        action="availability_calendar.removed",
        subject_id=calendar_id,
    )
    await session.flush()
    await enqueue(session, await confirming(session, settings))


async def set_policy(session: AsyncSession, principal: Principal, calendar_id: UUID, policy: str | None) -> Checked:
    """What to do while the calendar cannot be read; None: as before. Raises: NotFound."""
    settings = await settings_for_update(session, principal.account_id, principal.user)
    calendar, _ = await _own(session, principal, calendar_id)
    if policy is not None:
        await _set_policy(session, principal, settings, calendar, policy)
    checked = await calendar_repository.checked_calendars(session, principal.user)
    return next(item for item in checked if item[0].id == calendar_id)


async def _set_policy(
    session: AsyncSession, principal: Principal, settings: CalendarSettings, calendar: Calendar, policy: str
) -> None:
    calendar.unreachable_policy = policy
    settings.version += 1
    add_audit_entry(
        session,
        principal.account_id,
        actor=principal.actor,
        action="availability_calendar.updated",
        subject_id=calendar.id,
        unreachable_policy=policy,
    )
    await session.flush()
    if policy in _DO_WITHOUT:
        await enqueue(session, await confirming(session, settings))


async def _own(session: AsyncSession, principal: Principal, calendar_id: UUID) -> tuple[Calendar, Connection]:
    """A calendar that is checked for the caller, and its connection."""
    found = await calendar_repository.find_calendar(session, calendar_id)
    if found is None or found[1].user_id != principal.user or not found[0].checked:
        raise NotFound
    return found


class CalendarRecheck:
    """Asks providers about calendars that a person says can be read again."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], refresher: CalendarRefresher) -> None:
        self._sessions = sessions
        self._refresher = refresher

    async def run(self, principal: Principal, calendar_id: UUID) -> Checked:
        """What is known after asking; a sync was asked for, which says the rest.

        Raises: NotFound, CalendarNotConnected, ProviderUnavailable, UpstreamError.
        """
        connection = await self._connection(principal, calendar_id)
        try:
            await self._refresher.run(connection.account_id, connection.id)
        except (Transient, RateLimited) as failure:
            raise ProviderUnavailable from failure
        except ProviderError as failure:
            raise UpstreamError from failure
        await self._connection(principal, calendar_id)  # what was asked may have found that it is broken
        async with transaction(self._sessions, principal.account_id) as session:
            add_audit_entry(
                session,
                principal.account_id,
                actor=principal.actor,
                action="availability_calendar.rechecked",
                subject_id=calendar_id,
            )
            checked = await calendar_repository.checked_calendars(session, principal.user)
            found = next((item for item in checked if item[0].id == calendar_id), None)
        if found is None:
            raise NotFound
        return found

    async def _connection(self, principal: Principal, calendar_id: UUID) -> Connection:
        async with transaction(self._sessions, principal.account_id) as session:
            _, connection = await _own(session, principal, calendar_id)
        if connection.status != "active":
            raise CalendarNotConnected(detail="reauthorization_required")
        return connection
