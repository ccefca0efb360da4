"""Carrying out what was planned for a booked event that is not as it was booked.

The one rule: all of it in the caller's transaction, with the host, the booking and its write locked. What stands at
the provider already is not written there again.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import add_audit_entry
from app.bookings import repository
from app.bookings.drift import ledger
from app.bookings.drift.news import supersede, tell_of_drift
from app.bookings.drift.planner import Doubt, Facts, Finding, Kind, Plan, Policy, Standing, TimeSpan
from app.bookings.event import event_draft, owner_of_event
from app.bookings.news import tell_of_booking
from app.bookings.offer import page_time_of_booking
from app.bookings.post import BookingPost
from app.bookings.transitions import end, move, restate
from app.calendar import Clock, EventDraft, Response
from app.calendar_writes.observing import observe, observe_gone
from app.calendar_writes.service import change_wish
from app.events.types import EventType
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.queue import Enqueued, Job
from app.scheduling.availability import PageTime


@dataclass(frozen=True, slots=True)
class Case:
    """A booking and its write, both locked, and what is known of them."""

    booking: Booking
    write: CalendarWrite
    facts: Facts


class DriftEffects:
    """Makes plans true."""

    def __init__(self, post: BookingPost, clock: Clock) -> None:
        self._post = post
        self._clock = clock

    async def carry_out(self, session: AsyncSession, case: Case, plan: Plan) -> list[Enqueued]:
        """Do it all; the jobs to ask for. A time that is taken turns adopting into asking."""
        booking, facts = case.booking, case.facts
        page = await page_time_of_booking(session, booking)
        waiting = await ledger.open_entries(session, booking.id)
        if plan.move_to is not None and not await take(session, booking, page, plan.move_to):
            plan = _asking(plan, waiting=facts.waiting)
        entries = [ledger.write_down(session, booking, finding, now=facts.now) for finding in plan.findings]
        replaced = {Kind(entry.kind) for entry in entries} | set(plan.lapsed)
        lapsed = [entry for kind, entry in waiting.items() if kind in replaced]
        jobs = supersede(session, lapsed, now=facts.now)
        await session.flush()
        jobs += [tell_of_drift(session, entry) for entry in entries]
        return jobs + await self.act(session, case, page, plan)

    async def act(self, session: AsyncSession, case: Case, page: PageTime, plan: Plan) -> list[Enqueued]:
        """The plan without its ledger. The time it moves to is taken already."""
        booking, write, facts = case.booking, case.write, case.facts
        jobs: list[Enqueued] = []
        standing = next((item for item in facts.observed if item.event_id == _subject(plan, write)), None)
        if plan.move_to is not None:
            assert standing is not None
            jobs += await self._move(session, case, page, standing, plan.move_to)
        if plan.end_by is not None:
            jobs += await self._end(session, case, page, by=plan.end_by, gone=standing is None)
        if plan.note is not None:
            _note(write, plan.note, booked=facts.booked)
            jobs.append(Enqueued(Job.RECORD_BOOKING, booking.account_id, booking.id))
        if plan.remove:
            write.extra_event_ids = sorted({*write.extra_event_ids, *plan.remove})
        if plan.put_back:
            jobs += await self._restate(session, case, page, plan)
        if (plan.put_back or plan.remove) and plan.end_by is None:
            await session.flush()
            gone = booking.status == "cancelled"
            wanted = None if gone else event_draft(booking, page.configuration, write)
            jobs.append(await _wish(session, booking.id, wanted))
        return jobs

    async def _move(
        self, session: AsyncSession, case: Case, page: PageTime, standing: Standing, to: TimeSpan
    ) -> list[Enqueued]:
        """The booking follows its event. The provider is told nothing of it: it stands there already."""
        booking, write = case.booking, case.write
        hosts = booking.host_ids
        former = await move(session, booking, page, to, now=self._clock())
        draft = event_draft(booking, page.configuration, write)
        if Kind.DECLINED in await ledger.open_entries(session, booking.id):
            standing = replace(standing, response=None)  # the host decides whether it counts
        _note(write, standing, booked=to, draft=draft)
        jobs = await self._post.rescheduled(
            session, booking, page, write, former=former, reason=None, by="host", organizer=False
        )
        _audit(session, booking, "booking.rescheduled")
        jobs += tell_of_booking(session, EventType.BOOKING_RESCHEDULED, booking)
        if booking.host_ids != hosts:  # who has left is to be taken off it
            await session.flush()
            jobs.append(await _wish(session, booking.id, draft))
        return [*jobs, Enqueued(Job.REPACK_WRITE, write.account_id, write.id)]

    async def _end(self, session: AsyncSession, case: Case, page: PageTime, *, by: str, gone: bool) -> list[Enqueued]:
        booking, write = case.booking, case.write
        if by == "visitor":
            write.guest_response = Response.DECLINED.value
        await end(session, booking, by=by, now=self._clock())
        jobs = await self._post.cancelled(session, booking, page, write, reason=None, organizer=by != "host")
        _audit(session, booking, "booking.cancelled")
        jobs += tell_of_booking(session, EventType.BOOKING_CANCELLED, booking)
        if gone and not write.extra_event_ids:
            observe_gone(write)
        else:
            await session.flush()
            jobs.append(await _wish(session, booking.id, None))
        return jobs

    async def _restate(self, session: AsyncSession, case: Case, page: PageTime, plan: Plan) -> list[Enqueued]:
        """The booking stands as it was. Its guests may have been told otherwise, by a provider that knows no better."""
        booking, write = case.booking, case.write
        restate(booking)
        if any(finding.kind is Kind.DELETED for finding in plan.findings):
            write.video_url = None  # it went with the event
        return await self._post.restored(session, booking, page, write, now=self._clock())


def _subject(plan: Plan, write: CalendarWrite) -> str | None:
    """Which of the events the plan is about: the one that was moved, or ours."""
    moved = [finding for finding in plan.findings if finding.kind in {Kind.MOVED, Kind.RESIZED}]
    return moved[0].event_ids[0] if moved else write.event_id


async def _wish(session: AsyncSession, booking_id: UUID, draft: EventDraft | None) -> Enqueued:
    job = await change_wish(session, owner_of_event(booking_id), draft)
    assert job is not None
    return job


async def take(session: AsyncSession, booking: Booking, page: PageTime, span: TimeSpan) -> bool:
    """Reserve the time the event was moved to, buffers included; False when another booking has it.

    A visitor who holds it loses it: the event stands there, and could not be booked over.
    """
    document = page.configuration
    start, end = (int(at.timestamp()) for at in span)
    buffered = start - document.buffer_before_minutes * 60, end + document.buffer_after_minutes * 60
    if await repository.move_time(session, booking.id, buffered):
        return True
    held = await repository.displace_holds(session, booking.id, buffered)
    return held and await repository.move_time(session, booking.id, buffered)


def _asking(plan: Plan, *, waiting: Collection[Finding]) -> Plan:
    """The same, but for the move: another booking has that time. What the host was asked is not asked again."""
    findings = (
        replace(item, decision=Policy.ASK, doubt=Doubt.SLOT_TAKEN) if _is_move(item) else item for item in plan.findings
    )
    return replace(plan, findings=tuple(item for item in findings if item not in waiting), move_to=None)


def _is_move(finding: Finding) -> bool:
    return finding.kind in {Kind.MOVED, Kind.RESIZED} and finding.decision is Policy.ADOPT


def _note(
    write: CalendarWrite, standing: Standing, *, booked: TimeSpan | None, draft: EventDraft | None = None
) -> None:
    """What stands there is known; that it stands where it should is, if it does."""
    span = standing.span if standing.span == booked else None
    observe(write, standing.event_id, standing.etag, span=span, draft=draft)
    if standing.response is not None:
        write.guest_response = standing.response


def _audit(session: AsyncSession, booking: Booking, action: str) -> None:
    add_audit_entry(session, booking.account_id, actor="calendar", action=action, subject_id=booking.id)
