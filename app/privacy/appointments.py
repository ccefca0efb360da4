"""The bookings and meeting requests of a contact, as their visitor or as a guest.

The one rule: they are found by every address the contact is known by; an address is looked for as it is written, in any
case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crm.person import Person
from app.models.bookings import Booking, MeetingRequest

Appointment = Booking | MeetingRequest
RowT = TypeVar("RowT", Booking, MeetingRequest)


@dataclass(frozen=True, slots=True)
class Appointments:
    """All there are of a person, the oldest first."""

    booked: Sequence[Booking]
    """They were the visitor."""
    asked_for: Sequence[MeetingRequest]
    """The same."""
    joined: Sequence[Booking]
    """Somebody else was the visitor, and named them as a guest."""
    to_join: Sequence[MeetingRequest]
    """The same."""

    @classmethod
    def among(cls, bookings: Sequence[Booking], requests: Sequence[MeetingRequest], person: Person) -> "Appointments":
        """Theirs, told by what part they have in each."""
        return cls(
            booked=[row for row in bookings if person.has(row.visitor_email)],
            asked_for=[row for row in requests if person.has(row.visitor_email)],
            joined=[row for row in bookings if not person.has(row.visitor_email)],
            to_join=[row for row in requests if not person.has(row.visitor_email)],
        )

    @property
    def ids(self) -> frozenset[UUID]:
        """Of every one of them."""
        return frozenset(row.id for row in (*self.own, *self.of_others))

    @property
    def own(self) -> list[Appointment]:
        """Those of which they were the visitor."""
        return [*self.booked, *self.asked_for]

    @property
    def of_others(self) -> list[Appointment]:
        """Those to which somebody else invited them."""
        return [*self.joined, *self.to_join]


async def appointments_of(session: AsyncSession, person: Person, *, lock: bool = False) -> Appointments:
    """Everything; locked, in one order, when asked for: a request first, whose booking may be about to be made."""
    requests = await _rows(session, MeetingRequest, person, lock=lock)
    bookings = await _rows(session, Booking, person, lock=lock)
    return Appointments.among(bookings, requests, person)


async def _rows(session: AsyncSession, kind: type[RowT], person: Person, *, lock: bool) -> Sequence[RowT]:
    query = (
        select(kind)
        .where(or_(person.is_at(kind.visitor_email), _is_guest(kind, person)))
        .order_by(kind.id)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query.with_for_update(key_share=True) if lock else query)).all()


def _is_guest(kind: type[RowT], person: Person) -> ColumnElement[bool]:
    guest = func.unnest(kind.guests).column_valued("guest")
    named = select(guest).where(person.is_at(guest)).exists()
    return and_(not_(person.is_at(kind.visitor_email)), named)
