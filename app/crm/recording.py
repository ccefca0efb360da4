"""Putting on the timelines what the service itself has done: bookings, and what became of meetings we wrote.

The one rule: the engagement is made to match the booking or the write as it is now, so that an extra job, or one out
of order, changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock, Response
from app.calendar_writes.service import Owner, change_wish, find_write
from app.crm import repository
from app.crm.invitations import NotSent
from app.crm.news import tell_as_it_is, tell_of_contact, touch_and_tell
from app.database import transaction
from app.events.types import EventType
from app.ids import new_id
from app.models.bookings import Booking, MeetingRequest
from app.models.calendar_writes import CalendarWrite
from app.models.crm import Contact, Engagement
from app.queue import Enqueued, Job, enqueue
from app.sync.people import AddressBook

RowT = TypeVar("RowT", Booking, MeetingRequest)
_OUTCOMES = {"confirmed": "scheduled", "cancelled": "cancelled", "no_show": "no_show"}
_NOT_WANTED = frozenset(NotSent) - {NotSent.ALREADY_OVER}
"""Why an invitation that had to wait is not sent any more; one that waited until its meeting was over has failed."""


class Forget(Protocol):
    """Strikes somebody who was erased, by the hash of their address and its spelling, from a row that is locked."""

    async def __call__(
        self, session: AsyncSession, row: Booking | MeetingRequest, address_hash: bytes, address: str, *, now: datetime
    ) -> list[Enqueued]: ...


class BookingRecorder:
    """Runs `record_booking`."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], people: AddressBook, clock: Clock, *, forget: Forget
    ) -> None:
        self._sessions = sessions
        self._people = people
        self._clock = clock
        self._forget = forget

    async def run(self, account_id: UUID, booking_id: UUID) -> None:
        """The booking's engagement as the booking is; its visitor becomes a contact. So does who has only asked."""
        async with transaction(self._sessions, account_id) as session:
            booking = await _locked(session, Booking, booking_id)
            request = None if booking is not None else await _locked(session, MeetingRequest, booking_id)
            jobs: list[Enqueued] = []
            if booking is not None:
                jobs = await self._strike(session, booking)
                jobs += await self._record(session, booking)
            elif request is not None:
                jobs = await self._strike(session, request)
                jobs += await self._know(session, request)
            await enqueue(session, jobs)

    async def _strike(self, session: AsyncSession, row: Booking | MeetingRequest) -> list[Enqueued]:
        """Who was erased while it was being written stays erased. Who is being erased now is waited for."""
        hasher = await self._people.hasher(session, row.account_id)
        people = {hasher.hash(address): address for address in (row.visitor_email, *row.guests) if address}
        await repository.contacts_with(session, people, hold=True)
        erased = await repository.erased_after(session, people, row.created_at)
        struck = [await self._forget(session, row, each, people[each], now=self._clock()) for each in erased]
        return list(chain.from_iterable(struck))

    async def _record(self, session: AsyncSession, booking: Booking) -> list[Enqueued]:
        row = await repository.find_of_booking(session, booking.id)
        visitor, others, jobs = await self._contacts(session, booking, row)
        if visitor is None and (row is None or not others):
            return []  # who booked was erased since, and nobody else is left
        write = await find_write(session, Owner("booking", booking.id))
        event, moved = _news(row, booking), row is None or (row.booking_version or 0) < booking.version
        if row is None:
            row = _new_engagement(booking, now=self._clock())
            session.add(row)
        if moved:
            _take_over(row, booking, now=self._clock())
        shown = _show_event(row, write)
        await session.flush()
        answer = (write.guest_response if write is not None else None) or Response.NEEDS_ACTION.value
        wanted = {contact.id: ("attendee", Response.NEEDS_ACTION.value) for contact in others}
        wanted |= {} if visitor is None else {visitor.id: ("attendee", answer)}
        answered = await repository.save_participants(session, row.account_id, row.id, wanted)
        if moved:
            return [*jobs, await tell_as_it_is(session, event, row)]
        if answered or shown:
            return [*jobs, await touch_and_tell(session, event, row, now=self._clock())]
        return jobs

    async def _know(self, session: AsyncSession, request: MeetingRequest) -> list[Enqueued]:
        """Who asked is a contact, and can be exported and erased (R54)."""
        visitor = (await self._people.hasher(session, request.account_id)).hash(request.visitor_email)
        if not request.visitor_email or visitor in await repository.contacts_with(session, [visitor]):
            return []
        return (await self._welcome(session, request, visitor))[1]

    async def _contacts(
        self, session: AsyncSession, booking: Booking, row: Engagement | None
    ) -> tuple[Contact | None, list[Contact], list[Enqueued]]:
        """The visitor, made a contact when new, None when erased since; and the guests who are known. Who takes part
        already and has another address since stays.
        """
        hasher = await self._people.hasher(session, booking.account_id)
        visitor = hasher.hash(booking.visitor_email)
        known = await repository.contacts_with(session, [visitor, *map(hasher.hash, booking.guests)])
        guests = [known[hashed] for hashed in map(hasher.hash, booking.guests) if hashed in known]
        renamed = await _known_otherwise(session, row, known)
        if visitor in known:
            return known[visitor], [*guests, *renamed], []
        if not booking.visitor_email:
            return None, [*guests, *renamed], []
        if renamed:
            same = next((one for one in renamed if one.name == booking.visitor_name), renamed[0])
            return same, [*guests, *renamed], []
        contact, jobs = await self._welcome(session, booking, visitor)
        return contact, guests, jobs

    async def _welcome(
        self, session: AsyncSession, booking: Booking | MeetingRequest, address_hash: bytes
    ) -> tuple[Contact, list[Enqueued]]:
        now = self._clock()
        made = await repository.insert_contact(
            session,
            account_id=booking.account_id,
            id=new_id(),
            email=booking.visitor_email,
            address_hash=address_hash,
            name=booking.visitor_name,
            source="scheduling_page",
            version=1,
            created_at=now,
            updated_at=now,
        )
        if made is None:  # another booking of theirs was quicker
            return (await repository.contacts_with(session, [address_hash]))[address_hash], []
        told = tell_of_contact(session, EventType.CONTACT_CREATED, made, now=now)
        return made, [told, Enqueued(Job.MATCH_CONTACT, made.account_id, made.id)]


async def _locked(session: AsyncSession, kind: type[RowT], row_id: UUID) -> RowT | None:
    return await session.scalar(select(kind).where(kind.id == row_id).with_for_update(key_share=True))


async def _known_otherwise(
    session: AsyncSession, row: Engagement | None, known: Mapping[bytes, Contact]
) -> list[Contact]:
    """Who takes part already, and not by an address of the booking: somebody has corrected it in the CRM."""
    parts = [] if row is None else await repository.participants_in(session, row)
    return [contact for _, contact in parts if contact.address_hash not in known]


class MeetingRecorder:
    """What `record_write` does for meetings."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def run(self, account_id: UUID, write_id: UUID) -> None:
        """Whether the invitation went out, and the video link that came with the event."""
        async with transaction(self._sessions, account_id) as session:
            engagement_id = await session.scalar(
                select(CalendarWrite.engagement_id).where(CalendarWrite.id == write_id)
            )
            if engagement_id is None:
                return
            row = await repository.find_engagement(session, engagement_id, lock=True)
            owner = Owner("engagement", engagement_id)
            write = await find_write(session, owner, lock=True)
            if row is None or write is None:
                return
            outcome, now = row.outcome, self._clock()
            if not _show(row, write, now=now):
                return
            ended = row.outcome == "cancelled" != outcome
            event = EventType.ENGAGEMENT_CANCELLED if ended else EventType.ENGAGEMENT_UPDATED
            jobs = [await touch_and_tell(session, event, row, now=now)]
            await session.flush()
            if row.invite_status == "not_sent" and write.draft is not None:  # should a try of it have landed, it goes
                jobs += filter(None, [await change_wish(session, owner, None)])
            await enqueue(session, jobs)


def _show(row: Engagement, write: CalendarWrite, *, now: datetime) -> bool:
    """The engagement shows what became of its write; whether that is news."""
    before = (row.event_id, row.video_url, row.invite_status, row.invite_reason, row.outcome)
    if write.written_seq == write.desired_seq and write.status == "written":
        row.event_id, row.calendar_id = write.event_id, write.calendar_id
        row.video_url = write.video_url or row.video_url
        if write.invites and write.draft is not None:
            row.invite_status, row.invite_reason = "sent", None
        elif row.invite_status == "pending":
            row.invite_status, row.invite_reason = "not_sent", "cancelled"
        if write.draft is not None and write.written_start is None and row.outcome == "scheduled":
            row.outcome, row.cancelled_at = "cancelled", now  # its person had deleted it meanwhile
    elif write.status == "failed" and write.invites and row.invite_status == "pending":
        row.invite_status = "not_sent" if write.last_error in _NOT_WANTED else "failed"
        row.invite_reason = write.last_error
    return before != (row.event_id, row.video_url, row.invite_status, row.invite_reason, row.outcome)


def _news(row: Engagement | None, booking: Booking) -> EventType:
    if booking.status == "cancelled" and row is not None and row.outcome != "cancelled":
        return EventType.ENGAGEMENT_CANCELLED
    return EventType.ENGAGEMENT_CREATED if row is None else EventType.ENGAGEMENT_UPDATED


def _new_engagement(booking: Booking, *, now: datetime) -> Engagement:
    return Engagement(
        account_id=booking.account_id,
        id=new_id(),
        owner_id=booking.host_id,
        source="scheduling_page",
        booking_id=booking.id,
        organized=True,
        version=0,
        created_at=now,
    )


def _show_event(row: Engagement, write: CalendarWrite | None) -> bool:
    """The engagement of a booking shows its video link and its invitation; whether that is news."""
    before = (row.video_url, row.invite_status, row.invite_reason)
    row.video_url = (None if write is None else write.video_url) or row.video_url
    row.invite_status, row.invite_reason = _invited(write)
    return before != (row.video_url, row.invite_status, row.invite_reason)


def _invited(write: CalendarWrite | None) -> tuple[str, str | None]:
    """Whether who booked is invited, and why not; our own mail does not wait for the calendar."""
    if write is None or not write.invites or write.event_id is not None:
        return "sent", None
    if write.draft is None:
        return "not_sent", "cancelled"
    return ("failed", write.last_error) if write.status == "failed" else ("pending", None)


def _take_over(row: Engagement, booking: Booking, *, now: datetime) -> None:
    row.booking_version = booking.version
    row.title, row.location = booking.title, booking.location
    row.starts_at, row.ends_at, row.time_zone = booking.starts_at, booking.ends_at, booking.visitor_time_zone
    begun = booking.starts_at <= now  # of one that was put off, nobody can say yet what became of it
    kept = row.outcome in {"completed", "no_show"} and booking.status == "confirmed" and begun
    row.outcome = row.outcome if kept else _OUTCOMES[booking.status]
    row.cancelled_at = booking.cancelled_at
    row.version += 1
    row.updated_at = booking.updated_at
