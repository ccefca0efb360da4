"""Rescheduling and cancelling, by the visitor's link or by the host (R47).

The one rule: a reschedule moves one booking, its reservation and its one event; it never cancels and makes anew.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import add_audit_entry
from app.bare import bare_transaction
from app.bookings import repository
from app.bookings.event import event_draft, event_key, is_fixed, owner_of_event
from app.bookings.host_queues import HostQueues, TakenMeanwhileError
from app.bookings.live_check import LiveCheck, Moving, Verdict
from app.bookings.news import tell_of_booking
from app.bookings.offer import around, check_offered, page_time_of_booking, slot_taken
from app.bookings.ownership import Held, concerns
from app.bookings.post import BookingPost
from app.bookings.reschedule_slots import without
from app.bookings.seating import fetch_in
from app.bookings.transitions import end, move
from app.calendar import Clock, ProviderName
from app.calendar_writes.service import change_wish, find_write
from app.database import transaction
from app.errors import (
    AlreadyCancelled,
    AppError,
    BookingUnavailable,
    CapabilityNotSupported,
    CutoffPassed,
    NotFound,
    OutsideBookingWindow,
    SlotUnavailable,
    require_version,
)
from app.events.types import EventType
from app.models.bookings import Booking
from app.models.calendar_writes import CalendarWrite
from app.providers.base import Provider
from app.queue import enqueue
from app.scheduling.availability import PageTime
from app.scheduling.reader import read_page_time

CANCEL_REFUSALS: Final[tuple[type[AppError], ...]] = (NotFound, AlreadyCancelled, CapabilityNotSupported, CutoffPassed)
MOVE_REFUSALS: Final = (*CANCEL_REFUSALS, BookingUnavailable, SlotUnavailable, OutsideBookingWindow)
"""Why a change is refused, whoever asks for it; VersionMismatch besides."""


@dataclass(frozen=True, slots=True)
class ByHost:
    """The host's side changes the booking: somebody it concerns, or a service of the account."""

    user_id: UUID | None
    """None: a service."""
    name: Literal["host"] = "host"

    @property
    def actor(self) -> str:
        """As the audit log names it."""
        return "service" if self.user_id is None else f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class ByVisitor:
    """The visitor changes the booking; the token was shown."""

    name: Literal["visitor"] = "visitor"
    actor: Literal["visitor"] = "visitor"


Side = ByHost | ByVisitor


@dataclass(frozen=True, slots=True)
class Changed:
    """The booking as it is now, its page, and its event."""

    booking: Booking
    page: PageTime
    write: CalendarWrite | None


class BookingChanges:
    """Moves and ends bookings. Callers have shown that the booking is theirs."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        pool: asyncpg.Pool,
        live: LiveCheck,
        post: BookingPost,
        providers: dict[ProviderName, Provider],
        *,
        clock: Clock,
        queues: HostQueues,
    ) -> None:
        self._sessions = sessions
        self._pool = pool
        self._live = live
        self._post = post
        self._fixed = {name for name, provider in providers.items() if not provider.features.event_update}
        self._clock = clock
        self._queues = queues

    async def reschedule(
        self, held: Held, *, to: datetime, by: Side, reason: str | None, if_match: int | None = None
    ) -> Changed:
        """Move the booking to another offered slot of the same length.

        Raises: NotFound, AlreadyCancelled, CutoffPassed, VersionMismatch, CapabilityNotSupported, OutsideBookingWindow,
        SlotUnavailable (with alternatives), BookingUnavailable.
        """
        booking, write, start = held.booking, held.write, int(to.timestamp())
        page = await self._look(booking, start)
        self._check_movable(booking, page, start, by=by, if_match=if_match)
        self._check_capability(write, "event_reschedule", by)
        if booking.start == start:
            return Changed(booking, page, write)
        minutes = booking.duration_minutes
        slot = page.rules(minutes).buffered(start)
        uid = (None if write is None else write.ical_uid) or booking.ical_uid
        checked = await self._live.check(page.watched, slot, moving=Moving(event_key(booking.id), uid))
        if checked.verdict in {Verdict.UNKNOWN, Verdict.LOST, Verdict.ASK}:
            raise BookingUnavailable
        if checked.verdict is Verdict.BUSY:
            raise slot_taken(page, minutes, start=start, now=self._now())
        try:
            async with self._queues.wait_for(page.host.id, wanted=slot, by=booking.id):
                return await self._move(booking.account_id, booking.id, start, by=by, reason=reason, if_match=if_match)
        except TakenMeanwhileError as gone:
            raise slot_taken(page.less(gone.taken), minutes, start=start, now=self._now()) from gone

    async def _move(
        self, account_id: UUID, booking_id: UUID, start: int, *, by: Side, reason: str | None, if_match: int | None
    ) -> Changed:
        async with transaction(self._sessions, account_id) as session:
            booking = await self._find(session, booking_id, by=by)
            page = await page_time_of_booking(session, booking, at=start)
            page = await without(fetch_in(session), page, booking)
            self._check_movable(booking, page, start, by=by, if_match=if_match)
            if booking.start == start:  # moved there meanwhile
                return Changed(booking, page, await find_write(session, owner_of_event(booking_id)))
            minutes = booking.duration_minutes
            if not await repository.move_time(session, booking_id, page.rules(minutes).buffered(start)):
                raise slot_taken(page, minutes, start=start, now=self._now())
            to = datetime.fromtimestamp(start, UTC)
            former = await move(session, booking, page, (to, to + timedelta(minutes=minutes)), now=self._clock())
            owner = owner_of_event(booking_id)
            draft = event_draft(booking, page.configuration, await find_write(session, owner))
            jobs = [await change_wish(session, owner, draft)]
            write = await find_write(session, owner)
            jobs += await self._post.rescheduled(
                session, booking, page, write, former=former, reason=reason, by=by.name
            )
            add_audit_entry(session, account_id, actor=by.actor, action="booking.rescheduled", subject_id=booking_id)
            jobs += tell_of_booking(session, EventType.BOOKING_RESCHEDULED, booking)
            await session.flush()
            await enqueue(session, [job for job in jobs if job is not None])
            return Changed(booking, page, write)

    async def cancel(
        self, account_id: UUID, booking_id: UUID, *, by: Side, reason: str | None, if_match: int | None = None
    ) -> Changed:
        """End the booking and give its time back.

        Raises: NotFound, AlreadyCancelled, CutoffPassed, VersionMismatch, CapabilityNotSupported.
        """
        async with transaction(self._sessions, account_id) as session:
            booking = await self._find(session, booking_id, by=by)
            page = await page_time_of_booking(session, booking)
            self._check_changeable(booking, if_match)
            self._check_cutoff(booking, page.configuration.cancel_cutoff_minutes, by)
            self._check_capability(await find_write(session, owner_of_event(booking_id)), "event_cancel", by)
            await end(session, booking, by=by.name, reason=reason, now=self._clock())
            jobs = [await change_wish(session, owner_of_event(booking_id), None)]
            write = await find_write(session, owner_of_event(booking_id))
            jobs += await self._post.cancelled(session, booking, page, write, reason=reason)
            add_audit_entry(session, account_id, actor=by.actor, action="booking.cancelled", subject_id=booking_id)
            jobs += tell_of_booking(session, EventType.BOOKING_CANCELLED, booking)
            await session.flush()
            await enqueue(session, [job for job in jobs if job is not None])
            return Changed(booking, page, write)

    async def _look(self, booking: Booking, start: int) -> PageTime:
        """The page around the start, before anything is locked."""
        between = around(start, booking.duration_minutes)
        async with bare_transaction(self._pool, booking.account_id) as work:
            page = await read_page_time(
                work.connection, booking.page_id, between, excluding=booking.id, deleted_too=True
            )
            if page is None:
                raise NotFound
            return await without(work.connection.fetch, page, booking)

    def _check_movable(self, booking: Booking, page: PageTime, start: int, *, by: Side, if_match: int | None) -> None:
        """Whether the booking may be moved to this start."""
        self._check_changeable(booking, if_match)
        self._check_cutoff(booking, page.configuration.reschedule_cutoff_minutes, by)
        if not page.takes_moves:
            raise BookingUnavailable
        if booking.start != start:
            check_offered(page, booking.duration_minutes, start=start, now=self._now())

    @staticmethod
    async def _find(session: AsyncSession, booking_id: UUID, *, by: Side) -> Booking:
        """The booking, locked; its hosts first, then itself: the order of every booking transaction."""
        booking = await repository.find_booking(session, booking_id)
        if booking is not None:
            await repository.lock_hosts_of(session, booking)
            booking = await repository.find_booking(session, booking_id, lock=True)
        if booking is None or (isinstance(by, ByHost) and not await concerns(session, booking, by.user_id)):
            raise NotFound
        return booking

    def _check_changeable(self, booking: Booking, if_match: int | None) -> None:
        if booking.status == "cancelled":
            raise AlreadyCancelled
        require_version(if_match, booking.version)

    def _check_cutoff(self, booking: Booking, cutoff_minutes: int, by: Side) -> None:
        """A visitor may change a booking until its cut-off, nobody once it has begun."""
        if booking.until(cutoff_minutes if isinstance(by, ByVisitor) else 0) <= self._clock():
            raise CutoffPassed

    def _check_capability(self, write: CalendarWrite | None, capability: str, by: Side) -> None:
        """R24: some providers' events cannot be changed by us. Whose provider it is, a visitor is not told (R34)."""
        if write is None or not is_fixed(write, self._fixed):
            return
        if isinstance(by, ByVisitor):
            raise CapabilityNotSupported(detail="ask_the_host", extra={"capability": capability})
        raise CapabilityNotSupported(
            detail="change_in_calendar", extra={"capability": capability, "provider": write.provider}
        )

    def _now(self) -> int:
        return int(self._clock().timestamp())
