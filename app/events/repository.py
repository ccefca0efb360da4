"""SQL of the feed. Each function is one named query or command.

The one rule: a number is given, and a prefix pruned, under the lock of the account's row in `event_feeds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.ids import first_id_at
from app.models.base import Json
from app.models.directory import DueFeed
from app.models.events import EventFeed, FeedEvent, WebhookDelivery

CHANNEL: Final = "calendar_connect_events"
"""Where PostgreSQL tells that an account's feed grew; the payload is the account's id."""

_NUMBER = """
WITH waiting AS (
    SELECT id, row_number() OVER (ORDER BY arrival) AS place
      FROM (SELECT id, arrival FROM feed_events
             WHERE account_id = $1 AND sequence IS NULL ORDER BY arrival LIMIT $3) first),
numbered AS (
    UPDATE feed_events e SET sequence = f.last_sequence + w.place, numbered_at = $2
      FROM waiting w, event_feeds f
     WHERE f.account_id = $1 AND e.account_id = $1 AND e.id = w.id
    RETURNING e.id),
done AS (DELETE FROM due_events d USING numbered n WHERE d.event_id = n.id),
counted AS (
    UPDATE event_feeds SET last_sequence = last_sequence + (SELECT count(*) FROM numbered) WHERE account_id = $1)
SELECT count(*) FROM numbered
"""

_READ = """
SELECT f.last_sequence, f.pruned_through, e.*
  FROM event_feeds f
  LEFT JOIN LATERAL (
      SELECT id, account_id, sequence, type, occurred_at, data::text AS data FROM feed_events e
       WHERE e.account_id = $1 AND e.sequence > coalesce($2, f.pruned_through) AND e.sequence <= f.last_sequence
         AND ($3::text[] IS NULL OR e.type = ANY ($3))
       ORDER BY e.sequence LIMIT $4) e ON true
 WHERE f.account_id = $1
"""
"""The head of the feed and the events in one snapshot: neither a number nor a pruning can come between the two."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its number."""

    account_id: UUID
    id: UUID
    sequence: int
    type: str
    occurred_at: datetime
    data: Json


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of the feed, and where its ends were at that moment."""

    entries: tuple[Entry, ...]
    last_sequence: int
    pruned_through: int


async def has_unnumbered(session: AsyncSession, account_id: UUID) -> bool:
    """Whether an event that is committed waits for its number."""
    query = select(FeedEvent.id).where(FeedEvent.account_id == account_id, FeedEvent.sequence.is_(None)).limit(1)
    return await session.scalar(query) is not None


async def lock_feed(session: AsyncSession, account_id: UUID, *, prune_at: datetime) -> EventFeed:
    """The account's feed, locked; made on first use, when its first pruning is set."""
    query = select(EventFeed).where(EventFeed.account_id == account_id).with_for_update()
    query = query.execution_options(populate_existing=True)
    feed = await session.scalar(query)
    if feed is not None:
        return feed
    await session.execute(insert(EventFeed).values(account_id=account_id).on_conflict_do_nothing())
    due = insert(DueFeed).values(account_id=account_id, due_at=prune_at)
    await session.execute(due.on_conflict_do_nothing())
    return (await session.scalars(query)).one()


async def try_lock_feed(session: AsyncSession, account_id: UUID) -> bool:
    """Lock the account's feed, if it is there and nobody holds it."""
    query = select(EventFeed.account_id).where(EventFeed.account_id == account_id).with_for_update(skip_locked=True)
    return await session.scalar(query) is not None


async def give_numbers(session: AsyncSession, account_id: UUID, *, now: datetime, limit: int) -> int:
    """Number what can be seen, in the order of arrival; how many. The feed is locked by the caller.

    Only committed events can be seen, and the transaction's own, and nobody else gives numbers meanwhile: so there is
    neither a gap nor a number twice. What commits later is numbered later, however early it arrived.
    """
    connection = await session.connection()
    result = await connection.exec_driver_sql(_NUMBER, (account_id, now, limit))
    return int(result.scalar_one())


async def tell_readers(session: AsyncSession, account_id: UUID) -> None:
    """Wake whoever waits for the account's feed, with the commit."""
    await session.execute(select(func.pg_notify(CHANNEL, str(account_id))))


async def read(
    session: AsyncSession, account_id: UUID, *, after: int | None, types: Sequence[str] | None, limit: int
) -> Reading:
    """The events after a number, rising; None: the oldest that are kept."""
    connection = await session.connection()
    wanted = None if types is None else list(types)
    rows = (await connection.exec_driver_sql(_READ, (account_id, after, wanted, limit))).mappings().all()
    if not rows:
        return Reading((), 0, 0)
    entries = tuple(_entry(row) for row in rows if row["id"] is not None)
    return Reading(entries, rows[0]["last_sequence"], rows[0]["pruned_through"])


def _entry(row: RowMapping) -> Entry:
    return Entry(
        account_id=row["account_id"],
        id=row["id"],
        sequence=row["sequence"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        data=msgspec.json.decode(row["data"]),
    )


async def prune(session: AsyncSession, feed: EventFeed, *, before: datetime, limit: int) -> int:
    """Delete events numbered before a time, a prefix of the feed; how many. The feed is locked by the caller.

    It looks at rows, not at numbers: a restore leaves a gap in these, as wide as whoever restored made it.
    """
    account_id = feed.account_id
    oldest = (
        select(FeedEvent.sequence, FeedEvent.numbered_at)
        .where(FeedEvent.account_id == account_id, FeedEvent.sequence > feed.pruned_through)
        .order_by(FeedEvent.sequence)
        .limit(limit)
        .subquery()
    )
    boundary = await session.scalar(select(func.max(oldest.c.sequence)).where(oldest.c.numbered_at < before))
    if boundary is None:
        return 0
    gone = await session.scalars(
        delete(FeedEvent)
        .where(FeedEvent.account_id == account_id, FeedEvent.sequence <= boundary)
        .returning(FeedEvent.id)
        .execution_options(synchronize_session=False)
    )
    await session.execute(update(EventFeed).where(EventFeed.account_id == account_id).values(pruned_through=boundary))
    return len(gone.all())


async def prune_deliveries(session: AsyncSession, account_id: UUID, *, before: datetime, limit: int) -> int:
    """Delete some of what is known of attempts before a time, the oldest first; how many."""
    old = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.account_id == account_id, WebhookDelivery.id < first_id_at(before))
        .order_by(WebhookDelivery.id)
        .limit(limit)
    )
    gone = await session.scalars(
        delete(WebhookDelivery)
        .where(WebhookDelivery.account_id == account_id, WebhookDelivery.id.in_(old))
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


async def redact(session: AsyncSession, account_id: UUID, subject_id: UUID) -> None:
    """Forget what the events of a subject said, but that they were: erasing somebody leaves no gap."""
    await redact_where(session, account_id, FeedEvent.subject_id == subject_id)


async def redact_where(session: AsyncSession, account_id: UUID, condition: ColumnElement[bool]) -> None:
    """The same of whatever events a condition picks; where no index helps, all that the account keeps are looked at."""
    await session.execute(
        update(FeedEvent)
        .where(FeedEvent.account_id == account_id, condition)
        .values(data=func.jsonb_build_object("id", FeedEvent.data["id"], "erased", true()))
        .execution_options(synchronize_session=False)
    )
