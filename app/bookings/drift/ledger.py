"""The ledger of drift: what was found, what was done, and what waits for the host's decision.

The one rule: one open entry per booking and kind; a newer finding takes the older one's place.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.drift.planner import Doubt, Finding, Kind, Policy, TimeSpan
from app.ids import new_id
from app.models.bookings import Booking, Reservation
from app.models.drift import DriftEntry

_BUDGET_PERIOD: Final = timedelta(days=1)
_WIDEST_BUFFER: Final = timedelta(days=1)


async def find_entry(session: AsyncSession, entry_id: UUID, *, lock: bool = False) -> DriftEntry | None:
    """One entry, as it is now."""
    query = select(DriftEntry).where(DriftEntry.id == entry_id).execution_options(populate_existing=True)
    return await session.scalar(query.with_for_update() if lock else query)


async def list_entries(
    session: AsyncSession,
    host_id: UUID,
    *,
    status: str | None,
    booking_id: UUID | None,
    after: UUID | None,
    limit: int,
    now: datetime,
) -> list[tuple[DriftEntry, Booking, str]]:
    """The host's entries with their bookings and statuses, the newest first, from after the given one.

    A meeting that is over asks nothing any more, although it is not written down yet.
    """
    over = and_(DriftEntry.status == "open", Booking.ends_at <= now)
    told = case((over, "superseded"), else_=DriftEntry.status)
    booked = and_(Booking.account_id == DriftEntry.account_id, Booking.id == DriftEntry.booking_id)
    query = select(DriftEntry, Booking, told).join(Booking, booked).where(DriftEntry.host_id == host_id)
    if status is not None:
        query = query.where(told == status)
    if booking_id is not None:
        query = query.where(DriftEntry.booking_id == booking_id)
    if after is not None:
        query = query.where(DriftEntry.id < after)
    rows = await session.execute(query.order_by(DriftEntry.id.desc()).limit(limit))
    return [(entry, booking, status) for entry, booking, status in rows]


async def open_entries(session: AsyncSession, booking_id: UUID) -> dict[Kind, DriftEntry]:
    """What the host has not answered."""
    rows = await session.scalars(
        select(DriftEntry).where(DriftEntry.booking_id == booking_id, DriftEntry.status == "open")
    )
    return {Kind(row.kind): row for row in rows}


async def refused_moves(session: AsyncSession, hosts: Collection[UUID], freed: TimeSpan) -> Sequence[UUID]:
    """Bookings of these hosts whose event was moved to where another stood, around the time that was given back."""
    start, end = freed[0] - _WIDEST_BUFFER, freed[1] + _WIDEST_BUFFER
    theirs = select(Reservation.booking_id).where(Reservation.host_id.in_(hosts))
    query = select(DriftEntry.booking_id).where(
        DriftEntry.status == "open",
        DriftEntry.reason == Doubt.SLOT_TAKEN,
        DriftEntry.observed_start < end,
        DriftEntry.observed_end > start,
        DriftEntry.booking_id.in_(theirs),
    )
    return (await session.scalars(query.order_by(DriftEntry.booking_id))).all()


async def kept_copies(session: AsyncSession, booking_id: UUID) -> frozenset[str]:
    """Copies that were said to be all right."""
    rows = await session.scalars(
        select(DriftEntry.event_ids).where(
            DriftEntry.booking_id == booking_id,
            DriftEntry.kind == Kind.DUPLICATED,
            DriftEntry.resolution == Policy.ADOPT,
        )
    )
    return frozenset(event_id for ids in rows for event_id in ids)


async def count_restores(session: AsyncSession, booking_id: UUID, *, now: datetime) -> int:
    """How often the booking's event was put back of late."""
    return await session.scalar(
        select(func.count())
        .select_from(DriftEntry)
        .where(
            DriftEntry.booking_id == booking_id,
            DriftEntry.resolution == Policy.RESTORE,
            DriftEntry.resolved_by == "policy",
            DriftEntry.resolved_at > now - _BUDGET_PERIOD,
        )
    ) or 0  # fmt: skip


def finding_of(entry: DriftEntry) -> Finding:
    """What an open entry asks."""
    observed = None
    if entry.observed_start is not None and entry.observed_end is not None:
        observed = (entry.observed_start, entry.observed_end)
    doubt = Doubt(entry.reason) if entry.reason else None
    return Finding(Kind(entry.kind), Policy.ASK, doubt, observed=observed, event_ids=tuple(entry.event_ids))


def write_down(session: AsyncSession, booking: Booking, finding: Finding, *, now: datetime) -> DriftEntry:
    """An entry for a finding that was decided; open when the host is asked. The booking is as it was before."""
    asked = finding.decision is Policy.ASK
    start, end = finding.observed or (None, None)
    entry = DriftEntry(
        account_id=booking.account_id,
        id=new_id(),
        host_id=booking.host_id,
        booking_id=booking.id,
        kind=finding.kind,
        status="open" if asked else "resolved",
        reason=finding.doubt,
        resolution=None if asked else finding.decision,
        resolved_by=None if asked else "policy",
        booked_start=booking.starts_at,
        booked_end=booking.ends_at,
        observed_start=start,
        observed_end=end,
        event_ids=list(finding.event_ids),
        detected_at=now,
        resolved_at=None if asked else now,
    )
    session.add(entry)
    return entry
