"""Slots kept for five minutes while a form is filled in (R48).

    keep     [transaction]  hosts locked → the slot looked at → hold and reservations: all or nothing
    book     the booking's own transaction takes the hold away and the time over: nobody comes between
    let go   by its token, by the booking, or by lapsing

The one rule: a hold is a reservation with an end. While it lasts the database refuses everybody else; once it has
lapsed it blocks nothing and books nothing, whether it was swept or not. Only the database's clock says what has
lapsed: trigger and pages go by it. Of notice and window the moment counts in which they were judged: `created_at`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts import idempotency
from app.accounts.idempotency import KeyedRequest, answer_of
from app.bare import BareTransaction, bare_transaction
from app.bookings import repository
from app.bookings.hold_schemas import SlotHoldCreate
from app.bookings.host_queues import HostQueues, TakenMeanwhileError
from app.bookings.offer import alternatives, around, check_offered, check_open, slot_taken
from app.bookings.schemas import BookingCreate
from app.bookings.seating import lock_seating
from app.bookings.tokens import BookingTokens, hash_token
from app.calendar import Clock
from app.database import enter_account, transaction
from app.errors import (
    BookingUnavailable,
    CalendarNotConnected,
    FieldError,
    HoldExpired,
    NotFound,
    RateLimited,
    SlotUnavailable,
    ValidationFailed,
)
from app.ids import new_id
from app.models.bookings import SlotHold
from app.models.directory import DueHold
from app.scheduling.availability import Mode, PageTime, Seating
from app.scheduling.reader import PageReader, read_page_time

LIFETIME: Final = timedelta(minutes=5)
_MOST_OF_A_PAGE: Final = 20
"""Open holds of one page: who holds without booking shall not close it."""
_MOST_OF_A_NETWORK: Final = 5
"""Open holds that one network has of one page: an office of visitors, not a script."""
_NO_HASH: Final = bytes(32)
_SWEPT_AT_ONCE: Final = 1000
_ROOM = """
SELECT clock_timestamp() AS now, count(*) AS all, count(*) FILTER (WHERE network_hash = $2) AS theirs,
       min(expires_at) AS next
  FROM slot_holds WHERE page_id = $1 AND expires_at > now()
"""
_LET_GO = """
WITH due AS (DELETE FROM due_holds WHERE hold_id = $1)
DELETE FROM slot_holds WHERE id = $1 RETURNING expires_at > now() AS lasted
"""
_OPEN = "SELECT EXISTS (SELECT FROM slot_holds WHERE id = $1 AND expires_at > now())"


@dataclass(frozen=True, slots=True)
class Kept:
    """A hold made, and what its visitor is told to keep."""

    hold: SlotHold
    token: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which slot shall be kept, and for whom."""

    start: int
    minutes: int
    network: bytes


class SlotHolds:
    """Keeps slots, and lets them go."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        pool: asyncpg.Pool,
        pages: PageReader,
        *,
        queues: HostQueues,
        tokens: BookingTokens,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._pool = pool
        self._pages = pages
        self._tokens = tokens.of_holds()
        self._clock = clock
        self._queues = queues

    async def keep(self, page_id: UUID, form: SlotHoldCreate, *, network: str, keyed: KeyedRequest | None) -> Kept:
        """Keep an offered slot.

        Raises: NotFound, PageTurnedOff, ValidationFailed, CalendarNotConnected (offline: there is nothing to keep),
        BookingUnavailable, OutsideBookingWindow, SlotUnavailable (with alternatives), RateLimited,
        IdempotencyKeyReused, RequestInProgress, HoldExpired (a repeat that comes too late).
        """
        wish = _Wish(int(form.start_at.timestamp()), form.duration_minutes, self._tokens.mark(network))
        page = await self._pages.read_together(page_id, around(wish.start, wish.minutes))
        if page is None:
            raise NotFound
        if keyed is not None and (kept := await self._kept_before(page, wish, keyed)) is not None:
            return kept
        seating = self._seating(page, wish, now=self._now())
        try:
            slot = seating.rules(wish.minutes).buffered(wish.start)
            async with self._queues.wait_for(seating.host.id, wanted=slot):
                return await self._keep(seating, wish, keyed)
        except (idempotency.AnsweredMeanwhileError, TakenMeanwhileError):  # what else is free?
            return await self.keep(page_id, form, network=network, keyed=keyed)
        except asyncpg.ExclusionViolationError as error:
            raise slot_taken(page, wish.minutes, start=wish.start, now=self._now()) from error

    async def release(self, hold_id: UUID, token: str) -> None:
        """Give the slot back, or find that it is. Raises: NotFound for a token that is not the hold's."""
        async with transaction(self._sessions, None) as session:
            due = await session.get(DueHold, hold_id)
            if due is not None:
                await enter_account(session, due.account_id)
            hold = None if due is None else await _find(session, hold_id)
            if not self._tokens.match(token, hold_id, _NO_HASH if hold is None else hold.token_hash):
                raise NotFound
            if hold is not None:
                connection = await session.connection()
                await connection.exec_driver_sql(_LET_GO, (hold_id,))

    async def sweep(self) -> int:
        """Forget what has lapsed, account by account; how many. Waits for nobody: what is at work goes next time."""
        async with transaction(self._sessions, None) as session:
            due = await session.execute(
                select(DueHold.account_id, DueHold.hold_id)
                .where(DueHold.due_at <= func.now())
                .order_by(DueHold.due_at)
                .limit(_SWEPT_AT_ONCE)
            )
            found = sorted((account_id, hold_id) for account_id, hold_id in due)
        for account_id, rows in groupby(found, key=lambda row: row[0]):
            async with transaction(self._sessions, account_id) as session:
                await _forget(session, [hold_id for _, hold_id in rows])
        return len(found)

    async def _kept_before(self, page: PageTime, wish: _Wish, keyed: KeyedRequest) -> Kept | None:
        """What the key was answered before. Raises: HoldExpired when it was booked, let go or has lapsed since."""
        async with transaction(self._sessions, page.account_id) as session:
            before = await idempotency.find_answer(session, keyed, now=self._clock())
            if before is None:
                return None
            lasting = select(SlotHold).where(SlotHold.id == before.subject_id, SlotHold.expires_at > func.now())
            hold = await session.scalar(lasting)
            if hold is None:
                check_open(page, wish.minutes)
                others = alternatives(page, wish.minutes, start=wish.start, now=self._now(), itself=True)
                raise HoldExpired(extra={"alternatives": others})
            return Kept(hold, self._tokens.token(hold.id), replayed=True)

    async def _keep(self, asked: Seating, wish: _Wish, keyed: KeyedRequest | None) -> Kept:
        async with bare_transaction(self._pool, asked.account_id) as work:
            if keyed is not None and not await idempotency.claim(work, keyed, now=self._clock()):
                raise idempotency.AnsweredMeanwhileError
            hosts = {host.host.id for host in asked.hosts}
            # A host who is no more is not on the page that is read next: then `_still` refuses.
            await lock_seating(work.connection.fetch, asked)
            page = await read_page_time(work.connection, asked.page_id, around(wish.start, wish.minutes))
            if page is None:
                raise NotFound
            judged = self._clock()
            seating = self._still(page, hosts, wish, now=int(judged.timestamp()))
            expires_at = await _room(work, page.page_id, wish.network) + LIFETIME
            hold = self._hold(page, wish, created_at=judged, expires_at=expires_at)
            work.add(hold)
            work.add(DueHold(hold_id=hold.id, account_id=hold.account_id, due_at=hold.expires_at))
            slot = seating.rules(wish.minutes).buffered(wish.start)
            repository.keep_time(work, hold, hosts, slot)
            if keyed is not None:
                now = self._clock()
                work.add(answer_of(page.account_id, keyed, status_code=201, subject_id=hold.id, now=now))
            await work.save([])
            return Kept(hold, self._tokens.token(hold.id))

    def _seating(self, page: PageTime, wish: _Wish, *, now: int) -> Seating:
        """Who would host: of a round robin anybody who is free, for whose turn it is shows when it is booked."""
        self._check(page, wish, now=now)
        free = (item for item in page.seatings() if self._is_free(item, wish, now=now))
        seating = next(free, None)
        if seating is None:
            raise slot_taken(page, wish.minutes, start=wish.start, now=now)
        return seating

    def _still(self, page: PageTime, hosts: set[UUID], wish: _Wish, *, now: int) -> Seating:
        """The same hosts under their locks."""
        self._check(page, wish, now=now)
        seating = page.seated(hosts)
        if seating is None or not self._is_free(seating, wish, now=now):
            raise slot_taken(page, wish.minutes, start=wish.start, now=now)
        return seating

    def _check(self, page: PageTime, wish: _Wish, *, now: int) -> None:
        check_open(page, wish.minutes)
        if page.mode is Mode.OFFLINE:
            raise CalendarNotConnected(detail="page_offline")
        if page.unavailable or all(seating.asks_only for seating in page.seatings()):
            raise BookingUnavailable(detail="not_kept")
        check_offered(page, wish.minutes, start=wish.start, now=now)

    def _is_free(self, seating: Seating, wish: _Wish, *, now: int) -> bool:
        return not seating.asks_only and seating.refusal(wish.minutes, start=wish.start, now=now) is None

    def _hold(self, page: PageTime, wish: _Wish, *, created_at: datetime, expires_at: datetime) -> SlotHold:
        hold_id = new_id()
        return SlotHold(
            account_id=page.account_id,
            id=hold_id,
            page_id=page.page_id,
            starts_at=datetime.fromtimestamp(wish.start, UTC),
            ends_at=datetime.fromtimestamp(wish.start + wish.minutes * 60, UTC),
            token_hash=hash_token(self._tokens.token(hold_id)),
            network_hash=wish.network,
            expires_at=expires_at,
            created_at=created_at,
        )

    def _now(self) -> int:
        return int(self._clock().timestamp())


async def check_hold(
    sessions: async_sessionmaker[AsyncSession],
    tokens: BookingTokens,
    page: PageTime,
    form: BookingCreate,
    *,
    now: int,
) -> int:
    """The hold that a wish names is the visitor's, and was made for this very slot. Whether it lasts, `take_over` says.

    When notice and window of the wish are judged: what was kept in time stays so while the form is filled in, until the
    meeting itself begins. Raises: ValidationFailed.
    """
    if form.hold_id is None:
        return now
    async with transaction(sessions, page.account_id) as session:
        hold = await _find(session, form.hold_id)
    if not tokens.match(form.hold_token or "", form.hold_id, _NO_HASH if hold is None else hold.token_hash):
        raise ValidationFailed(errors=[FieldError("/hold_token", "not_allowed")])
    length = timedelta(minutes=form.duration_minutes)
    wanted = page.page_id, form.start_at, form.start_at + length
    if hold is not None and (hold.page_id, hold.starts_at, hold.ends_at) != wanted:
        raise ValidationFailed(errors=[FieldError("/hold_id", "not_allowed")])
    begins = form.start_at.timestamp() > now
    return min(now, int(hold.created_at.timestamp())) if hold is not None and begins else now


async def why_refused(
    sessions: async_sessionmaker[AsyncSession],
    page: PageTime,
    form: BookingCreate,
    refusal: SlotUnavailable | HoldExpired,
    *,
    now: int,
) -> SlotUnavailable | HoldExpired:
    """The slot went, kept or not; or the hold is no more and the slot may still be had: then it is an alternative too,
    for the visitor to say so.
    """
    if form.hold_id is None:
        return refusal
    if isinstance(refusal, HoldExpired):
        start = int(form.start_at.timestamp())
        others = alternatives(page, form.duration_minutes, start=start, now=now, itself=True)
        return HoldExpired(extra={"alternatives": others})
    async with transaction(sessions, page.account_id) as session:
        connection = await session.connection()
        kept = (await connection.exec_driver_sql(_OPEN, (form.hold_id,))).scalar()
    return refusal if kept else HoldExpired(extra=refusal.extra)


async def take_over(work: BareTransaction, hold_id: UUID | None) -> None:
    """The hold's time is the booking's to take, in the same transaction; a booking that fails leaves the hold.

    Raises: HoldExpired when it has lapsed, was let go or has been booked.
    """
    if hold_id is not None and not await work.fetchval(_LET_GO, hold_id):
        raise HoldExpired


async def _find(session: AsyncSession, hold_id: UUID) -> SlotHold | None:
    return await session.scalar(select(SlotHold).where(SlotHold.id == hold_id))


async def _room(work: BareTransaction, page_id: UUID, network: bytes) -> datetime:
    """The database's time, if the page and the network may have one hold more. Raises: RateLimited."""
    row = await work.connection.fetchrow(_ROOM, page_id, network)
    now: datetime = row["now"]
    if row["all"] >= _MOST_OF_A_PAGE or row["theirs"] >= _MOST_OF_A_NETWORK:
        raise RateLimited(retry_after=max(1, int((row["next"] - now).total_seconds()) + 1))
    return now


async def _forget(session: AsyncSession, hold_ids: list[UUID]) -> None:
    """Delete these holds, and what is due of those that are no more."""
    free = (await session.scalars(
        select(DueHold.hold_id).where(DueHold.hold_id.in_(hold_ids)).with_for_update(skip_locked=True)
    )).all()  # fmt: skip
    lapsed = select(SlotHold.id).where(SlotHold.id.in_(free)).with_for_update(skip_locked=True)
    locked = (await session.scalars(lapsed)).all()
    await session.execute(delete(SlotHold).where(SlotHold.id.in_(locked)))
    left = select(SlotHold.id).where(SlotHold.id == DueHold.hold_id).exists()
    await session.execute(delete(DueHold).where(DueHold.hold_id.in_(free), ~left))
