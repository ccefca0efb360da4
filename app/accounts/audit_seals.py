"""Seals on the audit log: entries are numbered after their commit, and each seals all that came before it.

    sweep  [transaction]  the accounts with entries that wait: a job each
    run    [transaction]  the chain locked → entries in their order → seal = SHA-256(seal before | what the entry says)

The one rule: an entry commits with what it tells, and waits for nobody; the chain is made behind it, one account at a
time. Who changes, removes or slips in an entry later breaks every seal after it.
"""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.due import take_due_rows
from app.models.accounts import AuditChain, AuditEntry
from app.models.directory import DueAudit
from app.queue import Enqueued, Job, enqueue

_AT_ONCE: Final = 500
_COMES_UP_AGAIN: Final = timedelta(seconds=60)


class AuditSeals:
    """Runs `seal_audit`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def sweep(self) -> int:
        """Ask for the seals of what waits; in how many accounts."""
        async with transaction(self._sessions, None) as session:
            again = _COMES_UP_AGAIN
            due = await take_due_rows(session, DueAudit, now=self._clock(), again=again, limit=_AT_ONCE)
            accounts = {row.account_id for row in due}
            await enqueue(session, [Enqueued(Job.SEAL_AUDIT, item, item, once=True) for item in accounts])
        return len(accounts)

    async def run(self, account_id: UUID, _: UUID) -> None:
        """Seal whatever waits in the account."""
        while await self._seal_some(account_id) == _AT_ONCE:
            pass

    async def _seal_some(self, account_id: UUID) -> int:
        async with transaction(self._sessions, account_id) as session:
            return await seal_waiting(session, account_id)


async def seal_waiting(session: AsyncSession, account_id: UUID) -> int:
    """Seal the oldest entries that wait; how many. What is sealed at once is sealed in the order of writing."""
    await session.execute(insert(AuditChain).values(account_id=account_id).on_conflict_do_nothing())
    chain = await session.scalar(select(AuditChain).where(AuditChain.account_id == account_id).with_for_update())
    assert chain is not None
    waiting = (
        await session.scalars(
            select(AuditEntry)
            .where(AuditEntry.account_id == account_id, AuditEntry.sequence.is_(None))
            .order_by(AuditEntry.at, AuditEntry.id)
            .limit(_AT_ONCE)
        )
    ).all()
    for entry in waiting:
        chain.last_sequence += 1
        chain.last_seal = seal_of(entry, sequence=chain.last_sequence, before=chain.last_seal)
        entry.sequence, entry.seal = chain.last_sequence, chain.last_seal
    await session.flush()
    await session.execute(delete(DueAudit).where(DueAudit.entry_id.in_([entry.id for entry in waiting])))
    return len(waiting)


def seal_of(entry: AuditEntry, *, sequence: int, before: bytes) -> bytes:
    """What the entry says, sealed with everything before it."""
    said = {
        "sequence": sequence,
        "id": entry.id.hex,
        "actor": entry.actor,
        "action": entry.action,
        "subject_id": entry.subject_id.hex,
        "data": entry.data,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    return hashlib.sha256(before + msgspec.json.encode(said, order="deterministic")).digest()


async def broken_seals(session: AsyncSession, account_id: UUID) -> AsyncIterator[int]:
    """The numbers at which the chain is not what it should be: an entry changed, missing or slipped in before it.

    One after the last: entries are missing at the end. The caller's transaction sees one moment: entries and the end of
    the chain are read one after the other.
    """
    before, expected = b"", 0
    entries = await session.stream_scalars(
        select(AuditEntry)
        .where(AuditEntry.account_id == account_id, AuditEntry.sequence.is_not(None))
        .order_by(AuditEntry.sequence)
        .execution_options(yield_per=_AT_ONCE)
    )
    async for entry in entries:
        expected += 1
        assert entry.sequence is not None
        if entry.sequence != expected or entry.seal != seal_of(entry, sequence=entry.sequence, before=before):
            yield entry.sequence
        before, expected = entry.seal or b"", entry.sequence
    chain = await session.get(AuditChain, account_id)
    if chain is not None and (chain.last_sequence, chain.last_seal) != (expected, before):
        yield expected + 1
