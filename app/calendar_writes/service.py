"""Wishing for an event in a calendar, and reading what became of it. A wish is a row that says what the event shall be.

The one rule: a wish commits with whatever it belongs to; the writer carries it out later, exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Update, and_, false, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from app.calendar import FIELDS, EventDraft
from app.ids import new_id
from app.insertion import Rows
from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, Connection
from app.models.crm import Engagement
from app.queue import Enqueued, Job


def draft_to_json(draft: EventDraft) -> dict[str, Any]:
    """The draft as it is stored."""
    return dict(msgspec.to_builtins(draft))


def draft_from_json(stored: dict[str, Any]) -> EventDraft:
    """The stored draft."""
    return msgspec.convert(stored, EventDraft)


def changing(before: EventDraft, draft: EventDraft) -> EventDraft:
    """The draft as a change: what is in it as it was before stays as it stands, whoever has moved it there."""
    same = (field for field in FIELDS if getattr(draft, field) == getattr(before, field))
    return replace(draft, keeps=frozenset(same))


def changing_wish(write: CalendarWrite, draft: EventDraft) -> EventDraft:
    """The draft as a change of what was wished for; what a wish on its way has changed is still to be written."""
    if write.draft is None or write.event_id is None:
        return draft
    before = draft_from_json(write.draft)
    changed = changing(before, draft)
    landed = write.written_seq == write.desired_seq
    return changed if landed else replace(changed, keeps=changed.keeps & before.keeps)


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where an event shall stand: one calendar of one account at a provider."""

    calendar_id: UUID
    provider: str
    subject: str
    """The provider's id of the account."""
    provider_calendar_id: str


@dataclass(frozen=True, slots=True)
class Owner:
    """What an event is the event of."""

    kind: Literal["booking", "engagement", "task"]
    id: UUID

    @property
    def condition(self) -> ColumnElement[bool]:
        """Its write."""
        match self.kind:
            case "booking":
                return CalendarWrite.booking_id == self.id
            case "engagement":
                return CalendarWrite.engagement_id == self.id
            case "task":
                return CalendarWrite.task_id == self.id


def wish_event(
    rows: Rows,
    account_id: UUID,
    owner: Owner,
    place: EventPlace,
    *,
    key: str,
    draft: EventDraft,
    invites: bool = False,
    standing: str | None = None,
) -> CalendarWrite:
    """The event shall stand there; the caller inserts the wish and asks for its job.

    `standing` is the id of an event of the person's own that shall be changed: once deleted, it is not made anew.
    """
    write = CalendarWrite(
        account_id=account_id,
        id=new_id(),
        calendar_id=place.calendar_id,
        provider=place.provider,
        subject=place.subject,
        provider_calendar_id=place.provider_calendar_id,
        key=key,
        draft=draft_to_json(draft),
        ends_at=draft.when.end,
        invites=invites,
        comes_back=standing is None,
        event_id=standing,
        status="pending",
    )
    setattr(write, f"{owner.kind}_id", owner.id)
    rows.add(write)
    return write


async def change_wish(session: AsyncSession, owner: Owner, draft: EventDraft | None) -> Enqueued | None:
    """The event shall be otherwise, or not at all; None when its owner has no calendar."""
    values = {} if draft is None else {"ends_at": draft.when.end}
    row = (
        await session.execute(
            update(CalendarWrite)
            .where(owner.condition)
            .values(
                draft=None if draft is None else draft_to_json(draft),
                desired_seq=CalendarWrite.desired_seq + 1,
                status="pending",
                attempts=0,
                **values,
            )
            .returning(CalendarWrite.account_id, CalendarWrite.id)
        )
    ).one_or_none()
    return None if row is None else Enqueued(Job.WRITE_EVENT, row.account_id, row.id)


async def find_write(session: AsyncSession, owner: Owner, *, lock: bool = False) -> CalendarWrite | None:
    """What became of the event; None when its owner has none."""
    query = select(CalendarWrite).where(owner.condition).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if lock else query)


async def is_reached(session: AsyncSession, write: CalendarWrite | None) -> bool:
    """Whether what is wished for the event gets there: its connection is there, and works."""
    if write is None or write.calendar_id is None:
        return False
    where = select(Connection.id).join(Calendar, ON_CONNECTION).where(Calendar.id == write.calendar_id)
    working = where.where(Connection.status == "active", Connection.disconnected_at.is_(None))
    return await session.scalar(working) is not None


async def writes_of(session: AsyncSession, owners: Sequence[Owner]) -> dict[UUID, CalendarWrite]:
    """The same for several owners, by their ids."""
    rows = await session.scalars(select(CalendarWrite).where(or_(false(), *(owner.condition for owner in owners))))
    return {row.booking_id or row.engagement_id or row.task_id: row for row in rows}  # type: ignore[misc]


async def readopt_writes(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Writes whose connection went away are its again, when it is to the same account and calendar; not those of
    what is over. An event of a person's own is theirs, whoever else connects the account.
    """
    theirs = select(Engagement.id).where(Engagement.owner_id == Connection.user_id).correlate(Connection)
    again = (
        select(CalendarWrite.id, Calendar.id.label("calendar_id"))
        .join(
            Calendar,
            (Calendar.account_id == CalendarWrite.account_id)
            & (Calendar.provider_calendar_id == CalendarWrite.provider_calendar_id),
        )
        .join(Connection, ON_CONNECTION)
        .where(
            Connection.id == connection_id,
            CalendarWrite.calendar_id.is_(None),
            CalendarWrite.provider == Connection.provider,
            CalendarWrite.subject == Connection.subject,
            CalendarWrite.ends_at > now,
            or_(CalendarWrite.comes_back, CalendarWrite.engagement_id.in_(theirs)),
        )
        .subquery()
    )
    await session.execute(
        update(CalendarWrite)
        .where(CalendarWrite.id == again.c.id)
        .values(calendar_id=again.c.calendar_id)
        .execution_options(synchronize_session=False)
    )


async def resume_writes(session: AsyncSession, connection_id: UUID, *, now: datetime) -> list[Enqueued]:
    """Wishes of a connection's calendars that are not true yet, to be tried again.

    Nobody is invited to what is over: a wish that has no event yet is given up then. An event that stands is changed,
    and what shall not stand there is taken away, in any case.
    """
    theirs = CalendarWrite.calendar_id.in_(select(Calendar.id).where(Calendar.connection_id == connection_id))
    over = await _give_up(session, theirs, _uninvited(now))
    again = (
        update(CalendarWrite)
        .where(theirs, CalendarWrite.written_seq < CalendarWrite.desired_seq, not_(_uninvited(now)))
        .values(status="pending", attempts=0)
    )
    rows = await session.execute(_returning_ids(again))
    return [*over, *(Enqueued(Job.WRITE_EVENT, row.account_id, row.id) for row in rows)]


async def give_up_what_is_over(session: AsyncSession, account_id: UUID, *, now: datetime) -> list[Enqueued]:
    """The same of an account's wishes that wait for a broken connection, and for its person: they wait no longer."""
    broken = (
        select(Calendar.id)
        .join(Connection, ON_CONNECTION)
        .where(
            Calendar.account_id == account_id,
            Connection.status != "active",
            Connection.disconnected_at.is_(None),
        )
    )
    waiting = (
        select(CalendarWrite.id)
        .where(CalendarWrite.account_id == account_id, CalendarWrite.status == "pending", _uninvited(now))
        .where(func.coalesce(CalendarWrite.lease_until, now) <= now, CalendarWrite.calendar_id.in_(broken))
        .with_for_update(skip_locked=True)
    )
    return await _give_up(session, CalendarWrite.account_id == account_id, CalendarWrite.id.in_(waiting))


def _uninvited(now: datetime) -> ColumnElement[bool]:
    """What is over, and nobody was invited to. A task is never over."""
    never_there = and_(CalendarWrite.event_id.is_(None), CalendarWrite.task_id.is_(None))
    return and_(CalendarWrite.draft.is_not(None), CalendarWrite.ends_at <= now, never_there)


async def _give_up(session: AsyncSession, *which: ColumnElement[bool]) -> list[Enqueued]:
    given_up = (
        update(CalendarWrite)
        .where(*which, CalendarWrite.written_seq < CalendarWrite.desired_seq, CalendarWrite.status == "pending")
        .values(status="failed", last_error="already_over")
    )
    rows = await session.execute(_returning_ids(given_up))
    return [to_be_shown(row.account_id, row.id, row.booking_id) for row in rows]


def _returning_ids(statement: Update) -> ReturningUpdate[UUID, UUID, UUID | None]:
    ids = statement.returning(CalendarWrite.account_id, CalendarWrite.id, CalendarWrite.booking_id)
    return ids.execution_options(synchronize_session=False)


def to_be_shown(account_id: UUID, write_id: UUID, booking_id: UUID | None) -> Enqueued:
    """The job that shows what became of the write, on whatever it is the event of."""
    if booking_id is None:
        return Enqueued(Job.RECORD_WRITE, account_id, write_id)
    return Enqueued(Job.RECORD_BOOKING, account_id, booking_id)
