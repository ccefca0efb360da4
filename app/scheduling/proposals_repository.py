"""SQL of proposed times. Each method answers one named question.

The one rule: the account's row-level security says whose they are; the directory knows them by their ids.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import enter_account
from app.models.directory import Directory, DirectoryEntry
from app.models.proposals import TimeProposal
from app.scheduling.repository import look_up


async def find_proposal(session: AsyncSession, proposal_id: UUID) -> TimeProposal | None:
    """One of the entered account's proposals."""
    return await session.scalar(select(TimeProposal).where(TimeProposal.id == proposal_id))


async def enter_proposal(session: AsyncSession, proposal_id: UUID) -> TimeProposal | None:
    """A proposal of whichever account, which is entered; None when there is none."""
    entry = await look_up(session, Directory.TIME_PROPOSAL, proposal_id.hex)
    if entry is None:
        return None
    await enter_account(session, entry.account_id)
    return await find_proposal(session, proposal_id)


async def open_proposals(session: AsyncSession, owner_id: UUID, *, now: datetime) -> Sequence[TimeProposal]:
    """The owner's proposals that have not expired."""
    query = select(TimeProposal).where(TimeProposal.owner_id == owner_id, TimeProposal.expires_at > now)
    return (await session.scalars(query)).all()


async def delete_old(session: AsyncSession, owner_id: UUID, *, before: datetime) -> None:
    """Forget the owner's proposals that expired before."""
    gone = delete(TimeProposal).where(TimeProposal.owner_id == owner_id, TimeProposal.expires_at < before)
    ids = (await session.scalars(gone.returning(TimeProposal.id))).all()
    if ids:
        keys = [proposal_id.hex for proposal_id in ids]
        await session.execute(
            delete(DirectoryEntry).where(DirectoryEntry.kind == Directory.TIME_PROPOSAL, DirectoryEntry.key.in_(keys))
        )
