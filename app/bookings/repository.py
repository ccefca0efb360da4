"""SQL of bookings, reservations and meeting requests. Each function is one named query or command.

The one rule: a reservation is taken or refused by the database, never by what a query said a moment ago.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, CollectionAggregate, Uuid, and_, any_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import lock_hosts
from app.database import constraint
from app.ids import new_id
from app.insertion import Rows
from app.models.accounts import User
from app.models.bookings import NO_OVERLAP, Booking, MeetingRequest, Reservation, SlotHold
from app.models.calendar_writes import CalendarWrite
from app.models.directory import Directory, DirectoryEntry, DueRequest
from app.models.outbound import Mail
from app.models.scheduling import SchedulingPage
from app.timespan import Span

ASKED_ALREADY: Final = """
SELECT 1 FROM meeting_requests
 WHERE page_id = $1 AND starts_at = $2 AND lower(visitor_email) = lower($3) AND status = 'pending'
"""
LOCK_TURNS: Final = "SELECT pg_advisory_xact_lock(hashtextextended('turns|' || $1::uuid::text, 0))"
"""Not the page's row: who changes a page does not wait for who books it."""


def _during(span: Span) -> Range[datetime]:
    return Range(datetime.fromtimestamp(span[0], UTC), datetime.fromtimestamp(span[1], UTC))


def take_time(rows: Rows, booking: Booking, hosts: Iterable[UUID], buffered: Span) -> None:
    """Reserve the hosts' time for a new booking, as soon as it is inserted. Their rows are locked by the caller."""
    for host_id in hosts:
        rows.add(
            Reservation(
                account_id=booking.account_id,
                id=new_id(),
                host_id=host_id,
                booking_id=booking.id,
                during=_during(buffered),
            )
        )


def keep_time(rows: Rows, hold: SlotHold, hosts: Iterable[UUID], buffered: Span) -> None:
    """Reserve the hosts' time for a hold, until it expires. Their rows are locked by the caller."""
    for host_id in hosts:
        rows.add(
            Reservation(
                account_id=hold.account_id,
                id=new_id(),
                host_id=host_id,
                hold_id=hold.id,
                during=_during(buffered),
                expires_at=hold.expires_at,
            )
        )


async def lock_hosts_of(session: AsyncSession, booking: Booking) -> None:
    """Lock everybody who hosts the booking, in the order in which every booking's transaction locks."""
    if booking.assignment is not None:
        connection = await session.connection()
        await connection.exec_driver_sql(LOCK_TURNS, (booking.page_id,))
    await lock_hosts(session, booking.host_ids)


async def move_time(session: AsyncSession, booking_id: UUID, buffered: Span) -> bool:
    """Move a booking's reservation; False when the time is taken. The host's row is locked by the caller.

    Who has left does not come: nobody's time but theirs is asked for.
    """
    leavers = select(User.id).where(~User.active)
    try:
        async with session.begin_nested():
            mine = Reservation.booking_id == booking_id
            await session.execute(delete(Reservation).where(mine, Reservation.host_id.in_(leavers)))
            await session.execute(update(Reservation).where(mine).values(during=_during(buffered)))
    except IntegrityError as error:
        if constraint(error) == NO_OVERLAP:
            return False
        raise
    return True


async def part_with_leavers(session: AsyncSession, booking: Booking) -> None:
    """Who was to host it with its organizer, and has left since, does so no more: no time of theirs is asked for."""
    theirs = [UUID(host["user_id"]) for host in booking.co_hosts]
    if not theirs:
        return
    left = set(await session.scalars(select(User.id).where(User.id.in_(theirs), ~User.active)))
    booking.co_hosts = [host for host in booking.co_hosts if UUID(host["user_id"]) not in left]


async def displace_holds(session: AsyncSession, booking_id: UUID, buffered: Span) -> bool:
    """Take what is only held in a booking's new time from who holds it; whether anything was. The hosts' rows are
    locked by the caller.
    """
    start, end = (datetime.fromtimestamp(second, UTC) for second in buffered)
    hosts = select(Reservation.host_id).where(Reservation.booking_id == booking_id).scalar_subquery()
    held = and_(Reservation.host_id.in_(hosts), Reservation.hold_id.is_not(None), Reservation.until > start)
    taken = delete(Reservation).where(held, func.lower(Reservation.during) < end).returning(Reservation.id)
    return bool((await session.scalars(taken.execution_options(synchronize_session=False))).all())


async def free_time(session: AsyncSession, booking_id: UUID) -> None:
    """Give the booking's time back."""
    await session.execute(delete(Reservation).where(Reservation.booking_id == booking_id))


async def find_booking(session: AsyncSession, booking_id: UUID, *, lock: bool = False) -> Booking | None:
    """One booking, as it is now; locked as an update would, for whoever refers to it must not have to wait."""
    query = select(Booking).where(Booking.id == booking_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update(key_share=True) if lock else query)


async def find_with_event(session: AsyncSession, booking_id: UUID) -> tuple[Booking, CalendarWrite | None] | None:
    """One booking and what became of its event, as they are now."""
    of_it = and_(CalendarWrite.account_id == Booking.account_id, CalendarWrite.booking_id == Booking.id)
    query = select(Booking, CalendarWrite).outerjoin(CalendarWrite, of_it).where(Booking.id == booking_id)
    row = (await session.execute(query.execution_options(populate_existing=True))).one_or_none()
    return None if row is None else (row[0], row[1])


async def owner_of_page(session: AsyncSession, page_id: UUID) -> UUID | None:
    """Who made the page, which may have been deleted since."""
    return await session.scalar(select(SchedulingPage.owner_id).where(SchedulingPage.id == page_id))


def _any_page_of(user_id: UUID) -> CollectionAggregate[Any]:
    """The pages that a user has made, deleted ones included: worked out once, so that an index finds what is theirs."""
    pages = select(SchedulingPage.id).where(SchedulingPage.owner_id == user_id)
    return any_(func.array(pages.scalar_subquery(), type_=ARRAY(Uuid())))


def add_request(rows: Rows, request: MeetingRequest) -> None:
    """A new meeting request, the way to it, and when it lapses."""
    account_id, kind = request.account_id, Directory.MEETING_REQUEST
    rows.add(request)
    rows.add(DirectoryEntry(kind=kind, key=request.id.hex, account_id=account_id, target_id=request.id))
    rows.add(DueRequest(request_id=request.id, account_id=account_id, due_at=request.expires_at))


async def find_request(session: AsyncSession, request_id: UUID, *, lock: bool = False) -> MeetingRequest | None:
    """One meeting request, as it is now."""
    query = select(MeetingRequest).where(MeetingRequest.id == request_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update(key_share=True) if lock else query)


async def end_waiting(session: AsyncSession, request_id: UUID) -> None:
    """The request need not lapse any more."""
    await session.execute(delete(DueRequest).where(DueRequest.request_id == request_id))


async def list_requests(
    session: AsyncSession, user_id: UUID | None, *, status: str | None, now: datetime, after: UUID | None, limit: int
) -> Sequence[MeetingRequest]:
    """The meeting requests that concern a user, or all of the account; oldest first, from after the given one. A
    pending one past its time is expired.
    """
    query = select(MeetingRequest)
    if user_id is not None:
        query = query.where(or_(MeetingRequest.host_id == user_id, MeetingRequest.page_id == _any_page_of(user_id)))
    if status == "expired":
        lapsed = and_(MeetingRequest.status == "pending", MeetingRequest.expires_at <= now)
        query = query.where(or_(MeetingRequest.status == "expired", lapsed))
    elif status is not None:
        query = query.where(MeetingRequest.status == status)
    if status == "pending":
        query = query.where(MeetingRequest.expires_at > now)
    if after is not None:
        query = query.where(MeetingRequest.id > after)
    return (await session.scalars(query.order_by(MeetingRequest.id).limit(limit))).all()


async def open_requests(session: AsyncSession, owner_id: UUID, *, now: datetime) -> Sequence[MeetingRequest]:
    """The requests made on a user's pages, whoever of a team was asked, that still wait for an answer; who asked first
    comes first.
    """
    return (
        await session.scalars(
            select(MeetingRequest)
            .where(
                MeetingRequest.page_id == _any_page_of(owner_id),
                MeetingRequest.status == "pending",
                MeetingRequest.expires_at > now,
            )
            .order_by(MeetingRequest.id)
        )
    ).all()


async def mailed_since(session: AsyncSession, subject_id: UUID, kind: str, since: datetime) -> bool:
    """Whether a mail of this kind about this subject went out lately."""
    return bool(
        await session.scalar(
            select(func.count())
            .select_from(Mail)
            .where(Mail.subject_id == subject_id, Mail.kind == kind, Mail.created_at >= since)
        )
    )
