"""SQL of proposed times. Each function is one named query or command.

The one rule: the account's row-level security says whose they are; the directory knows them by their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bare import Fetch
from app.database import enter_by_link
from app.errors import AlreadyProcessed
from app.models.bookings import Booking
from app.models.directory import Directory, DirectoryEntry
from app.models.proposals import TimeProposal

_AT_ONCE: Final = 500
_CANCELLED: Final = "cancelled"
_LOCK = "SELECT id FROM time_proposals WHERE id = $1 AND page_id = $2 FOR NO KEY UPDATE"
_STANDS = "SELECT id FROM bookings WHERE proposal_id = $1 AND status <> 'cancelled' LIMIT 1"


@dataclass(frozen=True, slots=True)
class Booked:
    """The booking that a proposal led to."""

    id: UUID
    starts_at: datetime


async def find_proposal(session: AsyncSession, proposal_id: UUID) -> TimeProposal | None:
    """One of the entered account's proposals."""
    return await session.scalar(select(TimeProposal).where(TimeProposal.id == proposal_id))


async def enter_proposal(session: AsyncSession, proposal_id: UUID) -> TimeProposal | None:
    """A proposal of whichever account, which is entered; None when there is none."""
    enter_by_link(session, Directory.TIME_PROPOSAL, proposal_id)
    return await find_proposal(session, proposal_id)


async def open_proposals(session: AsyncSession, owner_id: UUID, *, now: datetime) -> Sequence[TimeProposal]:
    """The owner's proposals that have neither expired nor been booked."""
    booked = exists().where(Booking.proposal_id == TimeProposal.id, Booking.status != _CANCELLED)
    query = select(TimeProposal).where(TimeProposal.owner_id == owner_id, TimeProposal.expires_at > now, ~booked)
    return (await session.scalars(query)).all()


async def booking_by(session: AsyncSession, proposal_id: UUID) -> Booked | None:
    """The booking that was made by the proposal and stands; the first, should a request have become another."""
    query = select(Booking.id, Booking.starts_at).where(
        Booking.proposal_id == proposal_id, Booking.status != _CANCELLED
    )
    row = (await session.execute(query.order_by(Booking.id).limit(1))).one_or_none()
    return None if row is None else Booked(row.id, row.starts_at)


async def answer_proposal(fetch: Fetch, page_id: UUID, proposal_id: UUID | None) -> UUID | None:
    """The proposal that is being booked, if the page has it, locked: of two that book by it at once the second sees the
    first. Hosts are locked before.

    Raises: AlreadyProcessed when it was booked.
    """
    if proposal_id is None or not await fetch(_LOCK, proposal_id, page_id):
        return None
    if await fetch(_STANDS, proposal_id):
        raise AlreadyProcessed(detail="proposal_booked")
    return proposal_id


async def delete_old(session: AsyncSession, account_id: UUID, *, before: datetime) -> bool:
    """Forget some of the account's proposals that expired before; whether there may be more."""
    old = (
        select(TimeProposal.id)
        .where(TimeProposal.account_id == account_id, TimeProposal.expires_at < before)
        .order_by(TimeProposal.id)
        .limit(_AT_ONCE)
    )
    gone = delete(TimeProposal).where(TimeProposal.account_id == account_id, TimeProposal.id.in_(old))
    ids = (await session.scalars(gone.returning(TimeProposal.id))).all()
    if ids:
        keys = [proposal_id.hex for proposal_id in ids]
        await session.execute(
            delete(DirectoryEntry).where(DirectoryEntry.kind == Directory.TIME_PROPOSAL, DirectoryEntry.key.in_(keys))
        )
    return len(ids) == _AT_ONCE
