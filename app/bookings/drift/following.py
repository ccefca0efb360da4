"""Booked events that have changed in the calendar: found, planned for, and followed (R23).

    pick    the events that differ from what we wrote
    look    whether one that is gone stands in another calendar
    apply   facts → plan → booking, ledger, mails, feed: one transaction, under the host's lock

The one rule: what is decided is decided by `drift.plan`; what is done stands in the ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.bookings import repository
from app.bookings.drift import ledger
from app.bookings.drift.effects import Case, DriftEffects
from app.bookings.drift.elsewhere import stands_elsewhere
from app.bookings.drift.planner import DEFAULT_POLICIES, Doubt, Facts, Kind, Plan, Policy, Standing, TimeSpan, plan
from app.bookings.event import event_key
from app.calendar import Clock, Event, ProviderName, Response, Timed, normalised
from app.calendar_writes.service import Owner, draft_from_json, find_write
from app.database import transaction
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar
from app.models.mirror import MirrorEvent
from app.models.scheduling import CalendarSettings
from app.providers.base import CalendarSession, Provider, ProviderError
from app.queue import Enqueued, Job, enqueue
from app.sync.changes import Topic, note_events
from app.sync.following import FollowedCalendar, Follower, PostponedError
from app.sync.rereading import Seen

_LINK_COMES: Final = timedelta(minutes=1)
"""Google and Microsoft may make a video call moments after its event; one that has not come by then does not."""
_DIFFERING = """
SELECT u.event_id
  FROM unnest($1::text[]) AS u(event_id)
  LEFT JOIN mirror_events m ON m.account_id = $2 AND m.calendar_id = $3 AND m.event_id = u.event_id
 WHERE EXISTS (
       SELECT FROM calendar_writes w
        WHERE w.account_id = $2 AND w.calendar_id = $3 AND w.booking_id IS NOT NULL
          AND (w.event_id = u.event_id OR w.key = m.key)
          AND (m.event_id IS NULL OR (m.event_id, m.etag) IS DISTINCT FROM (w.event_id, w.etag)
               OR EXISTS (SELECT FROM drift_entries d
                           WHERE d.account_id = $2 AND d.booking_id = w.booking_id AND d.status = 'open'
                             AND d.reason = 'slot_taken')))
"""


class BookingFollower:
    """Runs `follow_bookings`, and carries out what the host decides."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        follower: Follower,
        effects: DriftEffects,
        providers: Mapping[ProviderName, Provider],
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._follower = follower
        self._effects = effects
        self._providers = providers
        self._clock = clock

    async def run(self, account_id: UUID, calendar_id: UUID) -> None:
        """Follow what waits in the calendar."""
        await self._follower.run(account_id, calendar_id, Topic.BOOKING, self)

    async def pick(self, session: AsyncSession, place: FollowedCalendar, event_ids: Sequence[str]) -> set[str]:
        """Events that stand otherwise than we wrote them; none where changes do not come back (R24)."""
        if not self._providers[ProviderName(place.connection.provider)].features.two_way_sync:
            return set()
        connection, calendar = await session.connection(), place.calendar
        rows = await connection.exec_driver_sql(_DIFFERING, (list(event_ids), calendar.account_id, calendar.id))
        return set(rows.scalars())

    async def look_further(self, at_provider: CalendarSession, place: FollowedCalendar, seen: Seen) -> Seen:
        """An event of ours that is gone may have been dragged to another calendar."""
        if seen.event is not None or seen.error is not None:
            return seen
        calendar = place.calendar
        async with transaction(self._sessions, calendar.account_id) as session:
            write = await session.scalar(
                select(CalendarWrite).where(
                    CalendarWrite.calendar_id == calendar.id,
                    CalendarWrite.booking_id.is_not(None),
                    CalendarWrite.event_id == seen.event_id,
                )
            )
        if write is None or write.draft is None or (was := _written(write)) is None:
            return seen
        try:
            elsewhere = await stands_elsewhere(at_provider, calendar.provider_calendar_id, write.key, Timed(*was))
        except ProviderError as error:
            return replace(seen, error=error)
        return replace(seen, elsewhere=elsewhere)

    async def apply(self, session: AsyncSession, place: FollowedCalendar, seen: Seen) -> list[Enqueued]:
        """Find out whose event it is, and follow. Raises: PostponedError."""
        calendar, event_id, event = place.calendar, seen.event_id, seen.event
        if event is not None and event.series_id is not None:
            return []  # a date of what its host has made a series; the series itself stands for the booking
        booking_id = await _booking_of(session, calendar, event_id, event)
        if booking_id is None:
            return []
        booking, write = await self.lock(session, booking_id)
        if booking is None or write is None or await _is_hosts_own(session, calendar, event_id, booking, write):
            return []
        observed = await _observed(session, calendar, booking, event_id, event)
        facts = replace(await self._facts(session, booking, write, observed), elsewhere=seen.elsewhere)
        if facts.pending or seen.is_before(write.id, (write.fence, write.written_seq)):
            raise PostponedError
        if event is not None and self._is_without_its_link(write, event):
            raise PostponedError
        linked = [] if event is None else _take_link(write, event)
        todo = _planned(facts, await policies_of(session, booking.host_id))
        if todo.empty:
            return linked
        return linked + await self._effects.carry_out(session, Case(booking, write, facts), todo)

    async def follow_refused(self, account_id: UUID, booking_id: UUID) -> None:
        """Another booking had the time that the event was moved to, and has given it back: it is looked at anew."""
        async with transaction(self._sessions, account_id) as session:
            write = await find_write(session, Owner("booking", booking_id))
            entries = (await ledger.open_entries(session, booking_id)).values()
            refused = [entry for entry in entries if entry.reason == Doubt.SLOT_TAKEN]
            if write is None or write.calendar_id is None or not refused:
                return
            events = dict.fromkeys(event_id for entry in refused for event_id in entry.event_ids)
            where = account_id, write.calendar_id
            again = await note_events(session, *where, events, Topic.BOOKING, now=self._clock())
            await enqueue(session, [again])

    def _is_without_its_link(self, write: CalendarWrite, event: Event) -> bool:
        """Whether the provider is still making the video call (R56)."""
        if write.draft is None or event.video_url or not _lacks_link(write, event):
            return False
        return draft_from_json(write.draft).video and self._clock() - write.created_at < _LINK_COMES

    @staticmethod
    async def lock(session: AsyncSession, booking_id: UUID) -> tuple[Booking | None, CalendarWrite | None]:
        """The booking and its write, in the order in which every booking's transaction locks."""
        booking = await repository.find_booking(session, booking_id)
        if booking is None:
            return None, None
        await repository.lock_hosts_of(session, booking)
        booking = await repository.find_booking(session, booking_id, lock=True)
        return booking, await find_write(session, Owner("booking", booking_id), lock=True)

    async def _facts(
        self, session: AsyncSession, booking: Booking, write: CalendarWrite, observed: frozenset[Standing]
    ) -> Facts:
        now = self._clock()
        waiting = await ledger.open_entries(session, booking.id)
        return Facts(
            now=now,
            booked=(booking.starts_at, booking.ends_at) if booking.status != "cancelled" else None,
            written=_written(write),
            event_id=write.event_id,
            response=Response(write.guest_response) if write.guest_response else None,
            observed=observed,
            pending=write.under_way,
            waiting=frozenset(ledger.finding_of(entry) for entry in waiting.values()),
            kept=await ledger.kept_copies(session, booking.id),
            restores=await ledger.count_restores(session, booking.id, now=now),
        )

    async def plan_as_decided(
        self, session: AsyncSession, booking: Booking, write: CalendarWrite, kind: Kind, decision: Policy
    ) -> tuple[Case, Plan]:
        """What the host's word on one kind of drift means for what the mirror shows now."""
        calendar = await session.scalar(select(Calendar).where(Calendar.id == write.calendar_id))
        observed = frozenset[Standing]() if calendar is None else await _mirrored(session, calendar, booking)
        if kind is Kind.DECLINED:
            observed = frozenset(_declining(item, write.event_id) for item in observed)
        facts = await self._facts(session, booking, write, observed)
        facts = replace(facts, waiting=frozenset(), restores=0)
        others = dict.fromkeys(Kind, Policy.ASK)
        return Case(booking, write, facts), plan(facts, {**others, kind: decision})


def _planned(facts: Facts, policies: Mapping[Kind, Policy]) -> Plan:
    """What was refused because another booking had the time is tried with every look: that may be gone."""
    settled = frozenset(finding for finding in facts.waiting if finding.doubt is not Doubt.SLOT_TAKEN)
    return replace(plan(replace(facts, waiting=settled), policies), lapsed=plan(facts, policies).lapsed)


def _lacks_link(write: CalendarWrite, event: Event) -> bool:
    """Whether it is the written event itself, and nobody knows a video link of it."""
    return event.id == write.event_id and write.video_url is None


def _take_link(write: CalendarWrite, event: Event) -> list[Enqueued]:
    """The video link that the provider has made since the event was written; the timeline shows it."""
    if write.booking_id is None or not event.video_url or not _lacks_link(write, event):
        return []
    write.video_url = event.video_url
    return [Enqueued(Job.RECORD_BOOKING, write.account_id, write.booking_id)]


def _declining(item: Standing, event_id: str | None) -> Standing:
    response = Response.DECLINED if item.event_id == event_id else item.response
    return Standing(item.event_id, item.span, item.etag, response)


def _written(write: CalendarWrite) -> TimeSpan | None:
    if write.written_start is None or write.written_end is None:
        return None
    return write.written_start, write.written_end


async def policies_of(session: AsyncSession, host_id: UUID) -> dict[Kind, Policy]:
    """The host's word on each kind of drift."""
    stored = await session.scalar(select(CalendarSettings.drift_policies).where(CalendarSettings.user_id == host_id))
    return {**DEFAULT_POLICIES, **{Kind(kind): Policy(policy) for kind, policy in (stored or {}).items()}}


async def _booking_of(session: AsyncSession, calendar: Calendar, event_id: str, event: Event | None) -> UUID | None:
    """By the event's own key; of one that is gone by what we know of it."""
    known = CalendarWrite.event_id == event_id if event is None else CalendarWrite.key == event.key
    return await session.scalar(
        select(CalendarWrite.booking_id).where(
            CalendarWrite.calendar_id == calendar.id, CalendarWrite.booking_id.is_not(None), known
        )
    )


async def _is_hosts_own(
    session: AsyncSession, calendar: Calendar, event_id: str, booking: Booking, write: CalendarWrite
) -> bool:
    """Whether what becomes of the event changes nothing about the booking: it stands elsewhere now, nobody came, or
    it was made a series, off which the date of the cancelled booking was taken.
    """
    if write.calendar_id != calendar.id or booking.status == "no_show":
        return True
    if booking.status != "cancelled":
        return False
    of_series = select(MirrorEvent.event_id).where(
        MirrorEvent.calendar_id == calendar.id, MirrorEvent.series_id == event_id
    )
    return await session.scalar(of_series.limit(1)) is not None


async def _mirrored(session: AsyncSession, calendar: Calendar, booking: Booking) -> frozenset[Standing]:
    """The booking's events, as the mirror has them. Made a series by its host, its dates are no copies of it."""
    rows = await session.scalars(
        select(MirrorEvent).where(
            MirrorEvent.calendar_id == calendar.id,
            MirrorEvent.key == event_key(booking.id),
            MirrorEvent.series_id.is_(None),
        )
    )
    return frozenset(
        Standing(
            row.event_id,
            None if row.starts_at is None or row.ends_at is None else (row.starts_at, row.ends_at),
            row.etag,
        )
        for row in rows
    )


async def _observed(
    session: AsyncSession, calendar: Calendar, booking: Booking, event_id: str, event: Event | None
) -> frozenset[Standing]:
    """The same, with the one event that was just read as it is."""
    others = {item for item in await _mirrored(session, calendar, booking) if item.event_id != event_id}
    return frozenset(others if event is None else {*others, standing_of(event, booking)})


def standing_of(event: Event, booking: Booking) -> Standing:
    """An event, as drift sees it."""
    span = (event.when.start, event.when.end) if isinstance(event.when, Timed) else None
    visitor = normalised(booking.visitor_email)
    answers = [guest.response for guest in event.attendees if normalised(guest.email) == visitor]
    return Standing(event.id, span, event.etag, answers[0] if answers else None)
