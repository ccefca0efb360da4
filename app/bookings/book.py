"""Booking a slot.

    look   [transaction]  the page, the form, the slot against the mirror
    ask    [none open]    the provider itself, about this slot
    book   [transaction]  host locked → looked at again → reservation, booking, event, mails: all or nothing

The one rule: 201 is said after the commit, and two bookings of one host never overlap: the database refuses it.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts import idempotency
from app.accounts.idempotency import Attempt, answer_of
from app.accounts.repository import LOCK_HOST, add_audit_entry
from app.bare import BareTransaction, bare_transaction
from app.bookings import repository
from app.bookings.event import event_draft, event_key, location_text, owner_of_event
from app.bookings.forms import check_form
from app.bookings.live_check import LiveCheck, Verdict
from app.bookings.news import tell_of_blocked_attempt, tell_of_booking, tell_of_request
from app.bookings.offer import around, check_offered, check_open, slot_taken
from app.bookings.post import BookingPost
from app.bookings.schemas import BookingCreate
from app.bookings.tokens import BookingTokens, hash_token
from app.bookings.turns import Turns
from app.calendar import Clock, ProviderName
from app.calendar_writes.service import Place, find_write, wish_event
from app.database import transaction
from app.errors import AlreadyProcessed, BookingUnavailable, NotFound
from app.events.types import EventType
from app.i18n import Language
from app.ids import new_id
from app.insertion import Rows
from app.models.bookings import Booking, IdempotentAnswer, MeetingRequest
from app.models.calendar_writes import CalendarWrite
from app.models.directory import Directory, DirectoryEntry
from app.providers.base import Provider
from app.queue import Enqueued, Job, enqueue
from app.scheduling.availability import Mode, PageTime
from app.scheduling.reader import PageReader, read_page_time

_REQUEST_LIFETIME = timedelta(days=14)
_TELL_HOST_AGAIN = timedelta(hours=1)
_ASKED_ALREADY = """
SELECT 1 FROM meeting_requests
 WHERE page_id = $1 AND starts_at = $2 AND lower(visitor_email) = lower($3) AND status = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish: a booking, a meeting request, or the same as the last time."""

    made: Booking | MeetingRequest
    page: PageTime
    write: CalendarWrite | None = None
    """The event of a booking."""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Wish:
    """A visitor's wish, its form checked."""

    form: BookingCreate
    answers: list[dict[str, str]]
    start: int
    language: Language


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
        tokens: BookingTokens,
        providers: dict[ProviderName, Provider],
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._pool = pool
        self._pages = pages
        self._live = live
        self._post = post
        self._tokens = tokens
        self._providers = providers
        self._clock = clock
        self._turns = Turns()

    async def book(self, page_id: UUID, form: BookingCreate, *, attempt: Attempt | None) -> Outcome:
        """Book the slot, or ask for it while the host is offline.

        Raises: NotFound, PageTurnedOff, ValidationFailed, ConsentRequired, OutsideBookingWindow, SlotUnavailable
        (with alternatives), BookingUnavailable, IdempotencyKeyReused, RequestInProgress.
        """
        page = await self._pages.read(page_id, around(int(form.start_at.timestamp()), form.duration_minutes))
        if page is None:
            raise NotFound
        if attempt is not None and (outcome := await self._answered(page, attempt)) is not None:
            return outcome
        try:
            return await self._take(page, self._wish(page, form), attempt)
        except idempotency.AnsweredMeanwhileError:
            return await self.book(page_id, form, attempt=attempt)

    @staticmethod
    def _wish(page: PageTime, form: BookingCreate) -> _Wish:
        """Raises: PageTurnedOff, ValidationFailed, ConsentRequired."""
        check_open(page, form.duration_minutes)
        document = page.configuration
        answers = check_form(document, form.answers, form.guests, consent=form.consent)
        return _Wish(form, answers, int(form.start_at.timestamp()), form.language or document.language)

    async def _take(self, page: PageTime, wish: _Wish, attempt: Attempt | None) -> Outcome:
        """Look, ask, book; or keep the request."""
        minutes = wish.form.duration_minutes
        if page.unavailable:
            raise await self._tell_host(page)
        check_offered(page, minutes, start=wish.start, now=self._now())
        if page.mode is Mode.OFFLINE:
            return await self._request(page, wish, attempt)
        slot = page.rules(minutes).buffered(wish.start)
        verdict = await self._live.check(page.watched, slot, tentative_blocks=page.tentative_blocks)
        if verdict in {Verdict.UNKNOWN, Verdict.LOST}:
            raise await self._tell_host(page)
        if verdict is Verdict.BUSY:
            raise slot_taken(page, minutes, start=wish.start, now=self._now())
        try:
            async with self._turns.turn(page.host.id):
                return await self._book(page, wish, attempt)
        except asyncpg.ExclusionViolationError as error:
            raise slot_taken(page, minutes, start=wish.start, now=self._now()) from error

    async def _book(self, page: PageTime, wish: _Wish, attempt: Attempt | None) -> Outcome:
        async with bare_transaction(self._pool, page.account_id) as work:
            page = await self._look_under_lock(work, page, wish, attempt)
            if page.destination is None:
                raise BookingUnavailable  # disconnected this moment; the next attempt becomes a request
            booking = self._booking(page, wish, self._providers[ProviderName(page.destination.provider)])
            work.add(booking)
            repository.take_time(work, booking, page.rules(wish.form.duration_minutes).buffered(wish.start))
            draft = event_draft(booking, page.configuration)
            place = Place(**asdict(page.destination))
            owner = owner_of_event(booking.id)
            write = wish_event(work, page.account_id, owner, place, key=event_key(booking.id), draft=draft)
            mails = self._post.confirmed(work, booking, page)
            self._record(work, booking, Directory.BOOKING, attempt, status_code=201, action="booking.created")
            told = tell_of_booking(work, EventType.BOOKING_CREATED, booking)
            await work.save([Enqueued(Job.WRITE_EVENT, write.account_id, write.id), *mails, *told])
            return Outcome(booking, page, write)

    async def _request(self, page: PageTime, wish: _Wish, attempt: Attempt | None) -> Outcome:
        """R26: nothing is known to be free, so nothing is promised and nothing is written to any calendar."""
        async with bare_transaction(self._pool, page.account_id) as work:
            page = await self._look_under_lock(work, page, wish, attempt)
            if page.mode is not Mode.OFFLINE:
                raise BookingUnavailable(retry_after=1)  # connected this moment; the next attempt can be a booking
            request = self._meeting_request(page, wish)
            if await work.fetchval(_ASKED_ALREADY, page.page_id, request.starts_at, request.visitor_email) is not None:
                raise AlreadyProcessed(detail="asked_already")
            work.add(request)
            mails = self._post.requested(work, request, page)
            self._record(
                work, request, Directory.MEETING_REQUEST, attempt, status_code=202, action="meeting_request.created"
            )
            told = tell_of_request(work, EventType.MEETING_REQUEST_CREATED, request)
            await work.save([*mails, told])
            return Outcome(request, page)

    async def _answered(self, page: PageTime, attempt: Attempt) -> Outcome | None:
        """What the key was answered before."""
        async with transaction(self._sessions, page.account_id) as session:
            before = await idempotency.find_answer(session, attempt, now=self._clock())
            return None if before is None else await self._replay(session, before, page)

    async def _look_under_lock(
        self, work: BareTransaction, page: PageTime, wish: _Wish, attempt: Attempt | None
    ) -> PageTime:
        """The page again, with the key ours and its host locked: what is offered now is offered until the commit."""
        if attempt is not None and not await idempotency.claim(work, attempt, now=self._clock()):
            raise idempotency.AnsweredMeanwhileError
        if await work.fetchval(LOCK_HOST, page.host.id) is None:
            raise NotFound
        minutes = wish.form.duration_minutes
        looked = await read_page_time(work.connection, page.page_id, around(wish.start, minutes))
        if looked is None:
            raise NotFound
        page = looked
        check_open(page, minutes)
        if page.unavailable:
            raise BookingUnavailable
        check_offered(page, minutes, start=wish.start, now=self._now())
        return page

    def _record(
        self,
        rows: Rows,
        made: Booking | MeetingRequest,
        kind: Directory,
        attempt: Attempt | None,
        *,
        status_code: int,
        action: str,
    ) -> None:
        """Directory, audit and the answer to repeat: everything that is there or not with what was made."""
        rows.add(DirectoryEntry(kind=kind, key=made.id.hex, account_id=made.account_id, target_id=made.id))
        add_audit_entry(rows, made.account_id, actor="visitor", action=action, subject_id=made.id)
        if attempt is not None:
            now = self._clock()
            rows.add(answer_of(made.account_id, attempt, status_code=status_code, subject_id=made.id, now=now))

    async def _replay(self, session: AsyncSession, before: IdempotentAnswer, page: PageTime) -> Outcome:
        found: Booking | MeetingRequest | None = await repository.find_booking(session, before.subject_id)
        found = found or await repository.find_request(session, before.subject_id)
        if found is None:
            raise NotFound
        return Outcome(found, page, await find_write(session, owner_of_event(found.id)), replayed=True)

    async def _tell_host(self, page: PageTime) -> BookingUnavailable:
        """R30: somebody tried, and the host should know; at most once an hour."""
        async with transaction(self._sessions, page.account_id) as session:
            since = self._clock() - _TELL_HOST_AGAIN
            if not await repository.mailed_since(session, page.page_id, "attempt_blocked", since):
                mails = await self._post.attempt_blocked(session, page)
                told = tell_of_blocked_attempt(session, page, now=self._clock())
                await session.flush()
                await enqueue(session, [*mails, told])
        return BookingUnavailable()

    def _booking(self, page: PageTime, wish: _Wish, provider: Provider) -> Booking:
        booking_id = new_id()
        uid = provider.ical_uid(event_key(booking_id)) or f"{booking_id}@calendar-connect"
        return Booking(
            id=booking_id,
            status="confirmed",
            title=f"{page.name}: {wish.form.name}",
            location=location_text(page.configuration),
            ical_uid=uid,
            sequence=0,
            version=1,
            **self._appointment(page, wish, booking_id),
        )

    def _meeting_request(self, page: PageTime, wish: _Wish) -> MeetingRequest:
        request_id, lapses = new_id(), self._clock() + _REQUEST_LIFETIME
        shared = self._appointment(page, wish, request_id)
        return MeetingRequest(id=request_id, status="pending", expires_at=min(lapses, shared["starts_at"]), **shared)

    def _appointment(self, page: PageTime, wish: _Wish, made_id: UUID) -> dict:  # type: ignore[type-arg]
        now, form = self._clock(), wish.form
        return {
            "account_id": page.account_id,
            "page_id": page.page_id,
            "host_id": page.host.id,
            "starts_at": datetime.fromtimestamp(wish.start, UTC),
            "ends_at": datetime.fromtimestamp(wish.start + form.duration_minutes * 60, UTC),
            "visitor_name": form.name,
            "visitor_email": form.email,
            "visitor_time_zone": form.time_zone,
            "language": wish.language,
            "guests": _guests(form),
            "answers": wish.answers,
            "token_hash": hash_token(self._tokens.token(made_id)),
            "created_at": now,
            "updated_at": now,
        }

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _guests(form: BookingCreate) -> list[str]:
    """Everybody once, the visitor not among them; calendars refuse or fold an address that comes twice."""
    first = {form.email.casefold(): form.email}
    for guest in form.guests:
        first.setdefault(guest.casefold(), guest)
    return list(first.values())[1:]
