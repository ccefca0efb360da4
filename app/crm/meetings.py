"""Meetings on contacts' records: made, changed, cancelled; their events follow (R19, R23).

The one rule: the wish for the event commits with the meeting, and is tried at once after the commit, so that the answer
can say what became of it. What that try does not finish, the worker does.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.idempotency import KeyedRequest, answer_of, claim_or_find
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock, EventDraft, Response
from app.calendar_writes.service import (
    EventPlace,
    Owner,
    change_wish,
    changing,
    changing_wish,
    draft_from_json,
    find_write,
    wish_event,
)
from app.calendar_writes.writer import EventWriter
from app.connections import calendar_repository
from app.connections.capabilities import Capability
from app.connections.overview import Overview
from app.crm import repository
from app.crm.event import draft_over_standing, event_key, first_draft, redrafted
from app.crm.invitations import Circumstances, NotSent, why_not
from app.crm.news import tell_of_engagement
from app.crm.reach import reach_of
from app.crm.recording import MeetingRecorder
from app.crm.schemas import ContactMeetingCreate, EngagementUpdate
from app.crm.views import Participants, allowed_actions, has_not_begun, why_unchangeable
from app.database import transaction
from app.errors import (
    AlreadyCancelled,
    BookingNotBegun,
    CapabilityNotSupported,
    FieldError,
    Forbidden,
    NotFound,
    ValidationFailed,
    require_version,
)
from app.events.types import EventType
from app.ids import new_id
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, Connection
from app.models.crm import Contact, Engagement
from app.queue import Enqueued, Job, enqueue
from app.sync.people import AddressBook

log = structlog.get_logger(__name__)
_TRY_SECONDS: Final = 5
_ONLY_FOR_EVENTS: Final = frozenset({"title", "start_at", "end_at", "description", "location"})
_LONGEST: Final = timedelta(days=31)
_CAPABILITY: Final = {
    "update": Capability.EVENT_RESCHEDULE,
    "cancel": Capability.EVENT_CANCEL,
    "set_outcome": Capability.CRM_MEETINGS,
}
"""What is missing when an action is not among the allowed ones."""


@dataclass(frozen=True, slots=True)
class Told:
    """An engagement and all that its answer shows."""

    row: Engagement
    participants: Participants
    write: CalendarWrite | None
    out_of_reach: NotSent | None = None
    """Why its reader, whose it is, cannot change its event."""
    stalled: bool = False
    """Its event waits until its owner has connected again."""
    replayed: bool = False


class Meetings:
    """What a user does with meetings."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        overview: Overview,
        writer: EventWriter,
        recorder: MeetingRecorder,
        clock: Clock,
        *,
        people: AddressBook,
    ) -> None:
        self._sessions = sessions
        self._overview = overview
        self._writer = writer
        self._recorder = recorder
        self._clock = clock
        self._people = people
        self._trying: set[asyncio.Task[None]] = set()

    async def create(
        self, principal: Principal, contact_id: UUID, body: ContactMeetingCreate, *, keyed: KeyedRequest | None
    ) -> Told:
        """Record the meeting; where the sync is on it becomes an event and its guests are invited.

        Raises: NotFound, IdempotencyKeyReused, RequestInProgress.
        """
        async with transaction(self._sessions, principal.account_id) as session:
            if keyed is not None:
                before = await claim_or_find(session, principal.account_id, keyed, now=self._clock())
                if before is not None:
                    return replace(await self._read(session, principal.user, before.subject_id), replayed=True)
            contact = await repository.hold_contact(session, contact_id)
            if contact is None:
                raise NotFound
            place, no = await self._place(session, principal, body)
            row = _new_engagement(principal, body, no, now=self._clock())
            session.add(row)
            await session.flush()
            invited = await self._invited(session, contact, body)
            await repository.save_participants(session, row.account_id, row.id, invited)
            jobs = []
            if no is None and place is not None:
                draft, key = first_draft(row, contact, body), event_key(row.id)
                owner = Owner("engagement", row.id)
                write = wish_event(session, row.account_id, owner, place, key=key, draft=draft, invites=True)
                jobs.append(Enqueued(Job.WRITE_EVENT, row.account_id, write.id))
            if keyed is not None:
                session.add(answer_of(row.account_id, keyed, status_code=201, subject_id=row.id, now=self._clock()))
            told = await self._tell(session, principal, EventType.ENGAGEMENT_CREATED, row, jobs)
        return await self._try(told)

    async def update(
        self, principal: Principal, engagement_id: UUID, body: EngagementUpdate, *, if_match: int | None
    ) -> Told:
        """Change the meeting and its event.

        Raises: NotFound, Forbidden, VersionMismatch, AlreadyCancelled, BookingNotBegun, CapabilityNotSupported,
        ValidationFailed.
        """
        given = body.model_dump(exclude_unset=True)
        async with transaction(self._sessions, principal.account_id) as session:
            row = await self._own(session, principal, engagement_id, if_match=if_match)
            needed = "update" if given.keys() & _ONLY_FOR_EVENTS else "set_outcome"
            self._check_allowed(row, needed, outcome=given.get("outcome"))
            before = draft_over_standing(row, described=False)
            _apply(row, given)
            jobs = []
            if needed == "update":
                await self._check_in_step(session, principal, row)
                jobs = await self._rewrite(session, row, before, described="description" in given)
            told = await self._tell(session, principal, EventType.ENGAGEMENT_UPDATED, row, jobs)
        return await self._try(told)

    async def cancel(self, principal: Principal, engagement_id: UUID, *, if_match: int | None) -> Told:
        """The meeting shall not take place: its event is removed and its guests are told.

        Raises: NotFound, Forbidden, VersionMismatch, AlreadyCancelled, CapabilityNotSupported.
        """
        async with transaction(self._sessions, principal.account_id) as session:
            row = await self._own(session, principal, engagement_id, if_match=if_match)
            self._check_allowed(row, "cancel")
            await self._check_in_step(session, principal, row)
            before = draft_over_standing(row, described=False)
            row.outcome, row.cancelled_at = "cancelled", self._clock()
            jobs = await self._rewrite(session, row, before, described=False)
            told = await self._tell(session, principal, EventType.ENGAGEMENT_CANCELLED, row, jobs)
        return await self._try(told)

    async def _place(
        self, session: AsyncSession, principal: Principal, body: ContactMeetingCreate
    ) -> tuple[EventPlace | None, NotSent | None]:
        """Where its event would stand, and why there will be none."""
        found = await calendar_repository.find_primary_for(session, principal.user, "calendar")
        now = await self._circumstances(session, principal, found)
        no = why_not(replace(now, integration=body.source == "integration", over=body.end_at <= self._clock()))
        return None if found is None else place_of(*found), no

    async def _circumstances(
        self, session: AsyncSession, principal: Principal, found: tuple[Calendar, Connection] | None
    ) -> Circumstances:
        settings = await repository.settings_of(session, principal.user)
        return Circumstances(
            integration=False,
            connected=found is not None,
            states=self._overview.of(found[1] if found else None, principal.seats),
            calendar_sync=settings is not None and settings.calendar_sync,
            over=False,
        )

    async def _check_in_step(self, session: AsyncSession, principal: Principal, row: Engagement) -> None:
        """A meeting whose event stands is not changed without it, nor the event against its person's will (R19).

        Raises: CapabilityNotSupported.
        """
        write = await find_write(session, Owner("engagement", row.id))
        no = (await reach_of(session, self._overview, principal.user)).why_not(row, write)
        if no is not None:
            raise CapabilityNotSupported(detail=no, extra={"capability": Capability.CRM_MEETINGS, "reason": no})

    async def _invited(
        self, session: AsyncSession, contact: Contact, body: ContactMeetingCreate
    ) -> dict[UUID, tuple[str, str]]:
        """The contact, and those of the guests who are contacts too."""
        hasher = await self._people.hasher(session, contact.account_id)
        known = await repository.contacts_with(session, [hasher.hash(address) for address in body.guests], hold=True)
        everybody = [contact.id, *(guest.id for guest in known.values())]
        return dict.fromkeys(everybody, ("attendee", Response.NEEDS_ACTION.value))

    async def _rewrite(
        self, session: AsyncSession, row: Engagement, before: EventDraft, *, described: bool
    ) -> list[Enqueued]:
        """What was changed of the engagement is changed of its event; one of the person's own becomes ours to write."""
        owner = Owner("engagement", row.id)
        write = await find_write(session, owner, lock=True)
        if write is not None:
            if write.draft is None:
                return []
            draft = None
            if row.outcome != "cancelled":
                draft = changing_wish(write, redrafted(draft_from_json(write.draft), row, described=described))
            job = await change_wish(session, owner, draft)
            return [] if job is None else [job]
        if row.event_id is None or row.calendar_id is None:
            return []
        found = await calendar_repository.find_calendar(session, row.calendar_id)
        if found is None:
            return []
        draft = changing(before, draft_over_standing(row, described=described))
        key, standing = event_key(row.id), row.event_id
        made = wish_event(
            session, row.account_id, owner, place_of(*found), key=key, draft=draft, invites=True, standing=standing
        )
        if row.outcome == "cancelled":
            made.draft = None
        await session.flush()
        return [Enqueued(Job.WRITE_EVENT, row.account_id, made.id)]

    async def _own(
        self, session: AsyncSession, principal: Principal, engagement_id: UUID, *, if_match: int | None
    ) -> Engagement:
        row = await repository.find_engagement(session, engagement_id, lock=True)
        if row is None:
            raise NotFound
        if row.owner_id != principal.user:
            raise Forbidden(detail="not_the_owner")
        require_version(if_match, row.version)
        return row

    def _check_allowed(self, row: Engagement, action: str, *, outcome: str | None = None) -> None:
        if row.outcome == "cancelled":
            raise AlreadyCancelled
        now = self._clock()
        if action == "set_outcome" and has_not_begun(row, now=now):
            raise BookingNotBegun
        missed = row.booking_id is not None and outcome == "no_show"  # the booking has to know, and tells of it
        if missed or action not in allowed_actions(row, now=now):
            reason = why_unchangeable(row, now=now)
            raise CapabilityNotSupported(
                detail=reason, extra={"capability": _CAPABILITY[action].value, "reason": reason}
            )

    async def _tell(
        self, session: AsyncSession, principal: Principal, event: EventType, row: Engagement, jobs: list[Enqueued]
    ) -> Told:
        if event is not EventType.ENGAGEMENT_CREATED:
            row.version += 1
            row.updated_at = self._clock()
        add_audit_entry(session, row.account_id, actor=principal.actor, action=event.value, subject_id=row.id)
        await session.flush()
        told = await self._read(session, principal.user, row.id)
        news = tell_of_engagement(session, event, told.row, told.participants, now=row.updated_at)
        await enqueue(session, [*jobs, news])
        return told

    async def _try(self, told: Told) -> Told:
        """Write the event now, if that takes no longer than a caller likes to wait; what is under way goes on."""
        if told.write is None or told.write.written_seq == told.write.desired_seq:
            return told
        account_id, write_id = told.row.account_id, told.write.id
        task = asyncio.create_task(self._write(account_id, write_id))
        self._trying.add(task)
        task.add_done_callback(self._tried)
        await asyncio.wait({task}, timeout=_TRY_SECONDS)
        async with transaction(self._sessions, account_id) as session:
            return await self._read(session, told.row.owner_id, told.row.id)

    def _tried(self, task: asyncio.Task[None]) -> None:
        """What failed has a job that tries again; the caller is told that the event is pending."""
        self._trying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("engagement.try_failed", exc_info=error)

    async def _write(self, account_id: UUID, write_id: UUID) -> None:
        await self._writer.run(account_id, write_id)
        await self._recorder.run(account_id, write_id)

    async def _read(self, session: AsyncSession, reader: UUID, engagement_id: UUID) -> Told:
        row = await repository.find_engagement(session, engagement_id)
        if row is None:
            raise NotFound
        [told] = await read_all(session, self._overview, reader, [row])
        return told


async def read_all(session: AsyncSession, overview: Overview, reader: UUID, rows: Sequence[Engagement]) -> list[Told]:
    """Engagements with all that their answers show to this user."""
    people = await repository.participants_of(session, [row.id for row in rows])
    writes = await repository.writes_of_engagements(session, rows)
    reach, stalled = await reach_of(session, overview, reader), await repository.stalled_among(session, writes.values())
    told = []
    for row in rows:
        write = writes.get(row.id)
        waits = write is not None and write.id in stalled
        told.append(Told(row, people.get(row.id, []), write, reach.why_not(row, write), waits))
    return told


def place_of(calendar: Calendar, connection: Connection) -> EventPlace:
    """Where an event of this calendar stands."""
    return EventPlace(calendar.id, connection.provider, connection.subject, calendar.provider_calendar_id)


def _new_engagement(
    principal: Principal, body: ContactMeetingCreate, no: NotSent | None, *, now: datetime
) -> Engagement:
    return Engagement(
        account_id=principal.account_id,
        id=new_id(),
        owner_id=principal.user,
        source=body.source or "crm_record",
        title=body.title,
        description=body.description,
        location=body.location,
        starts_at=body.start_at.astimezone(UTC),
        ends_at=body.end_at.astimezone(UTC),
        all_day=False,
        time_zone=body.time_zone,
        outcome="scheduled",
        organized=True,
        invite_status="pending" if no is None else "not_sent",
        invite_reason=no,
        version=1,
        created_at=now,
        updated_at=now,
    )


def _apply(row: Engagement, given: dict[str, Any]) -> None:
    """Raises: ValidationFailed for a title or a time that is cleared, or times that are no span."""
    if cleared := [name for name in ("title", "start_at", "end_at") if name in given and given[name] is None]:
        raise ValidationFailed(errors=[FieldError(f"/{name}", "not_allowed") for name in cleared])
    for name in given.keys() & {"title", "description", "location"}:
        setattr(row, name, given[name])
    if "outcome" in given:
        row.outcome = given["outcome"] or "scheduled"
    start = given.get("start_at") or row.starts_at
    end = given.get("end_at") or start + (row.ends_at - row.starts_at)
    if not start < end <= start + _LONGEST:
        raise ValidationFailed(errors=[FieldError("/end_at", "out_of_range")])
    row.starts_at, row.ends_at = start.astimezone(UTC), end.astimezone(UTC)
