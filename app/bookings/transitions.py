"""A booking gets another time, or ends.

The one rule: whether a visitor, a host or the calendar moves or ends it, the same code does it, so that nothing that
depends on it is forgotten: the SEQUENCE of invitations, the reservation, the reminders, what the host was asked. The
booking and its hosts are locked by the caller, who tells of the change as well: the job that numbers that event numbers
those written here.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings import repository
from app.bookings.drift import ledger
from app.bookings.drift.news import supersede
from app.bookings.drift.planner import Kind, TimeSpan
from app.bookings.reminders import forget, remind_anew
from app.models.bookings import Booking
from app.queue import Enqueued, Job, enqueue
from app.scheduling.availability import PageTime

_OF_ITS_TIME: Final = frozenset({Kind.MOVED, Kind.RESIZED, Kind.DELETED})


async def move(session: AsyncSession, booking: Booking, page: PageTime, to: TimeSpan, *, now: datetime) -> TimeSpan:
    """Give it the time that was reserved for it (`repository.move_time`); the one it had before.

    What the host was asked about its event's time is no question any more: the event is where the booking is, or comes.
    """
    former = booking.starts_at, booking.ends_at
    booking.starts_at, booking.ends_at = to
    await repository.part_with_leavers(session, booking)
    _touch(booking, now)
    if booking.starts_at != former[0]:  # reminders go by the start: one that is longer now is reminded of as before
        await remind_anew(session, booking, page)
    asked = await ledger.open_entries(session, booking.id)
    supersede(session, [entry for kind, entry in asked.items() if kind in _OF_ITS_TIME], now=now)
    await _follow_refused(session, booking, former)
    return former


async def end(session: AsyncSession, booking: Booking, *, by: str, reason: str | None = None, now: datetime) -> None:
    """Cancel it, and give its time back; where its event stands is no question any more."""
    booking.status, booking.cancelled_by, booking.cancel_reason = "cancelled", by, reason
    booking.cancelled_at = now
    _touch(booking, now)
    await repository.free_time(session, booking.id)
    await forget(session, booking.id)
    supersede(session, (await ledger.open_entries(session, booking.id)).values(), now=now)
    await _follow_refused(session, booking, (booking.starts_at, booking.ends_at))


def restate(booking: Booking) -> None:
    """Nothing about it changes, but that its invitation is newer than what a provider told of its event."""
    booking.sequence += 1


async def _follow_refused(session: AsyncSession, booking: Booking, freed: TimeSpan) -> None:
    """Events that their host has moved to where this booking was may stand there now."""
    waiting = await ledger.refused_moves(session, booking.host_ids, freed)
    await enqueue(session, [Enqueued(Job.FOLLOW_REFUSED, booking.account_id, each) for each in waiting])


def _touch(booking: Booking, now: datetime) -> None:
    booking.sequence += 1
    booking.version += 1
    booking.updated_at = now
