"""Work whose job was lost: found by its rows, account by account, and asked for again.

The one rule: a row says what is left to do, and a job is only its hint. What waits and has no job gets one; a job too
many finds nothing to do.
"""

from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.database import transaction
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Calendar, Connection
from app.models.directory import Directory, DirectoryEntry
from app.models.mirror import CalendarChange
from app.models.outbound import Mail
from app.queue import QUEUE, Enqueued, Job, Payload, enqueue
from app.sync.changes import Topic, jobs_for

_KINDS = (Directory.DATA_KEY, Directory.PAGE)
"""Who has ever connected has a data key, who is booked has a page: nobody else has writes or mails."""
_ENTRIES_AT_ONCE = 500
_UNFOLLOWED_AFTER = timedelta(minutes=1)
_WITH_A_JOB = (
    f"SELECT entrypoint, payload FROM {QUEUE.db_schema}.pgqueuer WHERE status <> 'failed' AND payload = ANY ($1)"  # noqa: S608
)

log = structlog.get_logger(__name__)


async def ask_again_for_stranded(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> int:
    """Ask for a job of every write, mail and change that waits without one; how many there were."""
    asked = 0
    async for accounts in _accounts(sessions):
        waiting: list[Enqueued] = []
        for account_id in accounts:
            async with transaction(sessions, account_id) as session:
                waiting += await _waiting(session, account_id, now=clock())
        asked += await _ask_for(sessions, waiting)
    if asked:
        log.warning("jobs.stranded", asked=asked)
    return asked


async def _accounts(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[Collection[UUID]]:
    """Every account, a few at a time; one may come several times."""
    for kind in _KINDS:
        after: str | None = ""
        while after is not None:
            async with transaction(sessions, None) as session:
                entries = (
                    await session.scalars(
                        select(DirectoryEntry)
                        .where(DirectoryEntry.kind == kind, DirectoryEntry.key > after)
                        .order_by(DirectoryEntry.key)
                        .limit(_ENTRIES_AT_ONCE)
                    )
                ).all()
            yield {entry.account_id for entry in entries}
            after = entries[-1].key if len(entries) == _ENTRIES_AT_ONCE else None


async def _waiting(session: AsyncSession, account_id: UUID, *, now: datetime) -> list[Enqueued]:
    """The account's writes, mails and changes that nobody is at. Those of a broken connection wait for the person."""
    writes = await session.scalars(
        select(CalendarWrite.id)
        .join(Calendar, and_(Calendar.account_id == CalendarWrite.account_id, Calendar.id == CalendarWrite.calendar_id))
        .join(Connection, and_(Connection.account_id == Calendar.account_id, Connection.id == Calendar.connection_id))
        .where(
            CalendarWrite.account_id == account_id,
            Connection.status == "active",
            Connection.disconnected_at.is_(None),
            func.coalesce(CalendarWrite.lease_until, now) <= now,
            or_(
                and_(CalendarWrite.status == "pending", CalendarWrite.written_seq < CalendarWrite.desired_seq),
                CalendarWrite.look_again_at <= now,
            ),
        )
    )
    mails = await session.scalars(
        select(Mail.id).where(
            Mail.account_id == account_id, Mail.status == "queued", func.coalesce(Mail.lease_until, now) <= now
        )
    )
    return [
        *(Enqueued(Job.WRITE_EVENT, account_id, write_id) for write_id in writes),
        *(Enqueued(Job.SEND_MAIL, account_id, mail_id) for mail_id in mails),
        *await _unfollowed(session, account_id, now=now),
    ]


async def _unfollowed(session: AsyncSession, account_id: UUID, *, now: datetime) -> list[Enqueued]:
    """Who is to follow changes that have waited for a while."""
    rows = await session.execute(
        select(CalendarChange.calendar_id, CalendarChange.topic)
        .distinct()
        .join(
            Calendar, and_(Calendar.account_id == CalendarChange.account_id, Calendar.id == CalendarChange.calendar_id)
        )
        .join(Connection, and_(Connection.account_id == Calendar.account_id, Connection.id == Calendar.connection_id))
        .where(
            CalendarChange.account_id == account_id,
            Connection.status == "active",
            Connection.disconnected_at.is_(None),
            CalendarChange.changed_at <= now - _UNFOLLOWED_AFTER,
            func.coalesce(CalendarChange.not_before, now) <= now,
        )
    )
    return [job for row in rows for job in jobs_for(account_id, row.calendar_id, [Topic(row.topic)])]


async def _ask_for(sessions: async_sessionmaker[AsyncSession], waiting: list[Enqueued]) -> int:
    """Ask for those that have no job, not even a running one or one for later."""
    if not waiting:
        return 0
    jobs = {(job.job.value, msgspec.json.encode(Payload(job.account_id, job.id))): job for job in waiting}
    async with transaction(sessions, None) as session:
        connection = await session.connection()
        payloads = sorted({payload for _, payload in jobs})
        known = {tuple(row) for row in await connection.exec_driver_sql(_WITH_A_JOB, (payloads,))}
        lost = [job for asked, job in jobs.items() if asked not in known]
        await enqueue(session, lost)
    return len(lost)
