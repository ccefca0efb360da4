"""Wishing for an event in a calendar, and reading what became of the wish.

The one rule: a wish commits with whatever it belongs to; the writer makes it true later, exactly once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import EventDraft
from app.ids import new_id
from app.insertion import Rows
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, Connection
from app.queue import Enqueued, Job


def draft_to_json(draft: EventDraft) -> dict[str, Any]:
    """The draft as it is stored."""
    return dict(msgspec.to_builtins(draft))


def draft_from_json(stored: dict[str, Any]) -> EventDraft:
    """The stored draft."""
    return msgspec.convert(stored, EventDraft)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event shall stand: one calendar of one account at a provider."""

    calendar_id: UUID
    provider: str
    subject: str
    """The provider's id of the account."""
    provider_calendar_id: str


def wish_event(rows: Rows, booking: Booking, place: Place, *, key: str, draft: EventDraft) -> CalendarWrite:
    """The event of a new booking shall stand there; the caller inserts the wish and asks for its job."""
    write = CalendarWrite(
        account_id=booking.account_id,
        id=new_id(),
        booking_id=booking.id,
        calendar_id=place.calendar_id,
        provider=place.provider,
        subject=place.subject,
        provider_calendar_id=place.provider_calendar_id,
        key=key,
        draft=draft_to_json(draft),
        status="pending",
    )
    rows.add(write)
    return write


async def change_wish(session: AsyncSession, booking_id: UUID, draft: EventDraft | None) -> Enqueued | None:
    """The booking's event shall be otherwise, or not at all; None when the booking has no calendar."""
    row = (
        await session.execute(
            update(CalendarWrite)
            .where(CalendarWrite.booking_id == booking_id)
            .values(
                draft=None if draft is None else draft_to_json(draft),
                desired_seq=CalendarWrite.desired_seq + 1,
                status="pending",
                attempts=0,
            )
            .returning(CalendarWrite.account_id, CalendarWrite.id)
        )
    ).one_or_none()
    return None if row is None else Enqueued(Job.WRITE_EVENT, row.account_id, row.id)


async def find_write(session: AsyncSession, booking_id: UUID) -> CalendarWrite | None:
    """What became of the booking's event; None when it has none."""
    return await session.scalar(select(CalendarWrite).where(CalendarWrite.booking_id == booking_id))


async def writes_of(session: AsyncSession, booking_ids: list[UUID]) -> dict[UUID, CalendarWrite]:
    """The same for several bookings."""
    rows = await session.scalars(select(CalendarWrite).where(CalendarWrite.booking_id.in_(booking_ids)))
    return {row.booking_id: row for row in rows}


async def readopt_writes(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Writes whose connection went away are its again, when it is to the same account and calendar; not those of
    meetings that are over.
    """
    again = (
        select(CalendarWrite.id, Calendar.id.label("calendar_id"))
        .join(Booking, (Booking.account_id == CalendarWrite.account_id) & (Booking.id == CalendarWrite.booking_id))
        .join(
            Calendar,
            (Calendar.account_id == CalendarWrite.account_id)
            & (Calendar.provider_calendar_id == CalendarWrite.provider_calendar_id),
        )
        .join(Connection, (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id))
        .where(
            Connection.id == connection_id,
            CalendarWrite.calendar_id.is_(None),
            CalendarWrite.provider == Connection.provider,
            CalendarWrite.subject == Connection.subject,
            Booking.ends_at > now,
        )
        .subquery()
    )
    await session.execute(
        update(CalendarWrite)
        .where(CalendarWrite.id == again.c.id)
        .values(calendar_id=again.c.calendar_id)
        .execution_options(synchronize_session=False)
    )


async def resume_writes(session: AsyncSession, connection_id: UUID) -> list[Enqueued]:
    """Wishes of a connection's calendars that are not true yet, to be tried again."""
    rows = await session.execute(
        update(CalendarWrite)
        .where(
            CalendarWrite.calendar_id.in_(select(Calendar.id).where(Calendar.connection_id == connection_id)),
            CalendarWrite.written_seq < CalendarWrite.desired_seq,
        )
        .values(status="pending", attempts=0)
        .returning(CalendarWrite.account_id, CalendarWrite.id)
        .execution_options(synchronize_session=False)
    )
    return [Enqueued(Job.WRITE_EVENT, row.account_id, row.id) for row in rows]
