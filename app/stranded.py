"""Work whose job was lost: found by its rows, account by account, and given a new job.

What waits for a person to heal their connection, and is over meanwhile, is given up on the way.

The one rule: a row says what is left to do, and a job is only its hint. What waits without a job gets one; an extra
job finds nothing to do. One worker at a time goes round, whichever is there first: accounts are many.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock
from app.calendar_writes.service import give_up_what_is_over
from app.database import transaction
from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, Connection
from app.models.mirror import CalendarChange
from app.models.outbound import Mail
from app.queue import QUEUE, Enqueued, Job, Payload, enqueue
from app.sync.changes import Topic, jobs_for

_ACCOUNTS_AT_ONCE = 500
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('stranded', 0))"
_ACCOUNTS = """
WITH RECURSIVE each AS (
    (SELECT account_id FROM directory WHERE account_id > $1 ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.account_id FROM directory d WHERE d.account_id > each.account_id ORDER BY d.account_id LIMIT 1)
      FROM each WHERE each.account_id IS NOT NULL)
SELECT account_id FROM each WHERE account_id IS NOT NULL LIMIT $2
"""
"""Each account once, from one to the next by the index: of some there are many entries."""
_UNFOLLOWED_AFTER = timedelta(minutes=1)
_WITH_A_JOB = (
    f"SELECT entrypoint, payload FROM {QUEUE.db_schema}.pgqueuer WHERE status <> 'failed' AND payload = ANY ($1)"  # noqa: S608
)

log = structlog.get_logger(__name__)


async def ask_again_for_stranded(sessions: async_sessionmaker[AsyncSession], clock: Clock) -> int:
    """Ask for a job of every write, mail and change that waits without one; how many there were.

    Does nothing while another worker is at it.
    """
    asked = 0
    async with transaction(sessions, None) as session:
        connection = await session.connection()
        if not (await connection.exec_driver_sql(_LOCK)).scalar():
            return 0
        async for accounts in _accounts(sessions):
            waiting: list[Enqueued] = []
            for account_id in accounts:
                waiting += await _waiting_in(sessions, account_id, now=clock())
            asked += await _ask_for(sessions, waiting)
    if asked:
        log.warning("jobs.stranded", asked=asked)
    return asked


async def _accounts(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[Sequence[UUID]]:
    """Every account that anybody could know of, some at a time."""
    some: Sequence[UUID] = [UUID(int=0)]
    while some:
        async with transaction(sessions, None) as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(_ACCOUNTS, (some[-1], _ACCOUNTS_AT_ONCE))
            some = rows.scalars().all()
        yield some


async def _waiting_in(sessions: async_sessionmaker[AsyncSession], account_id: UUID, *, now: datetime) -> list[Enqueued]:
    async with transaction(sessions, account_id) as session:
        over = await give_up_what_is_over(session, account_id, now=now)
        waiting = await _waiting(session, account_id, now=now)
        await enqueue(session, over)
        return waiting


async def _waiting(session: AsyncSession, account_id: UUID, *, now: datetime) -> list[Enqueued]:
    """The account's writes, mails and changes that nobody is at. Those of a broken connection wait for the person."""
    writes = await session.scalars(
        select(CalendarWrite.id)
        .join(Calendar, and_(Calendar.account_id == CalendarWrite.account_id, Calendar.id == CalendarWrite.calendar_id))
        .join(Connection, ON_CONNECTION)
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
        .join(Connection, ON_CONNECTION)
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
