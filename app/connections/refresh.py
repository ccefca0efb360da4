"""The job that asks a provider anew which calendars a connection has.

    list   [none open]    the calendars; and of a mirrored one that is not listed, whether it shows its times
    save   [transaction]  what is there now, and what is lost

The one rule: what a person ticked stays ticked. A mirrored calendar that its person took off their list is not lost
while it can be read; one that cannot says so, and blocks (R30).
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import AccessRole, CalendarRef, Clock, Timed
from app.connections import calendar_repository, mirroring, repository
from app.connections.access import CalendarAccess
from app.connections.eligibility import InactiveReason, is_reduced
from app.connections.health import mark_broken
from app.connections.news import tell_of_calendar
from app.database import transaction
from app.models.connections import Calendar
from app.providers.base import CalendarGone, CalendarSession, PermissionDenied, ReauthRequired, Unsupported
from app.queue import enqueue

_A_MOMENT: Final = timedelta(hours=1)
"""Any time will do to learn whether a calendar shows its times."""

log = structlog.get_logger(__name__)


class CalendarRefresher:
    """Runs `refresh_calendars`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], access: CalendarAccess, clock: Clock) -> None:
        self._sessions = sessions
        self._access = access
        self._clock = clock

    async def run(self, account_id: UUID, connection_id: UUID) -> None:
        """List, then save. A provider that cannot be asked now raises, and the job comes back."""
        async with transaction(self._sessions, account_id) as session:
            connection = await repository.find_connection(session, connection_id)
        if connection is None or connection.status != "active":
            return
        try:
            provider = self._access.open(account_id, connection_id, connection.provider)
            refs = await provider.list_calendars()
            shown = await self._shown(provider, account_id, connection_id, {ref.id for ref in refs})
        except ReauthRequired as error:
            reason = error.provider_code or "token_revoked"
            async with transaction(self._sessions, account_id) as session:
                await mark_broken(session, connection, reason=reason, now=self._clock())
            return
        except (PermissionDenied, CalendarGone, Unsupported) as refusal:  # asking again at once changes nothing
            log.warning("calendars.not_listed", connection_id=str(connection_id), error=refusal.code)
            return
        async with transaction(self._sessions, account_id) as session:
            if await repository.lock_connection(session, connection_id) is not None:
                await self._save(session, account_id, connection_id, refs, shown)

    async def _shown(
        self, provider: CalendarSession, account_id: UUID, connection_id: UUID, listed: Collection[str]
    ) -> set[str]:
        """The mirrored calendars that are not listed, and show their times all the same."""
        async with transaction(self._sessions, account_id) as session:
            mirrored = await calendar_repository.list_calendar_syncs(session, connection_id)
        asked = [item.provider_calendar_id for item, _ in mirrored if item.provider_calendar_id not in listed]
        if not asked:
            return set()
        now = self._clock()
        answers = await provider.free_busy(asked, Timed(now, now + _A_MOMENT))
        return {name for name, times in answers.items() if not times.refused}

    async def _save(
        self,
        session: AsyncSession,
        account_id: UUID,
        connection_id: UUID,
        refs: Collection[CalendarRef],
        shown: Collection[str],
    ) -> None:
        now = self._clock()
        calendars = await calendar_repository.save_calendars(session, account_id, connection_id, refs, now=now)
        listed, told = {ref.id for ref in refs}, []
        await calendar_repository.readmit_calendars(session, connection_id, listed)
        for calendar in calendars:
            known = calendar.provider_calendar_id in listed or calendar.provider_calendar_id in shown
            reason = _inactive_reason(calendar, known=known)
            if reason is not None and calendar.inactive_reason is None:
                calendar.inactive_reason = reason
                told += [tell_of_calendar(session, calendar, now=now)] if calendar.checked else []
                log.info("calendar.inactive", calendar_id=str(calendar.id), reason=reason.value)
        await session.flush()
        await mirroring.stop_unneeded(session, connection_id, now=now)
        mirrored = await calendar_repository.list_calendar_syncs(session, connection_id)
        syncs = await mirroring.ask_for_syncs(session, account_id, [calendar.id for calendar, _ in mirrored], now=now)
        await enqueue(session, [*syncs, *told])


def _inactive_reason(calendar: Calendar, *, known: bool) -> InactiveReason | None:
    """Why the calendar cannot be checked for conflicts now; a sync that succeeds takes it back, else a listing."""
    if not known:
        return InactiveReason.ACCESS_LOST
    reduced = is_reduced(AccessRole(calendar.role), primary=calendar.is_primary)
    return InactiveReason.PERMISSION_REDUCED if reduced and calendar.checked else None
