"""SQL of watches. Each function is one named query or command.

The one rule: a watch and its entry in the directory come and go together.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.connections import ON_CONNECTION, Calendar, CalendarSync, Connection
from app.models.directory import Directory, DirectoryEntry, DueWatch
from app.models.push import PushChannel


@dataclass(frozen=True, slots=True)
class Watched:
    """A calendar and what stands in the way of watching it."""

    calendar: Calendar
    connection: Connection
    mirrored: bool


async def find_watched(session: AsyncSession, calendar_id: UUID) -> Watched | None:
    """The calendar, its connection, and whether it is mirrored; None when it is gone."""
    row = (
        await session.execute(
            select(Calendar, Connection, CalendarSync.calendar_id)
            .join(Connection, ON_CONNECTION)
            .outerjoin(
                CalendarSync,
                (CalendarSync.account_id == Calendar.account_id) & (CalendarSync.calendar_id == Calendar.id),
            )
            .where(Calendar.id == calendar_id)
        )
    ).one_or_none()
    return None if row is None else Watched(row[0], row[1], row[2] is not None)


async def channels_of(session: AsyncSession, calendar_id: UUID) -> Sequence[PushChannel]:
    """The calendar's watches, the newest first."""
    query = select(PushChannel).where(PushChannel.calendar_id == calendar_id)
    return (await session.scalars(query.order_by(PushChannel.expires_at.desc()))).all()


async def channels_of_connection(session: AsyncSession, connection_id: UUID) -> Sequence[PushChannel]:
    """All watches of a connection."""
    return (
        await session.scalars(
            select(PushChannel)
            .join(Calendar, (Calendar.account_id == PushChannel.account_id) & (Calendar.id == PushChannel.calendar_id))
            .where(Calendar.connection_id == connection_id)
        )
    ).all()


async def find_channel(session: AsyncSession, channel_id: str) -> PushChannel | None:
    """A watch of this account, by what its signals call it."""
    named = (DirectoryEntry.account_id == PushChannel.account_id) & (DirectoryEntry.target_id == PushChannel.id)
    where = (DirectoryEntry.kind == Directory.CHANNEL, DirectoryEntry.key == channel_id)
    return await session.scalar(select(PushChannel).join(DirectoryEntry, named).where(*where))


async def known_channels(session: AsyncSession, channel_ids: Collection[str]) -> set[str]:
    """Those that are anybody's."""
    query = select(DirectoryEntry.key).where(
        DirectoryEntry.kind == Directory.CHANNEL, DirectoryEntry.key.in_(channel_ids)
    )
    return set(await session.scalars(query))


async def add_channel(session: AsyncSession, channel: PushChannel) -> None:
    """Remember a watch, and whose it is."""
    session.add(channel)
    values = {"account_id": channel.account_id, "target_id": channel.id}
    statement = insert(DirectoryEntry).values(kind=Directory.CHANNEL, key=channel.channel_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["kind", "key"], set_=values))
    await session.flush()


async def delete_channel(session: AsyncSession, channel: PushChannel) -> None:
    """Forget a watch."""
    await session.execute(delete(PushChannel).where(PushChannel.id == channel.id))
    await session.execute(
        delete(DirectoryEntry).where(
            DirectoryEntry.kind == Directory.CHANNEL,
            DirectoryEntry.key == channel.channel_id,
            DirectoryEntry.target_id == channel.id,
        )
    )


async def expire_channels(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """The connection's watches may have died with its grant: once it is healed, others take over from them."""
    for channel in await channels_of_connection(session, connection_id):
        channel.expires_at = min(channel.expires_at, now)


async def covered_calendars(session: AsyncSession, calendar_id: UUID, *, whole_mailbox: bool) -> Sequence[UUID]:
    """The calendars that a watch of this one may tell of.

    Only of this one it certainly does: Graph's watch of a mailbox is said to tell of the default calendar alone
    (https://github.com/microsoftgraph/microsoft-graph-docs/issues/21978). The others are polled as if there were none.
    """
    if not whole_mailbox:
        return [calendar_id]
    here = select(Calendar.connection_id).where(Calendar.id == calendar_id).scalar_subquery()
    query = select(CalendarSync.calendar_id).join(
        Calendar, (Calendar.account_id == CalendarSync.account_id) & (Calendar.id == CalendarSync.calendar_id)
    )
    return (await session.scalars(query.where(Calendar.connection_id == here))).all()


async def set_watched_until(session: AsyncSession, calendar_id: UUID, until: datetime | None) -> None:
    """How long the provider tells us of this calendar."""
    await session.execute(
        update(CalendarSync)
        .where(CalendarSync.calendar_id == calendar_id)
        .values(watched_until=until)
        .execution_options(synchronize_session=False)
    )


async def set_watch_due(session: AsyncSession, account_id: UUID, calendar_id: UUID, *, at: datetime) -> None:
    """When the calendar's watch shall be looked at again."""
    statement = insert(DueWatch).values(calendar_id=calendar_id, account_id=account_id, due_at=at)
    await session.execute(statement.on_conflict_do_update(index_elements=["calendar_id"], set_={"due_at": at}))


async def remove_watch_due(session: AsyncSession, calendar_id: UUID) -> None:
    """The calendar needs no watch any more."""
    await session.execute(delete(DueWatch).where(DueWatch.calendar_id == calendar_id))
