"""Erasing an account: asked for in one request, done by the job `erase_account` in stages.

    ask            [transaction]  the account is closed, its pages and links are found no more, the tombstone is set
    disconnecting  every connection is let go of; the providers are told by the jobs that do it, for ten minutes at most
    deleting       the data key first, then the jobs that wait, then every table, some rows at a time
    looking_again  the same after a while, for what was under way; then the account's own row goes

The one rule: every step is a transaction that can be done twice, holds the tombstone, which is not finished, and says
there how far it is. What is deleted follows from the tables there are: no list of them can be forgotten.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Table, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.audit_seals import seal_waiting
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry
from app.calendar import Clock
from app.connections.overview import Overview
from app.connections.service import close
from app.database import transaction
from app.ids import new_id
from app.models.accounts import Account, AuditChain, AuditEntry, DataKey
from app.models.all_tables import every_table
from app.models.connections import Connection
from app.models.directory import Directory, DirectoryEntry
from app.models.privacy import AccountErasure
from app.queue import Enqueued, Job, cancel_jobs, enqueue

PROVIDERS_HAVE: Final = timedelta(minutes=10)
"""So long it is tried to tell the providers; then their tokens go with the key."""
_LOOK_AT_PROVIDERS: Final = timedelta(seconds=15)
LOOK_AGAIN: Final = timedelta(minutes=5)
"""Longer than any transaction that was open when the account was closed."""
_AT_ONCE: Final = 2000
_GOES_LATER: Final = (Directory.BOOKING, Directory.MEETING_REQUEST, Directory.CHANNEL, Directory.DATA_KEY)
"""All that is not gone from the directory with the request: links to single bookings, which may be very many, and what
is still needed to let go of connections.
"""
_OUTLIVES: Final = {AccountErasure.__tablename__, Account.__tablename__}
"""The tombstone for good; the account's row, which keeps everybody out, to the end."""

log = structlog.get_logger(__name__)


class _OvertakenError(Exception):
    """Another worker has finished it meanwhile."""


class AccountErasures:
    """Asks for the erasure of accounts, and runs `erase_account`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], overview: Overview, clock: Clock) -> None:
        self._sessions = sessions
        self._overview = overview
        self._clock = clock
        self._stages: dict[str, Callable[[AccountErasure], Awaitable[timedelta | None]]] = {
            "disconnecting": self._disconnect,
            "deleting": self._delete,
            "looking_again": self._look_again,
        }

    async def ask(self, session: AsyncSession, principal: Principal) -> AccountErasure:
        """Close the account; nobody comes in any more once this is committed. The erasure that is under way."""
        account_id, now = principal.account_id, self._clock()
        account = await _lock_account(session, account_id)
        if account.closed_at is not None:  # somebody was quicker by a moment
            return (await session.scalars(select(AccountErasure).where(AccountErasure.finished_at.is_(None)))).one()
        account.closed_at = now
        erasure = AccountErasure(
            account_id=account_id,
            id=new_id(),
            requested_by=principal.actor.partition(":")[0],
            requested_at=now,
            stage="disconnecting",
        )
        session.add(erasure)
        add_audit_entry(
            session, account_id, actor=principal.actor, action="account.erasure_requested", subject_id=account_id
        )
        await session.execute(
            delete(DirectoryEntry).where(
                DirectoryEntry.account_id == account_id, DirectoryEntry.kind.not_in(_GOES_LATER)
            )
        )
        await enqueue(session, [Enqueued(Job.ERASE_ACCOUNT, account_id, erasure.id)])
        return erasure

    async def run(self, account_id: UUID, erasure_id: UUID) -> None:
        """Go on where it was left, until it is done or there is something to wait for."""
        wait = None
        while wait is None:
            async with transaction(self._sessions, account_id) as session:
                erasure = await session.get(AccountErasure, (account_id, erasure_id))
            if erasure is None or erasure.finished_at is not None:
                return
            try:
                wait = await self._stages[erasure.stage](erasure)
            except _OvertakenError:
                return
        async with transaction(self._sessions, account_id) as session:
            await enqueue(session, [Enqueued(Job.ERASE_ACCOUNT, account_id, erasure_id, delay=wait)])

    @asynccontextmanager
    async def _step(self, erasure: AccountErasure) -> AsyncIterator[tuple[AsyncSession, AccountErasure]]:
        """One transaction of it, and its tombstone as it is now, locked: a worker that slept while another finished
        would erase the account that has begun anew. Raises: _OvertakenError.
        """
        async with transaction(self._sessions, erasure.account_id) as session:
            mine = AccountErasure.account_id == erasure.account_id, AccountErasure.id == erasure.id
            query = select(AccountErasure).where(*mine, AccountErasure.finished_at.is_(None)).with_for_update()
            tombstone = await session.scalar(query)
            if tombstone is None:
                raise _OvertakenError
            yield session, tombstone

    async def _disconnect(self, erasure: AccountErasure) -> timedelta | None:
        """Every connection is let go of as by its person: watches stop, grants are revoked, jobs try it again."""
        overdue = self._clock() > erasure.requested_at + PROVIDERS_HAVE
        while await self._let_go_of_one(erasure):
            pass
        async with self._step(erasure) as (session, tombstone):
            left = await session.scalar(select(func.count()).select_from(Connection))
            if left and not overdue:
                return _LOOK_AT_PROVIDERS
            tombstone.stage = "deleting"
        log.info("erasure.disconnected", unreachable=left)
        return None

    async def _let_go_of_one(self, erasure: AccountErasure) -> bool:
        async with self._step(erasure) as (session, _):
            connection = await session.scalar(
                select(Connection).where(Connection.disconnected_at.is_(None)).order_by(Connection.id).limit(1)
            )
            if connection is None:
                return False
            await close(session, connection, self._overview, actor="worker", now=self._clock())
            return True

    async def _delete(self, erasure: AccountErasure) -> timedelta | None:
        await self._remember_log(erasure)
        await self._delete_everything(erasure)
        async with self._step(erasure) as (_, tombstone):
            tombstone.stage, tombstone.look_again_at = "looking_again", self._clock() + LOOK_AGAIN
        return None

    async def _look_again(self, erasure: AccountErasure) -> timedelta | None:
        assert erasure.look_again_at is not None
        early = erasure.look_again_at - self._clock()
        if early > timedelta():  # also for a job that comes back after its worker has died
            return early
        await self._delete_everything(erasure)
        async with self._step(erasure) as (session, tombstone):
            await session.execute(delete(Account).where(Account.account_id == erasure.account_id))
            tombstone.stage, tombstone.finished_at = "finished", self._clock()
        log.info("erasure.finished")
        return None

    async def _remember_log(self, erasure: AccountErasure) -> None:
        """Where the audit log ended, before it goes; once, for a job that was under way may begin another."""
        async with self._step(erasure) as (session, tombstone):
            if tombstone.last_sequence:
                return
            while await seal_waiting(session, erasure.account_id):
                pass
            chain = await session.get_one(AuditChain, erasure.account_id)
            tombstone.last_sequence, tombstone.last_seal = chain.last_sequence, chain.last_seal

    async def _delete_everything(self, erasure: AccountErasure) -> None:
        """The key first: whatever is interrupted later, what is left of the secrets cannot be opened."""
        async with self._step(erasure) as (session, _):
            await session.execute(delete(DataKey).where(DataKey.account_id == erasure.account_id))
            await cancel_jobs(session, erasure.account_id, but=Job.ERASE_ACCOUNT)
        for table in reversed(every_table()):  # what refers to others first
            while table.name not in _OUTLIVES and await self._delete_some(erasure, table) == _AT_ONCE:
                pass

    async def _delete_some(self, erasure: AccountErasure, table: Table) -> int:
        async with self._step(erasure) as (session, tombstone):
            if table.name == AuditEntry.__tablename__:  # the service itself may not: migration 0019
                gone = await session.scalar(select(func.erase_audit_entries(_AT_ONCE))) or 0
            else:
                gone = await _delete_rows(session, table, erasure.account_id)
            tombstone.deleted_rows += gone
        return gone


async def _lock_account(session: AsyncSession, account_id: UUID) -> Account:
    """The account's row, locked; a service may be the first to speak of the account."""
    fresh = insert(Account).values(account_id=account_id, subscriptions=[])
    await session.execute(fresh.on_conflict_do_nothing())
    query = select(Account).where(Account.account_id == account_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def _delete_rows(session: AsyncSession, table: Table, account_id: UUID) -> int:
    mine, key = table.c.account_id == account_id, list(table.primary_key)
    some = select(*key).where(mine).limit(_AT_ONCE)
    result: Any = await session.execute(delete(table).where(mine, tuple_(*key).in_(some)))
    return int(result.rowcount)
