"""Meeting requests: accepted, declined, withdrawn (R26).

    look   [transaction]  the request, its page, what is taken
    ask    [none open]    the provider itself, about this time
    book   [transaction]  host locked → looked at again → booking, reservation, event, mails: all or nothing

The one rule: a request is answered once. Accepted, it is the booking of the same id: the database itself refuses a
second one, and the token that its visitor holds stays good.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.repository import add_audit_entry
from app.bookings import repository
from app.bookings.change import ByHost, ByVisitor
from app.bookings.host_queues import HostQueues, TakenMeanwhileError
from app.bookings.inquiry import Inquiry
from app.bookings.live_check import LiveCheck, Verdict
from app.bookings.making import new_booking, reserve_and_wish
from app.bookings.news import tell_of_booking, tell_of_request
from app.bookings.offer import around, slot_taken
from app.bookings.ownership import concerns
from app.bookings.post import BookingPost
from app.bookings.requests.standing import (
    as_asked,
    clashes,
    free_seatings,
    is_open,
    is_within_limits,
    page_time_of_request,
)
from app.bookings.seating import MOST_ROUNDS, AnothersTurnError, by_turns, fetch_in, lock_seating
from app.calendar import Clock, ProviderName
from app.database import constraint, transaction
from app.errors import (
    AlreadyProcessed,
    BookingUnavailable,
    CalendarNotConnected,
    Conflict,
    NotFound,
    SlotUnavailable,
)
from app.events.types import EventType
from app.models.base import Json
from app.models.bookings import NO_OVERLAP, Booking, MeetingRequest
from app.providers.base import Provider
from app.queue import Enqueued, Job, enqueue
from app.scheduling.availability import Mode, PageTime, Seating
from app.scheduling.proposals.repository import answer_proposal
from app.scheduling.reader import PageReader
from app.timespan import Span

_SHARED = (
    "account_id", "page_id", "starts_at", "ends_at", "visitor_name", "visitor_email", "visitor_time_zone",
    "language", "guests", "answers", "consent_text", "token_hash",
)  # fmt: skip
"""What a booking takes over from its request."""


@dataclass(frozen=True, slots=True)
class AutoConfirm:
    """The page's owner has said beforehand that what is free may be booked, as far as the page's limits go."""

    name: Literal["policy"] = "policy"
    actor: Literal["policy"] = "policy"


Decider = ByHost | ByVisitor | AutoConfirm
Write = Callable[[AsyncSession, MeetingRequest, PageTime], Awaitable[list[Enqueued]]]
"""How the other side is told."""


class MeetingRequests:
    """Answers requests. A visitor has shown the token; of a host it is asked whether the request concerns them."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        pages: PageReader,
        live: LiveCheck,
        post: BookingPost,
        providers: dict[ProviderName, Provider],
        *,
        clock: Clock,
        queues: HostQueues,
    ) -> None:
        self._sessions = sessions
        self._pages = pages
        self._live = live
        self._post = post
        self._providers = providers
        self._clock = clock
        self._queues = queues

    async def accept(self, account_id: UUID, request_id: UUID, *, by: ByHost | AutoConfirm) -> MeetingRequest:
        """Make it a booking.

        Raises: NotFound, AlreadyProcessed, CalendarNotConnected, BookingUnavailable, SlotUnavailable (with
        alternatives).
        """
        for _ in range(MOST_ROUNDS):
            with suppress(AnothersTurnError):
                return await self._accept(account_id, request_id, by=by)
        raise BookingUnavailable(retry_after=1)

    async def _accept(self, account_id: UUID, request_id: UUID, *, by: ByHost | AutoConfirm) -> MeetingRequest:
        """By the turns of now."""
        async with transaction(self._sessions, account_id) as session:
            request = await self._find(session, request_id, by=by)
        page = self._check(request, await self._look(request), by=by)
        async with transaction(self._sessions, account_id) as session:  # sends nothing, but where there are turns
            in_order = await by_turns(fetch_in(session), page, free_seatings(request, page), now=self._clock())
        refusal: Conflict = self._taken(request, page)
        slot = page.rules(request.duration_minutes).buffered(request.start)
        inquiry = Inquiry(self._live, [seating for seating, _ in in_order], slot)
        passed: set[UUID] = set()
        for seating, _ in in_order:
            try:
                return await self._seat(request, seating, frozenset(passed), slot, inquiry, by=by)
            except (SlotUnavailable, BookingUnavailable) as latest:
                refusal = latest  # of a round robin somebody else may be free
                passed.add(seating.host.id)
        raise refusal

    async def _seat(
        self,
        request: MeetingRequest,
        seating: Seating,
        passed: frozenset[UUID],
        slot: Span,
        inquiry: Inquiry,
        *,
        by: Decider,
    ) -> MeetingRequest:
        """Ask the calendars of these hosts, and book; `passed` cannot come.

        Raises: SlotUnavailable, BookingUnavailable, AlreadyProcessed, AnothersTurnError.
        """
        verdict = (await inquiry.about(seating)).verdict
        if verdict is Verdict.BUSY:
            raise self._taken(request, seating)
        hosts_word = verdict is Verdict.ASK and isinstance(by, ByHost)  # of what cannot be read the host knows more
        if verdict is not Verdict.FREE and not hosts_word:
            raise BookingUnavailable
        try:
            async with self._queues.wait_for(seating.host.id, wanted=slot, by=request.id):
                return await self._book(request, seating, passed, by=by)
        except TakenMeanwhileError as gone:
            raise self._taken(request, seating.less(gone.taken)) from gone
        except IntegrityError as error:
            if constraint(error) != NO_OVERLAP:
                raise
            raise self._taken(request, seating) from error

    async def decline(self, account_id: UUID, request_id: UUID, *, by: ByHost, reason: str | None) -> MeetingRequest:
        """The host will not come; the visitor is told. Raises: NotFound, AlreadyProcessed."""
        told = EventType.MEETING_REQUEST_DECLINED
        return await self._end(account_id, request_id, told, self._post.declined, by=by, reason=reason)

    async def withdraw(self, account_id: UUID, request_id: UUID, *, reason: str | None) -> MeetingRequest:
        """The visitor will not come; the host is told. Raises: NotFound, AlreadyProcessed."""
        told = EventType.MEETING_REQUEST_WITHDRAWN
        return await self._end(account_id, request_id, told, self._post.withdrawn, by=ByVisitor(), reason=reason)

    async def _end(
        self, account_id: UUID, request_id: UUID, event: EventType, write: Write, *, by: Decider, reason: str | None
    ) -> MeetingRequest:
        """Nothing comes of it."""
        async with transaction(self._sessions, account_id) as session:
            request = await self._find(session, request_id, by=by, lock=True)
            request.reason = reason
            told = await self._decide(session, request, event, by=by)
            page = as_asked(request, await page_time_of_request(session, request))
            mails = await write(session, request, page)
            await session.flush()
            await enqueue(session, [*mails, told])
            return request

    async def _book(
        self, asked: MeetingRequest, found: Seating, passed: frozenset[UUID], *, by: Decider
    ) -> MeetingRequest:
        hosts = [item.host.id for item in found.hosts]
        async with transaction(self._sessions, asked.account_id) as session:
            # First the hosts, then what is theirs, as every booking does. One who is no more is not on the page that is
            # read next: then `seated` finds nobody, and nothing is booked.
            await lock_seating(fetch_in(session), found)
            request = await self._find(session, asked.id, by=by, lock=True)
            page = self._check(request, await page_time_of_request(session, request), by=by)
            seating = page.seated(hosts)
            if seating is None or seating.destination is None:
                raise BookingUnavailable  # the page's hosts, or their calendars, were changed this moment
            if clashes(request, seating):
                raise self._taken(request, seating)
            why = await self._why(session, request, page, seating, passed)
            request.clashes = False
            provider = self._providers[ProviderName(seating.destination.provider)]
            booking = self._booking(request, seating, provider, why)
            booking.proposal_id = await self._answered(session, request, by=by)
            session.add(booking)
            await session.flush()  # what belongs to it refers to it
            write = reserve_and_wish(session, booking, seating, provider)
            jobs = [Enqueued(Job.WRITE_EVENT, write.account_id, write.id)]
            jobs += self._post.accepted(session, booking, seating, write)
            jobs.append(await self._decide(session, request, EventType.MEETING_REQUEST_ACCEPTED, by=by))
            add_audit_entry(
                session, booking.account_id, actor=by.actor, action="booking.created", subject_id=booking.id,
                source="meeting_request",
            )  # fmt: skip
            jobs += tell_of_booking(session, EventType.BOOKING_CREATED, booking)
            await session.flush()
            await enqueue(session, jobs)
            return request

    async def _answered(self, session: AsyncSession, request: MeetingRequest, *, by: Decider) -> UUID | None:
        """The proposal that it answers: once one is booked, only the host decides what else may come of it (R43).

        Raises: AlreadyProcessed.
        """
        try:
            return await answer_proposal(fetch_in(session), request.page_id, request.proposal_id)
        except AlreadyProcessed:
            if isinstance(by, ByHost):
                return None
            raise

    async def _why(
        self, session: AsyncSession, request: MeetingRequest, page: PageTime, seating: Seating, passed: frozenset[UUID]
    ) -> Json | None:
        """Why it is their turn, of those of the whole page who are free and can come. Raises: AnothersTurnError."""
        free = [other for other in free_seatings(request, page) if other.host.id not in passed]
        first, why = (await by_turns(fetch_in(session), page, free, now=self._clock()))[0]
        if first.host.id != seating.host.id:
            raise AnothersTurnError
        return why

    async def _find(
        self, session: AsyncSession, request_id: UUID, *, by: Decider, lock: bool = False
    ) -> MeetingRequest:
        """One that waits for an answer."""
        request = await repository.find_request(session, request_id, lock=lock)
        if request is None or (isinstance(by, ByHost) and not await concerns(session, request, by.user_id)):
            raise NotFound
        if not is_open(request, self._clock()):
            raise AlreadyProcessed
        return request

    async def _look(self, request: MeetingRequest) -> PageTime:
        """Its page and its hosts' time, read together with all who look at it now; also of one that was deleted."""
        page = await self._pages.read_together(request.page_id, around(request.start, request.duration_minutes))
        if page is not None:
            return page
        async with transaction(self._sessions, request.account_id) as session:
            return await page_time_of_request(session, request)

    def _check(self, request: MeetingRequest, page: PageTime, *, by: Decider) -> PageTime:
        """The page, if enough of its hosts are free as far as the mirror knows; only a host goes beyond its limits."""
        if page.mode is Mode.OFFLINE:
            raise CalendarNotConnected
        if page.unavailable:
            raise BookingUnavailable
        beyond = isinstance(by, AutoConfirm) and not is_within_limits(request, page)
        if beyond or clashes(request, page):
            raise self._taken(request, page)
        return page

    def _taken(self, request: MeetingRequest, page: PageTime) -> SlotUnavailable:
        return slot_taken(page, request.duration_minutes, start=request.start, now=int(self._clock().timestamp()))

    async def _decide(
        self, session: AsyncSession, request: MeetingRequest, event: EventType, *, by: Decider
    ) -> Enqueued:
        """The answer, written down and told."""
        request.status = event.value.rpartition(".")[2]
        request.decided_by = by.name
        request.decided_at = request.updated_at = self._clock()
        await repository.end_waiting(session, request.id)
        add_audit_entry(session, request.account_id, actor=by.actor, action=event.value, subject_id=request.id)
        return tell_of_request(session, event, request)

    def _booking(self, request: MeetingRequest, seating: Seating, provider: Provider, why: Json | None) -> Booking:
        now = self._clock()
        appointment = {name: getattr(request, name) for name in _SHARED}
        appointment |= {"host_id": seating.host.id, "created_at": now, "updated_at": now}
        return new_booking(seating, request.id, appointment, provider, why)
