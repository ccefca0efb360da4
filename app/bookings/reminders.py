"""Reminders of meetings, by mail to the visitor, the guests and the hosts (R49).

    remind   [the booking's transaction]  a row: what is left of the page's reminders, and when the next is due
    sweep    [transaction]                those that are due, over all accounts: a job each
    run      [transaction]                booking locked → looked at again → mails, and the row moved on: all or nothing

The one rule: what a row says is judged by its booking under the booking's lock. A meeting that was cancelled, moved or
has begun is not reminded of, and of several reminders that are overdue one is sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.bookings import repository
from app.bookings.event import owner_of_event
from app.bookings.offer import page_time_of_booking
from app.bookings.post import BookingPost
from app.calendar import Clock
from app.calendar_writes.service import find_write
from app.database import transaction
from app.due import take_due_rows
from app.insertion import Rows
from app.models.bookings import Booking
from app.models.directory import DueReminder
from app.queue import Enqueued, Job, enqueue
from app.scheduling.availability import PageTime

_AT_ONCE: Final = 500
_COMES_UP_AGAIN: Final = timedelta(minutes=5)


def remind(rows: Rows, booking: Booking, page: PageTime) -> None:
    """Remind of a booking that was just made or moved, as its page now says; of what is past already, never."""
    left = _left(booking, page.configuration.reminders_minutes_before, booking.updated_at)
    if left:
        rows.add(
            DueReminder(
                booking_id=booking.id,
                account_id=booking.account_id,
                due_at=_due(booking, left[0]),
                minutes_before=left,
            )
        )


async def remind_anew(session: AsyncSession, booking: Booking, page: PageTime) -> None:
    """The same for its new time; what was due of the one before is forgotten. The booking is locked by the caller."""
    await forget(session, booking.id)
    remind(session, booking, page)


async def forget(session: AsyncSession, booking_id: UUID) -> None:
    """Remind of the booking no more."""
    await session.execute(delete(DueReminder).where(DueReminder.booking_id == booking_id))


class Reminders:
    """Runs `remind`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], post: BookingPost, clock: Clock) -> None:
        self._sessions = sessions
        self._post = post
        self._clock = clock

    async def sweep(self) -> int:
        """Ask for every reminder whose time has come; how many bookings there were."""
        async with transaction(self._sessions, None) as session:
            due = await take_due_rows(session, DueReminder, now=self._clock(), again=_COMES_UP_AGAIN, limit=_AT_ONCE)
            await enqueue(session, [Enqueued(Job.REMIND, row.account_id, row.booking_id, once=True) for row in due])
        return len(due)

    async def run(self, account_id: UUID, booking_id: UUID) -> None:
        """Remind of the booking if that is due still, and go on to what is left."""
        async with transaction(self._sessions, account_id) as session:
            booking = await repository.find_booking(session, booking_id, lock=True)
            row = await session.get(DueReminder, booking_id)
            if row is None:
                return
            now = self._clock()
            if booking is None or booking.status != "confirmed" or booking.starts_at <= now:
                await forget(session, booking_id)
                return
            left = _left(booking, row.minutes_before, now)
            jobs = await self._mails(session, booking) if len(left) < len(row.minutes_before) else []
            if left:
                row.minutes_before, row.due_at = left, _due(booking, left[0])
            else:
                await forget(session, booking_id)
            await enqueue(session, jobs)

    async def _mails(self, session: AsyncSession, booking: Booking) -> list[Enqueued]:
        page = await page_time_of_booking(session, booking)
        write = await find_write(session, owner_of_event(booking.id))
        return self._post.reminded(session, booking, page, write)


def _left(booking: Booking, minutes_before: Sequence[int], now: datetime) -> list[int]:
    """The reminders that are still to come, the first first."""
    return sorted((minutes for minutes in minutes_before if _due(booking, minutes) > now), reverse=True)


def _due(booking: Booking, minutes: int) -> datetime:
    return booking.starts_at - timedelta(minutes=minutes)
