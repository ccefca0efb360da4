"""Everything held about a contact, in one answer. docs/privacy.md says by table what of it is told, and what is not.

The one rule: it reads what the erasing of a contact reaches, found in the same way: the contact's row, every address it
has been known by, and what is tied to either.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.crm.contacts import Contacts
from app.crm.news import names_contact
from app.crm.person import Person, person_of
from app.models.calendar_writes import CalendarWrite
from app.models.crm import Contact, Engagement, EngagementContact, Task
from app.models.events import FeedEvent
from app.models.outbound import Mail
from app.models.submissions import FormSubmission
from app.privacy.appointments import Appointment, Appointments, appointments_of
from app.privacy.contact_schemas import (
    ContactExport,
    ExportedBooking,
    ExportedMeeting,
    ExportedMeetingRequest,
    ExportedTask,
    SentMail,
    SubmittedForm,
    ToldEvent,
)
from app.sync.people import AddressBook
from app.vault import SecretPlace, Vault


class ContactExports:
    """Tells all that is held about a contact."""

    def __init__(self, vault: Vault, contacts: Contacts, people: AddressBook, clock: Clock) -> None:
        self._vault = vault
        self._contacts = contacts
        self._people = people
        self._clock = clock

    async def export(self, session: AsyncSession, principal: Principal, contact_id: UUID) -> ContactExport:
        """All of it, and that it was asked for is written down. Raises: NotFound."""
        contact = await self._contacts.get(session, contact_id)
        person = await person_of(session, self._people, contact)
        made = await appointments_of(session, person)
        meetings, tasks = await _meetings(session, contact), await _tasks(session, contact)
        answered = await _responses(session, made)
        add_audit_entry(
            session, contact.account_id, actor=principal.actor, action="contact.exported", subject_id=contact.id
        )
        return ContactExport.model_validate(
            {
                "exported_at": self._clock(),
                "contact": contact,
                "addresses": sorted({address.lower() for address in person.addresses}),
                "meetings": [_meeting_view(row, part) for row, part in meetings],
                "tasks": [ExportedTask.model_validate(row) for row in tasks],
                "bookings": [
                    *(_booking_view(row, person, answered.get(row.id)) for row in made.booked),
                    *(_booking_view(row, person, None) for row in made.joined),
                ],
                "meeting_requests": [_request_view(row, person) for row in (*made.asked_for, *made.to_join)],
                "submitted_forms": await self._forms(session, person),
                "mails": await _mails(session, person),
                "events": await _events(session, contact, made, [row.id for row, _ in meetings], tasks),
            }
        )

    async def _forms(self, session: AsyncSession, person: Person) -> list[SubmittedForm]:
        rows = await session.scalars(
            select(FormSubmission).where(FormSubmission.address_hash.in_(person.hashes)).order_by(FormSubmission.id)
        )
        forms = []
        for row in rows:
            place = SecretPlace(FormSubmission.__tablename__, "content", row.account_id, row.id)
            said = json.loads(await self._vault.open(session, place, row.content))
            answers = dict(said["answers"])
            forms.append(
                SubmittedForm(email=said["email"], name=said["name"], answers=answers, submitted_at=row.submitted_at)
            )
        return forms


async def _meetings(session: AsyncSession, contact: Contact) -> Sequence[tuple[Engagement, EngagementContact]]:
    rows = await session.execute(
        select(Engagement, EngagementContact)
        .join(
            EngagementContact,
            (EngagementContact.account_id == Engagement.account_id)
            & (EngagementContact.engagement_id == Engagement.id),
        )
        .where(EngagementContact.contact_id == contact.id)
        .order_by(Engagement.id)
    )
    return [(row, part) for row, part in rows]


async def _tasks(session: AsyncSession, contact: Contact) -> Sequence[Task]:
    mine = Task.contact_id == contact.id
    return (await session.scalars(select(Task).where(mine, Task.deleted_at.is_(None)).order_by(Task.id))).all()


async def _responses(session: AsyncSession, made: Appointments) -> dict[UUID | None, str | None]:
    """What they have answered to the events of what they have booked."""
    rows = await session.execute(
        select(CalendarWrite.booking_id, CalendarWrite.guest_response).where(
            CalendarWrite.booking_id.in_([row.id for row in made.booked])
        )
    )
    return {row.booking_id: row.guest_response for row in rows}


async def _mails(session: AsyncSession, person: Person) -> list[SentMail]:
    rows = await session.scalars(select(Mail).where(person.is_at(Mail.to_email)).order_by(Mail.id))
    return [
        SentMail(kind=row.kind, email=row.to_email, status=row.status, created_at=row.created_at, sent_at=row.sent_at)
        for row in rows
    ]


async def _events(
    session: AsyncSession, contact: Contact, made: Appointments, meetings: Sequence[UUID], tasks: Sequence[Task]
) -> list[ToldEvent]:
    """In the order in which they were written; that of their numbers is given afterwards."""
    own = {contact.id, *(row.id for row in made.own)}
    others = [*meetings, *(row.id for row in tasks), *(row.id for row in made.of_others)]
    rows = await session.scalars(
        select(FeedEvent)
        .where(or_(FeedEvent.subject_id.in_([*own, *others]), names_contact(contact.id)))
        .order_by(FeedEvent.arrival)
    )
    return [
        ToldEvent(
            id=row.id,
            type=row.type,
            occurred_at=row.occurred_at,
            data=row.data if row.subject_id in own else None,
        )
        for row in rows
    ]


def _meeting_view(row: Engagement, part: EngagementContact) -> ExportedMeeting:
    told = {name: getattr(row, name, None) for name in ExportedMeeting.model_fields}
    times = {"start_at": row.starts_at, "end_at": row.ends_at}
    return ExportedMeeting.model_validate(told | times | {"role": part.role, "response": part.response})


def _booking_view(row: Any, person: Person, response: str | None) -> ExportedBooking:
    told = {name: getattr(row, name, None) for name in ExportedBooking.model_fields}
    whose = _whose(row, person)
    if whose["role"] == "guest":
        whose |= {"cancel_reason": None}
    return ExportedBooking.model_validate(told | whose | {"response": response})


def _request_view(row: Any, person: Person) -> ExportedMeetingRequest:
    told = {name: getattr(row, name, None) for name in ExportedMeetingRequest.model_fields}
    whose = _whose(row, person)
    if whose["role"] == "guest":
        whose |= {"reason": None}
    return ExportedMeetingRequest.model_validate(told | whose)


def _whose(row: Appointment, person: Person) -> dict[str, Any]:
    """What both kinds of appointments tell of the contact; a guest knows no more than the invitation said."""
    times = {"start_at": row.starts_at, "end_at": row.ends_at}
    if person.has(row.visitor_email):
        return times | {
            "role": "visitor",
            "name": row.visitor_name,
            "email": row.visitor_email,
            "time_zone": row.visitor_time_zone,
        }
    named = next(guest for guest in row.guests if person.has(guest))
    nothing: dict[str, Any] = {"name": None, "time_zone": None, "language": None, "guests": [], "answers": []}
    return times | nothing | {"consent_text": None, "role": "guest", "email": named}
