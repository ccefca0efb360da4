"""Booking a slot.

    look   [reads only]   the page, the form, the slot against the mirror, whose turn it is; a short transaction each
    ask    [none open]    the provider itself, about this slot
    book   [transaction]  hosts locked → looked at again → reservation, booking, event, mails: all or nothing

The one rule: 201 is answered after the commit, and two bookings of one host never overlap: the database refuses it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts import idempotency
from app.accounts.idempotency import KeyedRequest, answer_of
from app.accounts.repository import add_audit_entry
from app.bare import BareTransaction, bare_transaction
from app.bookings import repository
from app.bookings.blocked import BlockedAttempts
from app.bookings.holds import check_hold, take_over, why_refused
from app.bookings.host_queues import HostQueues, RefusedMeanwhileError, TakenMeanwhileError
from app.bookings.inquiry import Inquiry
from app.bookings.live_check import LiveCheck, Verdict
from app.bookings.making import new_booking, reserve_and_wish
from app.bookings.news import tell_of_booking, tell_of_request
from app.bookings.offer import around, check_offered, check_open, slot_taken
from app.bookings.outcomes import ACCEPTED, CREATED, Outcome, Outcomes
from app.bookings.post import BookingPost
from app.bookings.schemas import BookingCreate
from app.bookings.seating import MOST_ROUNDS, AnothersTurnError, by_turns, lock_seating
from app.bookings.tokens import BookingTokens
from app.bookings.wishes import Wish, appointment, meeting_request, wish_of
from app.calendar import Clock, ProviderName
from app.errors import (
    AlreadyProcessed,
    AppError,
    BookingUnavailable,
    ConsentRequired,
    HoldExpired,
    NotFound,
    OutsideBookingWindow,
    PageTurnedOff,
    SlotUnavailable,
)
from app.events.types import EventType
from app.failpoints import Failpoint, reached
from app.ids import new_id
from app.insertion import Rows
from app.models.base import Json
from app.models.bookings import Booking, MeetingRequest
from app.providers.base import Provider
from app.queue import Enqueued, Job
from app.scheduling.availability import Mode, PageTime, Seating
from app.scheduling.proposals.repository import answer_proposal
from app.scheduling.reader import PageReader, read_page_time
from app.telemetry.metrics import BOOKINGS, counted

REFUSALS: Final[tuple[type[AppError], ...]] = (
    NotFound, PageTurnedOff, AlreadyProcessed, BookingUnavailable, HoldExpired, SlotUnavailable, ConsentRequired,
    OutsideBookingWindow,
)  # fmt: skip
"""Why a booking is refused, whoever books; what is wrong with the form and its key besides."""
VISITOR: Final = "visitor"
"""Who books, in the audit log, unless somebody does it on their behalf (R50)."""


class _NobodyKnowsError(Exception):
    """Calendars could not be asked, and no mirror of them is young enough."""

    def __init__(self, unread: frozenset[UUID]) -> None:
        super().__init__()
        self.unread = unread


class _OnlyAskedError(Exception):
    """A calendar cannot be read, and its person lets times be asked for then (R30)."""


def _kind(outcome: Outcome) -> str:
    """What it counts as."""
    return "booked" if isinstance(outcome.made, Booking) else "requested"


class BookingDesk:
    """Takes bookings and meeting requests."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        pool: asyncpg.Pool,
        pages: PageReader,
        live: LiveCheck,
        post: BookingPost,
        *,
        blocked_attempts: BlockedAttempts,
        queues: HostQueues,
        tokens: BookingTokens,
        providers: dict[ProviderName, Provider],
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._pool = pool
        self._outcomes = Outcomes(sessions, pool, clock)
        self._pages = pages
        self._live = live
        self._post = post
        self._blocked_attempts = blocked_attempts
        self._tokens = tokens
        self._providers = providers
        self._clock = clock
        self._queues = queues

    async def book(
        self, page_id: UUID, form: BookingCreate, *, keyed: KeyedRequest | None, by: str = VISITOR
    ) -> Outcome:
        """Book the slot, or ask for it while the host is offline.

        Raises: NotFound, PageTurnedOff, ValidationFailed, ConsentRequired, OutsideBookingWindow, SlotUnavailable
        (with alternatives), HoldExpired (the same), BookingUnavailable, AlreadyProcessed (its proposal was booked, or
        the same was asked for), IdempotencyKeyReused, RequestInProgress.
        """
        try:
            page = await self._read(page_id, form)
        except NotFound:
            if (before := await self._outcomes.of_deleted(page_id, keyed)) is None:
                raise
            return before
        if (before := await self._outcomes.of(page.account_id, keyed)) is not None:
            return before
        now = await check_hold(self._sessions, self._tokens.of_holds(), page, form, now=self._now())
        try:
            return await self._take(page, wish_of(page, form, by=by, now=now), keyed)
        except idempotency.AnsweredMeanwhileError:
            return await self.book(page_id, form, keyed=keyed, by=by)
        except (SlotUnavailable, HoldExpired) as refusal:
            raise await why_refused(self._sessions, page, form, refusal, now=self._now()) from refusal

    @counted(BOOKINGS, _kind)
    async def _take(self, page: PageTime, wish: Wish, keyed: KeyedRequest | None) -> Outcome:
        """Look, ask, book; or keep the request.

        Those who want a round robin come one after another: each goes by the turns of then (R27).
        """
        await self._check(page, wish)
        if not page.is_round_robin:
            return await self._offer(page, wish, keyed)
        try:
            return await self._take_turn(page, wish, keyed)
        except RefusedMeanwhileError as told:
            await self._unless_answered(page, keyed)
            raise SlotUnavailable(extra=told.refusal.extra) from told

    async def _take_turn(self, page: PageTime, wish: Wish, keyed: KeyedRequest | None) -> Outcome:
        asked = wish.start, wish.form.duration_minutes, wish.form.hold_id
        async with self._queues.turn(page.page_id, asked=asked) as waited:
            for number in range(MOST_ROUNDS):
                if waited or number:
                    page = await self._look_again(page, wish, keyed)
                with suppress(AnothersTurnError):
                    return await self._offer(page, wish, keyed)
        raise BookingUnavailable(retry_after=1)

    async def _check(self, page: PageTime, wish: Wish) -> None:
        """Raises: BookingUnavailable, OutsideBookingWindow, SlotUnavailable."""
        if page.unavailable:
            await self._blocked_attempts.tell_host(page)
            raise BookingUnavailable(detail="host_told")
        check_offered(page, wish.form.duration_minutes, start=wish.start, now=wish.now)

    async def _look_again(self, page: PageTime, wish: Wish, keyed: KeyedRequest | None) -> PageTime:
        """The page after those before us, unless one of them was the same request."""
        await self._unless_answered(page, keyed)
        latest = await self._read(page.page_id, wish.form)
        await self._check(latest, wish)
        return latest

    async def _unless_answered(self, page: PageTime, keyed: KeyedRequest | None) -> None:
        """Raises: AnsweredMeanwhileError, when the same request was faster."""
        if await self._outcomes.of(page.account_id, keyed) is not None:
            raise idempotency.AnsweredMeanwhileError

    async def _read(self, page_id: UUID, form: BookingCreate) -> PageTime:
        """The page around the slot, without the visitor's own hold. Raises: NotFound."""
        between = around(int(form.start_at.timestamp()), form.duration_minutes)
        page = await self._pages.read_together(page_id, between, excluding=form.hold_id)
        if page is None:
            raise NotFound
        return page

    async def _offer(self, page: PageTime, wish: Wish, keyed: KeyedRequest | None) -> Outcome:
        """To one seating after another, first to those whose turn it is, until one takes it; or as a request."""
        if page.mode is Mode.OFFLINE:
            [everybody] = page.seatings()
            return await self._request(everybody, wish, keyed)
        taken, askable = None, None
        passed: set[UUID] = set()
        unread: frozenset[UUID] = frozenset()
        candidates = await self._candidates(page, wish)
        inquiry = Inquiry(self._live, candidates, page.rules(wish.form.duration_minutes).buffered(wish.start))
        for seating in candidates:
            if taken is not None and not await self._is_left(seating, wish):
                continue  # gone as well, while somebody else's was waited for
            try:
                return await self._seat(seating, wish, keyed, frozenset(passed), inquiry)
            except SlotUnavailable as refusal:
                taken = refusal  # a moment ago; of a round robin somebody else may still be free
            except _OnlyAskedError:
                askable = askable or seating
            except _NobodyKnowsError as nobody:
                unread |= nobody.unread
            passed.add(seating.host.id)
        if askable is not None:
            return await self._request(askable, wish, keyed)
        if taken is not None:
            raise taken
        await self._blocked_attempts.tell_host(page, unread)
        raise BookingUnavailable(detail="host_told")

    async def _is_left(self, seating: Seating, wish: Wish) -> bool:
        """Whether these hosts are still free: to look costs less than to ask their calendars and to wait for a lock."""
        page = await self._read(seating.page_id, wish.form)
        now = page.seated({host.host.id for host in seating.hosts})
        return now is not None and now.refusal(wish.form.duration_minutes, start=wish.start, now=wish.now) is None

    async def _candidates(self, page: PageTime, wish: Wish) -> Sequence[Seating]:
        """Who could host the meeting, first whose turn it seems to be."""
        if not page.is_round_robin:
            return page.seatings()
        async with bare_transaction(self._pool, page.account_id) as work:
            return [seating for seating, _ in await self._in_turn(work, page, wish)]

    async def _in_turn(
        self, work: BareTransaction, page: PageTime, wish: Wish, passed: frozenset[UUID] = frozenset()
    ) -> list[tuple[Seating, Json | None]]:
        """The same with why it is theirs, without who was passed over; under the page's lock it is so."""
        minutes = wish.form.duration_minutes
        left = [seating for seating in page.seatings() if seating.host.id not in passed]
        free = [seating for seating in left if seating.refusal(minutes, start=wish.start, now=wish.now) is None]
        in_order = await by_turns(work.connection.fetch, page, free, now=self._clock())
        return sorted(in_order, key=lambda turn: turn[0].asks_only)  # a booking before a request

    async def _seat(
        self, seating: Seating, wish: Wish, keyed: KeyedRequest | None, passed: frozenset[UUID], inquiry: Inquiry
    ) -> Outcome:
        """Ask, and book. Raises: SlotUnavailable, _NobodyKnowsError, _OnlyAskedError, AnothersTurnError."""
        minutes = wish.form.duration_minutes
        slot = seating.rules(minutes).buffered(wish.start)
        checked = await inquiry.about(seating)
        if checked.verdict in {Verdict.UNKNOWN, Verdict.LOST}:
            raise _NobodyKnowsError(checked.unread)
        if checked.verdict is Verdict.BUSY:
            raise slot_taken(seating, minutes, start=wish.start, now=self._now())
        if checked.verdict is Verdict.ASK or seating.asks_only:
            raise _OnlyAskedError
        try:
            async with self._queues.wait_for(seating.host.id, wanted=slot):
                return await self._book(seating, wish, keyed, passed)
        except asyncpg.ExclusionViolationError as error:
            raise slot_taken(seating, minutes, start=wish.start, now=self._now()) from error
        except TakenMeanwhileError as gone:
            await self._unless_answered(seating, keyed)
            raise slot_taken(seating.less(gone.taken), minutes, start=wish.start, now=self._now()) from gone

    async def _book(self, asked: Seating, wish: Wish, keyed: KeyedRequest | None, passed: frozenset[UUID]) -> Outcome:
        async with bare_transaction(self._pool, asked.account_id) as work:
            page, seating = await self._look_under_lock(work, asked, wish, keyed)
            first, why = (await self._in_turn(work, page, wish, passed))[0]
            if first.host.id != seating.host.id:
                raise AnothersTurnError
            if seating.destination is None:
                raise BookingUnavailable  # disconnected this moment; the next attempt becomes a request
            booking_id = new_id()
            provider = self._providers[ProviderName(seating.destination.provider)]
            given = appointment(seating, wish, booking_id, self._tokens, now=self._clock())
            booking = new_booking(seating, booking_id, given, provider, why)
            booking.proposal_id = await answer_proposal(work.connection.fetch, page.page_id, wish.form.proposal_id)
            work.add(booking)
            write = reserve_and_wish(work, booking, seating, provider)
            mails = self._post.confirmed(work, booking, seating, write)
            self._record(work, booking, keyed, status_code=CREATED, action="booking.created", by=wish.by)
            told = tell_of_booking(work, EventType.BOOKING_CREATED, booking)
            await work.save([Enqueued(Job.WRITE_EVENT, write.account_id, write.id), *mails, *told])
            reached(Failpoint.BOOKING_BEFORE_COMMIT)
        reached(Failpoint.BOOKING_AFTER_COMMIT)
        return Outcome(booking, seating, write)

    async def _request(self, asked: Seating, wish: Wish, keyed: KeyedRequest | None) -> Outcome:
        """R26, R30: nobody can tell what is free, so nothing is promised and nothing is written to any calendar."""
        async with bare_transaction(self._pool, asked.account_id) as work:
            _, seating = await self._look_under_lock(work, asked, wish, keyed)
            if asked.mode is Mode.OFFLINE and seating.mode is not Mode.OFFLINE:
                raise BookingUnavailable(retry_after=1)  # connected this moment; the next attempt can be a booking
            request = meeting_request(seating, wish, self._tokens, now=self._clock())
            request.proposal_id = await answer_proposal(work.connection.fetch, asked.page_id, wish.form.proposal_id)
            the_same = asked.page_id, request.starts_at, request.visitor_email
            if await work.fetchval(repository.ASKED_ALREADY, *the_same) is not None:
                raise AlreadyProcessed(detail="asked_already")
            repository.add_request(work, request)
            mails = self._post.requested(work, request, seating)
            self._record(work, request, keyed, status_code=ACCEPTED, action="meeting_request.created", by=wish.by)
            told = tell_of_request(work, EventType.MEETING_REQUEST_CREATED, request)
            await work.save([*mails, told, Enqueued(Job.RECORD_BOOKING, request.account_id, request.id)])
            return Outcome(request, seating)

    async def _look_under_lock(
        self, work: BareTransaction, asked: Seating, wish: Wish, keyed: KeyedRequest | None
    ) -> tuple[PageTime, Seating]:
        """The page and the same seating again, with the key ours and its hosts locked: what is offered now is offered
        until the commit.
        """
        if keyed is not None and not await idempotency.claim(work, keyed, now=self._clock()):
            raise idempotency.AnsweredMeanwhileError
        if not await lock_seating(work.connection.fetch, asked):
            raise NotFound
        await take_over(work, wish.form.hold_id)
        minutes = wish.form.duration_minutes
        page = await read_page_time(work.connection, asked.page_id, around(wish.start, minutes))
        if page is None:
            raise NotFound
        check_open(page, minutes)
        seating = page.seated({host.host.id for host in asked.hosts})
        if seating is None:  # the page's hosts were changed this moment
            raise slot_taken(page, minutes, start=wish.start, now=self._now())
        if seating.unavailable:
            raise BookingUnavailable
        check_offered(seating, minutes, start=wish.start, now=wish.now)
        return page, seating

    def _record(
        self,
        rows: Rows,
        made: Booking | MeetingRequest,
        keyed: KeyedRequest | None,
        *,
        status_code: int,
        action: str,
        by: str,
    ) -> None:
        """Audit and the answer to repeat, which are there or not with what was made."""
        source = "scheduling_page" if by == VISITOR else "on_behalf"
        add_audit_entry(rows, made.account_id, actor=by, action=action, subject_id=made.id, source=source)
        if keyed is not None:
            now = self._clock()
            rows.add(answer_of(made.account_id, keyed, status_code=status_code, subject_id=made.id, now=now))

    def _now(self) -> int:
        return int(self._clock().timestamp())
