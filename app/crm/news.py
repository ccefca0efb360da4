"""What the CRM is told of contacts and engagements (R52).

The one rule: an event says what the API would answer, without what depends on who asks or is not known yet.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlalchemy.ext.asyncio import AsyncSession

from app.crm.repository import participants_in
from app.crm.views import Participants, contact_view, engagement_view
from app.events.feed import add_event
from app.events.types import EventType
from app.ids import encode_id
from app.insertion import Rows
from app.models.crm import Contact, Engagement
from app.models.events import FeedEvent
from app.queue import Enqueued

_NOT_TOLD: Final = {"allowed_actions", "calendar_event"}


def tell_of_contact(rows: Rows, event: EventType, contact: Contact, *, now: datetime) -> Enqueued:
    """Something happened to a contact; of one that was erased only its id is told."""
    data = contact_view(contact).model_dump(mode="json")
    if event is EventType.CONTACT_DELETED:
        data = {"id": data["id"]}
    return add_event(rows, contact.account_id, event, subject_id=contact.id, data=data, now=now)


async def tell_as_it_is(session: AsyncSession, event: EventType, row: Engagement) -> Enqueued:
    """An engagement was made or changed: told with everybody who takes part now."""
    await session.flush()
    participants = await participants_in(session, row)
    return tell_of_engagement(session, event, row, participants, now=row.updated_at)


async def touch_and_tell(session: AsyncSession, event: EventType, row: Engagement, *, now: datetime) -> Enqueued:
    """The same, of another version."""
    row.version += 1
    row.updated_at = now
    return await tell_as_it_is(session, event, row)


def tell_of_engagement(
    rows: Rows, event: EventType, row: Engagement, participants: Participants, *, now: datetime
) -> Enqueued:
    """Something happened to an engagement; of one that is gone only ids are told."""
    view = engagement_view(row, participants, None, reader=None, now=now)
    data = view.model_dump(mode="json", exclude=_NOT_TOLD)
    if event is EventType.ENGAGEMENT_DELETED:
        data = {"id": data["id"], "owner_id": encode_id("usr", row.owner_id)}
    return add_event(rows, row.account_id, event, subject_id=row.id, data=data, now=now)


def names_contact(contact_id: UUID) -> ColumnElement[bool]:
    """An event says that they take part in a meeting, or that a task is about them, whether or not that is so still."""
    them = {"contact_id": encode_id("cont", contact_id)}
    return or_(FeedEvent.data.contains({"contacts": [them]}), FeedEvent.data.contains(them))
