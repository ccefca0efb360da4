"""Erasing a contact from the CRM's side: the person, their meetings, what was to be done about them.

    contact      gone
    engagement   gone where nobody else we know took part; else it stays without them, and its texts no longer name them
    task         stays with its owner, without the contact, without notes, without their name in its title
    form         what they submitted, and the tokens by which they were known, gone
    feed         its events about all this say only that something happened

The one rule: what stays of the person is the account's keyed hash of each address they had, so that what they did
before does not bring them back.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.crm import repository
from app.crm.news import names_contact, tell_of_contact, tell_of_engagement, touch_and_tell
from app.crm.person import Person
from app.crm.task_placing import wish_as_it_is
from app.crm.task_views import tell_of_task
from app.events.repository import redact, redact_where
from app.events.types import EventType
from app.models.crm import Contact, Engagement, Task
from app.queue import Enqueued, Job
from app.scheduling.prefill import forget_person


async def erase_contact(session: AsyncSession, contact: Contact, person: Person, *, now: datetime) -> list[Enqueued]:
    """Do all of it; the jobs to ask for. The contact is locked by the caller."""
    for address_hash in sorted(person.hashes | {contact.address_hash}):
        await repository.remember_erased(session, contact.account_id, address_hash, now)
        await forget_person(session, address_hash)
    meetings = await repository.engagements_with(session, contact.id)
    for subject_id in (contact.id, *(row.id for row, _ in meetings)):
        await redact(session, contact.account_id, subject_id)
    await redact_where(session, contact.account_id, names_contact(contact.id))  # they may have been taken off since
    jobs = [tell_of_contact(session, EventType.CONTACT_DELETED, contact, now=now)]
    jobs += await _part_from_tasks(session, contact, person, now=now)
    for row, alone in meetings:
        if alone:
            jobs.append(tell_of_engagement(session, EventType.ENGAGEMENT_DELETED, row, [], now=now))
            await session.delete(row)
        else:
            _strike(row, person)
    await session.delete(contact)
    await session.flush()
    # A meeting of several goes on without the one who was erased, and whoever was told of them is told anew.
    shared = [row for row, alone in meetings if not alone]
    jobs += [await touch_and_tell(session, EventType.ENGAGEMENT_UPDATED, row, now=now) for row in shared]
    await session.flush()
    return jobs


async def _part_from_tasks(session: AsyncSession, contact: Contact, person: Person, *, now: datetime) -> list[Enqueued]:
    """What is kept of their events changes now; the events follow by the job that keeps them in step."""
    jobs = []
    tasks = await session.scalars(
        select(Task).where(Task.contact_id == contact.id).order_by(Task.id).with_for_update(key_share=True)
    )
    for task in tasks:
        await redact(session, task.account_id, task.id)
        task.contact_id, task.notes, task.title = None, None, person.strike(task.title)
        task.version += 1
        task.updated_at = now
        await wish_as_it_is(session, task)
        if task.deleted_at is None:
            jobs.append(tell_of_task(session, EventType.TASK_UPDATED, task))
        jobs.append(Enqueued(Job.PLACE_TASK, task.account_id, task.id))
    return jobs


def _strike(row: Engagement, person: Person) -> None:
    for name in ("title", "description", "location"):
        text = getattr(row, name)
        setattr(row, name, None if text is None else person.strike(text))
