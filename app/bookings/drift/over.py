"""Questions about meetings that are over: nobody answers them any more.

The one rule: what the ledger answers its reader as superseded is written down, and told, within a day.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.drift.news import supersede
from app.models.bookings import Booking
from app.models.drift import DriftEntry
from app.queue import enqueue

_AT_ONCE: Final = 100


async def close_what_is_over(session: AsyncSession, account_id: UUID, now: datetime) -> bool:
    """Supersede some of the account's open entries whose meeting is over; whether there may be more."""
    booked = and_(Booking.account_id == DriftEntry.account_id, Booking.id == DriftEntry.booking_id)
    over = await session.scalars(
        select(DriftEntry)
        .join(Booking, booked)
        .where(DriftEntry.account_id == account_id, DriftEntry.status == "open", Booking.ends_at <= now)
        .order_by(DriftEntry.id)
        .limit(_AT_ONCE)
        .with_for_update(of=DriftEntry, skip_locked=True)  # whoever decides about one has it closed
    )
    entries = over.all()
    told = supersede(session, entries, now=now)
    await enqueue(session, told)
    return len(entries) == _AT_ONCE
