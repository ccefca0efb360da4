"""Erasing a contact wherever anything is held of them. docs/privacy.md has the rule of every table.

    appointments  theirs: blank but for the time, which is the host's; of others: they are no guest any more
    events        what shall stand in a calendar names them no more; what does stand there is its owner's
    mails         what waits is not sent; who was written to, and what, is forgotten
    feed          what was told of what was theirs says no more than that it was
    the CRM       `app/crm/erasing.py`

The one rule: all of it in one transaction; whoever sees the contact gone finds nothing of it elsewhere.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.bookings.news import tell_of_request
from app.bookings.repository import end_waiting
from app.calendar import Clock
from app.crm import repository
from app.crm.contacts import Contacts
from app.crm.erasing import erase_contact
from app.crm.person import STRUCK, Person, person_at, person_of
from app.errors import require_version
from app.events.repository import redact
from app.events.types import EventType
from app.models.accounts import Account, User
from app.models.bookings import Booking, IdempotentAnswer
from app.models.calendar_writes import CalendarWrite
from app.models.crm import Contact
from app.models.events import FeedEvent
from app.models.outbound import Mail
from app.models.privacy import AccountExport
from app.privacy.appointments import Appointment, Appointments, appointments_of
from app.queue import Enqueued, enqueue
from app.scheduling.prefill import forget_person
from app.sync.people import AddressBook

_NOT_SENT: Final = "recipient_erased"


class ContactErasures:
    """Erases contacts, in the caller's transaction."""

    def __init__(self, contacts: Contacts, people: AddressBook, clock: Clock) -> None:
        self._contacts = contacts
        self._people = people
        self._clock = clock

    async def erase(
        self, session: AsyncSession, principal: Principal, contact_id: UUID, *, if_match: int | None
    ) -> None:
        """Leave nothing but what is others'. Raises: NotFound, VersionMismatch."""
        now = self._clock()
        contact, person, made = await self._locked(session, contact_id)
        require_version(if_match, contact.version)
        person = person.also_called(row.visitor_name for row in made.own)
        meetings = [row.id for row, _ in await repository.engagements_with(session, contact_id)]
        await _strike_drafts(session, made, meetings, person)
        await _forget_mails(session, made, person)
        await _forget_feed(session, made, person)
        await _forget_answers(session, [*(row.id for row in made.own), *meetings])
        jobs = await _blank(session, made, person, now=now)
        add_audit_entry(
            session, contact.account_id, actor=principal.actor, action="contact.deleted", subject_id=contact.id
        )
        jobs += await erase_contact(session, contact, person, now=now)
        await _forget_exports(session)
        await enqueue(session, jobs)

    async def _locked(self, session: AsyncSession, contact_id: UUID) -> tuple[Contact, Person, Appointments]:
        """First the bookings and the meetings, then the contact: whoever records one takes their locks in this order.

        What addresses they have, and what was booked meanwhile, is certain only then: where it was anything else, all
        is let go of and looked for anew. What is committed later is struck when it is recorded (`forget_late`).
        """
        while True:
            person = await person_of(session, self._people, await self._contacts.get(session, contact_id))
            savepoint = await session.begin_nested()
            made = await appointments_of(session, person, lock=True)
            await repository.engagements_with(session, contact_id)
            contact = await self._contacts.get(session, contact_id, lock=True)
            certain = await person_of(session, self._people, contact)
            again = await appointments_of(session, certain)
            if (certain.addresses, again.ids) == (person.addresses, made.ids):
                await savepoint.commit()
                return contact, certain, made
            await savepoint.rollback()


async def forget_late(
    session: AsyncSession, row: Appointment, address_hash: bytes, address: str, *, now: datetime
) -> list[Enqueued]:
    """What was being written while somebody in it was erased, as if it had been there. Its caller has locked it."""
    person = person_at(address_hash, address)
    bookings, requests = ([row], []) if isinstance(row, Booking) else ([], [row])
    made = Appointments.among(bookings, requests, person)
    person = person.also_called(row.visitor_name for row in made.own)
    await forget_person(session, address_hash)
    await _strike_drafts(session, made, [], person)
    await _forget_mails(session, made, person)
    await _forget_feed(session, made, person)
    await _forget_answers(session, [row.id for row in made.own])
    return await _blank(session, made, person, now=now)


async def _blank(session: AsyncSession, made: Appointments, person: Person, *, now: datetime) -> list[Enqueued]:
    """The time stays; a request that waits for an answer lapses, for there is nobody to answer to."""
    for row in made.own:
        row.visitor_name, row.visitor_email, row.visitor_time_zone, row.answers = STRUCK, "", "UTC", []
        row.updated_at = now
    for row in made.of_others:
        row.guests = [guest for guest in row.guests if not person.has(guest)]
        row.answers = person.strike_all(row.answers)
        row.updated_at = now
    for booking in (*made.booked, *made.joined):
        booking.title = person.strike(booking.title)
        booking.location = None if booking.location is None else person.strike(booking.location)
        booking.cancel_reason = _reason(booking.cancel_reason, booking, made, person)
        booking.version += 1
    jobs = []
    for request in (*made.asked_for, *made.to_join):
        request.reason = _reason(request.reason, request, made, person)
    for request in made.asked_for:
        if request.status == "pending":
            request.status = "expired"
            await end_waiting(session, request.id)
            jobs.append(tell_of_request(session, EventType.MEETING_REQUEST_EXPIRED, request))
    return jobs


def _reason(text: str | None, row: Appointment, made: Appointments, person: Person) -> str | None:
    """What was said when it ended: between the two, and gone with one of them; else only their name goes."""
    return None if text is None or row in made.own else person.strike(text)


async def _strike_drafts(session: AsyncSession, made: Appointments, meetings: Sequence[UUID], person: Person) -> None:
    """Nothing is written now. Where the event is written again, for whatever reason, it is without them."""
    own = {row.id for row in made.booked}
    writes = await session.scalars(
        select(CalendarWrite)
        .where(
            or_(
                CalendarWrite.booking_id.in_([*own, *(row.id for row in made.joined)]),
                CalendarWrite.engagement_id.in_(meetings),
                _names(person),
            )
        )
        .order_by(CalendarWrite.id)
        .with_for_update(key_share=True)
    )
    for write in writes:
        theirs = write.booking_id in own
        if theirs:
            write.guest_response = None
        if write.draft is not None:
            draft = person.strike_all(write.draft)
            write.draft = draft | {"description": ""} if theirs else draft  # it repeats what they have answered


def _names(person: Person) -> ColumnElement[bool]:
    """Who was a guest of a meeting before they were a contact takes part in none that we know of."""
    guest = func.jsonb_array_elements(CalendarWrite.draft["attendees"], type_=JSONB).column_valued("guest")
    return select(guest).where(person.is_at(guest["email"].astext)).exists()


async def _forget_mails(session: AsyncSession, made: Appointments, person: Person) -> None:
    """To them; about what was theirs, to whomever; and what another's mail that waits says of them.

    Who is a host as well, and has tried a page of their own, goes on being told of what others book.
    """
    about_theirs, waits = Mail.subject_id.in_([row.id for row in made.own]), Mail.status == "queued"
    to_them = and_(person.is_at(Mail.to_email), or_(about_theirs, ~_is_users(Mail.to_email)))
    await session.execute(
        update(Mail)
        .where(person.is_at(Mail.reply_to), ~_is_users(Mail.reply_to))
        .values(reply_to=null())
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Mail)
        .where(or_(to_them, about_theirs))
        .values(
            to_email=case((to_them, ""), else_=Mail.to_email),
            to_name=case((to_them, null()), else_=Mail.to_name),
            reply_to=null(),
            letter=null(),
            status=case((waits, "failed"), else_=Mail.status),
            last_error=case((waits, _NOT_SENT), else_=Mail.last_error),
        )
        .execution_options(synchronize_session=False)
    )
    others = await session.scalars(
        select(Mail)
        .where(Mail.subject_id.in_([row.id for row in made.of_others]), waits)
        .order_by(Mail.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for mail in others:
        mail.letter = person.strike_all(mail.letter)


def _is_users(address: Any) -> ColumnElement[bool]:
    """It is the address of somebody who works here."""
    return select(User.id).where(func.lower(User.email) == func.lower(address)).exists()


async def _forget_feed(session: AsyncSession, made: Appointments, person: Person) -> None:
    for row in made.own:
        await redact(session, row.account_id, row.id)
    told = await session.scalars(
        select(FeedEvent)
        .where(FeedEvent.subject_id.in_([row.id for row in made.of_others]))
        .order_by(FeedEvent.id)
        .with_for_update()
    )
    for event in told:
        event.data = person.strike_all(event.data)


async def _forget_answers(session: AsyncSession, subjects: Sequence[UUID]) -> None:
    """A hash of what they have sent tells whether a guess was right."""
    await session.execute(
        delete(IdempotentAnswer)
        .where(IdempotentAnswer.subject_id.in_(subjects))
        .execution_options(synchronize_session=False)
    )


async def _forget_exports(session: AsyncSession) -> None:
    """They hold them, too. Who asks anew waits for the account's row, and is given what is left."""
    await session.execute(select(Account.account_id).with_for_update(key_share=True))
    await session.execute(delete(AccountExport))
