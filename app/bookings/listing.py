"""The list of somebody's bookings, narrowed and in an order.

The one rule: what is listed is found by an index in its order, under row-level security, however much else there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.bookings import Booking, BookingUser

Order = Literal["created_at", "start_at", "-start_at"]
"""As they were made, as they begin, or the last to begin first."""
_ITS_USERS = and_(BookingUser.account_id == Booking.account_id, BookingUser.booking_id == Booking.id)


@dataclass(frozen=True, slots=True)
class BookingsAsked:
    """Which bookings, from where on; None: whichever."""

    status: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    order: Order = "created_at"
    after: tuple[datetime, UUID] | None = None
    """The start and the id of the one before."""


async def find_bookings(
    session: AsyncSession, user_id: UUID | None, asked: BookingsAsked, *, limit: int
) -> Sequence[Booking]:
    """The bookings that concern a user, or all of the account."""
    query, booking_id, starts_at = select(Booking), Booking.id, Booking.starts_at
    if user_id is not None:  # by rows of their own, whose indexes are in both orders
        query = query.join(BookingUser, _ITS_USERS).where(BookingUser.user_id == user_id)
        booking_id, starts_at = BookingUser.booking_id, BookingUser.starts_at
    if asked.status is not None:
        query = query.where(Booking.status == asked.status)
    if asked.starts_from is not None:
        query = query.where(starts_at >= asked.starts_from)
    if asked.starts_before is not None:
        query = query.where(starts_at < asked.starts_before)
    by = (booking_id,) if asked.order == "created_at" else (starts_at, booking_id)
    backwards = asked.order.startswith("-")
    if asked.after is not None:
        here, there = tuple_(*by), tuple_(*(literal(value) for value in asked.after[-len(by) :]))
        query = query.where(here < there if backwards else here > there)
    query = query.order_by(*(column.desc() if backwards else column.asc() for column in by))
    return (await session.scalars(query.limit(limit))).all()
