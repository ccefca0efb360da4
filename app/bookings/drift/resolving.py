"""The host decides about drift that waits for them.

The one rule: the host decides about what they were shown; if that is no longer so, the entry is superseded and nothing
else happens.
"""

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.bookings.drift import ledger
from app.bookings.drift.effects import DriftEffects, take
from app.bookings.drift.following import BookingFollower
from app.bookings.drift.news import supersede, tell_of_drift
from app.bookings.drift.planner import Kind, Policy
from app.bookings.offer import page_time_of_booking, slot_taken
from app.calendar import Clock
from app.errors import AlreadyProcessed, NotFound, OutsideBookingWindow, RequestInProgress
from app.models.drift import DriftEntry
from app.queue import enqueue


class DriftResolver:
    """Takes the host's word."""

    def __init__(self, follower: BookingFollower, effects: DriftEffects, clock: Clock) -> None:
        self._follower = follower
        self._effects = effects
        self._clock = clock

    async def resolve(
        self, session: AsyncSession, principal: Principal, entry_id: UUID, resolution: Literal["adopt", "restore"]
    ) -> DriftEntry:
        """Adopt or restore.

        Raises: NotFound, AlreadyProcessed, RequestInProgress (a write is on its way), SlotUnavailable,
        OutsideBookingWindow (what is all-day or past cannot be a booking's time).
        """
        entry = await get_own_entry(session, principal, entry_id)
        booking, write = await self._follower.lock(session, entry.booking_id)
        entry = await ledger.find_entry(session, entry_id, lock=True) or entry
        if booking is None or write is None or entry.status != "open":
            raise AlreadyProcessed
        kind = Kind(entry.kind)
        case, todo = await self._follower.plan_as_decided(session, booking, write, kind, Policy(resolution))
        if case.facts.pending:
            raise RequestInProgress(retry_after=5)
        shown = ledger.finding_of(entry)
        mine = [
            item for item in todo.findings
            if (item.kind, item.observed, item.event_ids) == (kind, shown.observed, shown.event_ids)
        ]  # fmt: skip
        if not mine:
            await enqueue(session, supersede(session, [entry], now=self._clock()))
            return entry
        if mine[0].decision is Policy.ASK:
            raise OutsideBookingWindow
        page = await page_time_of_booking(session, booking)
        if todo.move_to is not None and not await take(session, booking, page, todo.move_to):
            now, start = int(case.facts.now.timestamp()), int(todo.move_to[0].timestamp())
            page = await page_time_of_booking(session, booking, at=start)
            raise slot_taken(page, booking.duration_minutes, start=start, now=now)
        entry.status, entry.resolution, entry.resolved_by = "resolved", resolution, "host"
        entry.resolved_at = self._clock()
        jobs = await self._effects.act(session, case, page, todo)
        add_audit_entry(
            session, entry.account_id, actor=principal.actor, action="drift_entry.resolved", subject_id=entry.id
        )
        jobs.append(tell_of_drift(session, entry))
        await enqueue(session, jobs)
        return entry


async def get_own_entry(session: AsyncSession, principal: Principal, entry_id: UUID) -> DriftEntry:
    """The caller's entry. Raises: NotFound."""
    entry = await ledger.find_entry(session, entry_id)
    if entry is None or entry.host_id != principal.user:
        raise NotFound
    return entry
