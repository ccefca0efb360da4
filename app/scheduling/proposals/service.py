"""A few open times for a mail (R43): made by a host, looked at by whoever got the mail.

The one rule: nothing is reserved. What is proposed can be booked at once at that moment, and what is shown is live.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.idempotency import KeyedRequest, answer_of, claim_or_find
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry, lock_host
from app.calendar import Clock
from app.connections.capabilities import Capability, Reason, require
from app.connections.overview import Overview
from app.errors import (
    BookingUnavailable,
    CalendarNotConnected,
    FieldError,
    NotFound,
    OutsideBookingWindow,
    PageTurnedOff,
    SlotUnavailable,
    ValidationFailed,
)
from app.ids import new_id
from app.models.directory import Directory, DirectoryEntry
from app.models.proposals import TimeProposal
from app.models.scheduling import SchedulingPage
from app.scheduling.availability import PageTime, load_page_time
from app.scheduling.pages import get_page
from app.scheduling.proposals import repository
from app.scheduling.proposals.choice import Commitments, choose, commitments, nearest
from app.scheduling.proposals.repository import Booked
from app.scheduling.proposals.schemas import ChosenTimes, GivenTimes, TimeProposalCreate
from app.scheduling.slots.offering import Refusal
from app.timespan import Span

_LIFETIME = timedelta(days=7)
_KEPT = timedelta(days=30)
"""After it has expired."""
_FARTHEST = timedelta(days=366)
_DAY: Final = 86_400
_SEARCHED: Final = 28 * _DAY
_AROUND: Final = 7 * _DAY
_NEAREST: Final = 3
_ALTERNATIVES: Final = 5


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal and its page, as the sender has them."""

    row: TimeProposal
    page: SchedulingPage
    booked: Booked | None = None
    open: bool = True
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What has become of a proposed time, in UTC seconds."""

    start: int
    open: bool
    nearest: Sequence[int]
    firm: Collection[int] = ()
    """What of all that is booked at once; the rest is asked for (R30)."""
    booked: bool = False
    """It is what was booked by this proposal."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as it is now."""

    row: TimeProposal
    page: PageTime
    times: Sequence[Standing]
    booked: bool
    open: bool


class TimeProposals:
    """Makes and shows proposals. Every method works in the caller's transaction."""

    def __init__(self, overview: Overview, clock: Clock) -> None:
        self._overview = overview
        self._clock = clock

    async def create(
        self, session: AsyncSession, principal: Principal, body: TimeProposalCreate, *, keyed: KeyedRequest | None
    ) -> Proposed:
        """Propose times of one of the caller's pages.

        Raises: CalendarNotConnected, CapabilityNotSupported, NotFound, PageTurnedOff, BookingUnavailable,
        ValidationFailed, OutsideBookingWindow, SlotUnavailable, IdempotencyKeyReused, RequestInProgress.
        """
        if keyed is not None:
            before = await claim_or_find(session, principal.account_id, keyed, now=self._clock())
            if before is not None:
                return await self._again(session, principal, before.subject_id)
        await self._check_capability(session, principal)
        page = await get_page(session, principal, body.page_id)
        now = self._clock()
        starts = await self._starts(session, page, body, now=now)
        row = _row(page, body, starts, now=now)
        session.add(row)
        entry = {"account_id": row.account_id, "target_id": row.id}
        session.add(DirectoryEntry(kind=Directory.TIME_PROPOSAL, key=row.id.hex, **entry))
        if keyed is not None:
            session.add(answer_of(row.account_id, keyed, status_code=201, subject_id=row.id, now=now))
        add_audit_entry(
            session, row.account_id, actor=principal.actor, action="time_proposal.created", subject_id=row.id
        )
        await session.flush()
        return Proposed(row, page)

    @staticmethod
    async def forget_old(session: AsyncSession, account_id: UUID, now: datetime) -> bool:
        """Some of the account's that expired long ago; whether there may be more."""
        return await repository.delete_old(session, account_id, before=now - _KEPT)

    async def show(self, session: AsyncSession, proposal_id: UUID) -> Shown:
        """A proposal and what has become of its times; enters its account. Raises: NotFound, PageTurnedOff."""
        row = await repository.enter_proposal(session, proposal_id)
        if row is None:
            raise NotFound
        moment = self._clock()
        now, starts = int(moment.timestamp()), [int(start.timestamp()) for start in row.starts_at]
        between = max(now, starts[0] - _AROUND), max(now, starts[-1]) + _AROUND
        page = await load_page_time(session, row.page_id, between)
        if page is None:
            raise NotFound
        if page.turned_off:
            raise PageTurnedOff
        booked = await repository.booking_by(session, row.id)
        mine = None if booked is None else int(booked.starts_at.timestamp())
        times = [
            Standing(start, open=False, nearest=(), booked=True)
            if start == mine
            else _standing(page, row.duration_minutes, start, now=now)
            for start in starts
        ]
        return Shown(row, page, times, booked=booked is not None, open=_is_open(row, booked, now=moment))

    async def _again(self, session: AsyncSession, principal: Principal, proposal_id: UUID) -> Proposed:
        row = await repository.find_proposal(session, proposal_id)
        if row is None:
            raise NotFound
        page, booked = await get_page(session, principal, row.page_id), await repository.booking_by(session, row.id)
        return Proposed(row, page, booked, open=_is_open(row, booked, now=self._clock()), replayed=True)

    async def _check_capability(self, session: AsyncSession, principal: Principal) -> None:
        """A missing calendar is not the calendar's fault."""
        states = await self._overview.capabilities(session, principal)
        state = next(item for item in states if item.capability is Capability.PROPOSED_TIMES)
        lacks = {"capability": Capability.PROPOSED_TIMES.value}
        if state.reason is Reason.NO_CONNECTION:
            raise CalendarNotConnected(extra=lacks)
        if state.reason is Reason.REAUTHORIZATION_REQUIRED:
            raise CalendarNotConnected(detail="reauthorization_required", extra=lacks)
        require(Capability.PROPOSED_TIMES, states)

    async def _starts(
        self, session: AsyncSession, page: SchedulingPage, body: TimeProposalCreate, *, now: datetime
    ) -> list[int]:
        """The times, rising. The host is locked: two proposals at once do not count past each other."""
        between = _searched(body.times, now=now)
        await lock_host(session, page.owner_id)
        time = await load_page_time(session, page.id, between)
        if time is None:
            raise NotFound
        _check_bookable(time, body.duration_minutes)
        mine = await repository.open_proposals(session, page.owner_id, now=now)
        board = _Board(time, body.duration_minutes, int(now.timestamp()), commitments(map(_spans, mine)))
        if isinstance(body.times, GivenTimes):
            return board.given(body.times)
        return board.chosen(body.times, between, zone=body.time_zone)


@dataclass(frozen=True, slots=True)
class _Board:
    """What a page offers at one duration, and what of it is proposed already."""

    page: PageTime
    minutes: int
    now: int
    committed: Commitments

    def given(self, times: GivenTimes) -> list[int]:
        """The named times. Raises: ValidationFailed, OutsideBookingWindow, SlotUnavailable."""
        starts = [int(start.timestamp()) for start in times.start_at]
        if overlaps := [place for place, start in enumerate(starts) if self._meets(start, starts[:place])]:
            raise ValidationFailed(errors=_at(overlaps))
        refusals = {place: self._refusal(start) for place, start in enumerate(starts)}
        firm = self._firm(starts, (min(starts), max(starts) + 1))
        outside = [place for place, why in refusals.items() if why is Refusal.OUTSIDE_BOOKING_WINDOW]
        if outside:
            raise OutsideBookingWindow(errors=_at(outside))
        if gone := [place for place, why in refusals.items() if why is not None or starts[place] not in firm]:
            raise SlotUnavailable(errors=_at(gone), extra=self._alternatives(starts[gone[0]]))
        if often := [place for place, start in enumerate(starts) if self.committed.full(self._span(start))]:
            raise SlotUnavailable(
                detail="proposed_often", errors=_at(often), extra=self._alternatives(starts[often[0]])
            )
        return sorted(starts)

    def chosen(self, times: ChosenTimes, between: Span, *, zone: str) -> list[int]:
        """The best of what is open. Raises: SlotUnavailable when nothing is."""
        starts = choose(
            self._free(between),
            seconds=self.minutes * 60,
            zone=zone,
            count=times.count,
            spread=times.spread_over_days,
        )
        if not starts:
            raise SlotUnavailable(extra={"alternatives": []})
        return starts

    def _free(self, between: Span) -> list[int]:
        offered = self.page.offered(self.minutes, now=self.now, between=between)
        firm = self._firm(offered, between)
        return [start for start in offered if start in firm and not self.committed.full(self._span(start))]

    def _firm(self, starts: Sequence[int], between: Span) -> set[int]:
        """Those that are booked at once; what could only be asked for is not proposed (R30)."""
        return self.page.confirmable(self.minutes, starts, now=self.now, between=between)

    def _alternatives(self, wanted: int) -> dict[str, object]:
        free = nearest(self._free((wanted - _AROUND, wanted + _AROUND)), wanted, _ALTERNATIVES)
        spans = [map(_text, self._span(start)) for start in free]
        return {"alternatives": [{"start_at": start, "end_at": end} for start, end in spans]}

    def _refusal(self, start: int) -> Refusal | None:
        return self.page.refusal(self.minutes, start=start, now=self.now)

    def _span(self, start: int) -> Span:
        return start, start + self.minutes * 60

    def _meets(self, start: int, others: Sequence[int]) -> bool:
        return any(abs(start - other) < self.minutes * 60 for other in others)


def _searched(times: GivenTimes | ChosenTimes, *, now: datetime) -> Span:
    """Where times are looked for. Raises: OutsideBookingWindow, ValidationFailed for what cannot be a slot's start."""
    if isinstance(times, ChosenTimes):
        earliest = now if times.earliest is None else max(now, times.earliest)
        if earliest > now + _FARTHEST:
            raise OutsideBookingWindow(errors=[FieldError("/times/earliest", "out_of_range")])
        first = int(earliest.timestamp())
        return first, first + _SEARCHED
    if far := [place for place, start in enumerate(times.start_at) if not now < start < now + _FARTHEST]:
        raise OutsideBookingWindow(errors=_at(far))
    if odd := [place for place, start in enumerate(times.start_at) if start.microsecond]:
        raise ValidationFailed(errors=_at(odd))
    seconds = [int(start.timestamp()) for start in times.start_at]
    return min(seconds) - _AROUND, max(seconds) + _AROUND


def _check_bookable(page: PageTime, minutes: int) -> None:
    """Raises: PageTurnedOff, ValidationFailed, BookingUnavailable."""
    if page.turned_off:
        raise PageTurnedOff
    if minutes not in page.configuration.durations_minutes:
        raise ValidationFailed(errors=[FieldError("/duration_minutes", "not_allowed")])
    if page.unavailable or all(seating.asks_only for seating in page.seatings()):
        raise BookingUnavailable


def _is_open(row: TimeProposal, booked: Booked | None, *, now: datetime) -> bool:
    """Whether its sender may still be taken at their word: nobody has, and it is not old."""
    return booked is None and row.expires_at > now


def _row(page: SchedulingPage, body: TimeProposalCreate, starts: Sequence[int], *, now: datetime) -> TimeProposal:
    times = [datetime.fromtimestamp(start, UTC) for start in starts]
    return TimeProposal(
        account_id=page.account_id,
        id=new_id(),
        owner_id=page.owner_id,
        page_id=page.id,
        duration_minutes=body.duration_minutes,
        starts_at=times,
        time_zone=body.time_zone,
        expires_at=min(now + _LIFETIME, times[-1]),
        created_at=now,
    )


def _standing(page: PageTime, minutes: int, start: int, *, now: int) -> Standing:
    """Of a duration the page no longer has, nothing is open."""
    if minutes not in page.configuration.durations_minutes:
        return Standing(start, open=False, nearest=())
    if not page.unavailable and page.refusal(minutes, start=start, now=now) is None:
        firm = page.confirmable(minutes, [start], now=now, between=(start, start + 1))
        return Standing(start, open=True, nearest=(), firm=firm)
    around = max(now, start - _AROUND), max(now, start) + _AROUND
    near = nearest(page.offered(minutes, now=now, between=around), start, _NEAREST)
    firm = page.confirmable(minutes, near, now=now, between=around)
    return Standing(start, open=False, nearest=near, firm=firm)


def _spans(proposal: TimeProposal) -> list[Span]:
    length = proposal.duration_minutes * 60
    return [(int(start.timestamp()), int(start.timestamp()) + length) for start in proposal.starts_at]


def _at(places: Sequence[int]) -> list[FieldError]:
    """Which of the named times it is about."""
    return [FieldError(f"/times/start_at/{place}", "not_allowed") for place in places]


def _text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
