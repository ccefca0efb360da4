"""SQL of authorizations, connections, tokens and calendars. Each function is one named query or command.

The one rule: a connection being disconnected is gone for everybody but the job that closes it.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import CalendarRef
from app.connections.channels import set_watch_due
from app.ids import new_id
from app.models.connections import (
    Calendar,
    CalendarSync,
    Connection,
    ConnectionAuthorization,
    ConnectionToken,
)
from app.models.directory import Directory, DirectoryEntry, DueCalendar
from app.models.mirror import BusyMonth, MirrorEvent, MirrorSeries
from app.models.push import PushChannel
from app.queue import Enqueued, Job

LOOK_AGAIN = timedelta(seconds=1)
"""How soon the sweeper looks at a calendar that changes faster than it is read."""
SWEPT_AFTER = timedelta(seconds=5)
"""When the sweeper looks at a calendar of which something was told, should nobody have looked."""
_FENCES = 2**30
"""A new sync row's fence begins somewhere below: a run that had claimed an earlier row is fenced off from it."""

_ASK = """
WITH before AS (
    SELECT calendar_id, asked FROM calendar_syncs
     WHERE account_id = $1 AND calendar_id = ANY ($2::uuid[]) ORDER BY calendar_id FOR UPDATE
), dirty AS (
    UPDATE calendar_syncs s
       SET dirty_seq = s.dirty_seq + 1, asked = true,
           watched_until = CASE WHEN s.calendar_id = $5 THEN $4 ELSE s.watched_until END
      FROM before WHERE s.account_id = $1 AND s.calendar_id = before.calendar_id
), due AS (
    UPDATE due_calendars SET due_at = $3 WHERE calendar_id IN (SELECT calendar_id FROM before) AND due_at > $3
)
SELECT calendar_id FROM before WHERE NOT asked
"""


async def find_authorization(session: AsyncSession, authorization_id: UUID) -> ConnectionAuthorization | None:
    """One OAuth attempt."""
    return await session.scalar(select(ConnectionAuthorization).where(ConnectionAuthorization.id == authorization_id))


async def take_oauth_state(session: AsyncSession, state_hash: str) -> DirectoryEntry | None:
    """The attempt a state belongs to, once: with the commit it is removed."""
    return await session.scalar(
        delete(DirectoryEntry)
        .where(DirectoryEntry.kind == Directory.OAUTH_STATE, DirectoryEntry.key == state_hash)
        .returning(DirectoryEntry)
    )


async def list_connections(session: AsyncSession, user_id: UUID) -> Sequence[Connection]:
    """The user's connections, oldest first."""
    return (
        await session.scalars(
            select(Connection)
            .where(Connection.user_id == user_id, Connection.disconnected_at.is_(None))
            .order_by(Connection.id)
        )
    ).all()


async def find_connection(session: AsyncSession, connection_id: UUID) -> Connection | None:
    """A connection nobody has disconnected."""
    return await session.scalar(
        select(Connection).where(Connection.id == connection_id, Connection.disconnected_at.is_(None))
    )


async def lock_connection(session: AsyncSession, connection_id: UUID) -> Connection | None:
    """A connection nobody has disconnected, locked: what is told once about it is told under the lock."""
    return await session.scalar(
        select(Connection)
        .where(Connection.id == connection_id, Connection.disconnected_at.is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def find_connection_for(session: AsyncSession, user_id: UUID, purpose: str) -> Connection | None:
    """The connection that serves a purpose of the user's: `calendar` or `meetings`."""
    return await session.scalar(
        select(Connection).where(
            Connection.user_id == user_id,
            Connection.disconnected_at.is_(None),
            Connection.purposes.contains([purpose]),
        )
    )


async def find_calendar(session: AsyncSession, calendar_id: UUID) -> tuple[Calendar, Connection] | None:
    """A calendar and its connection, which nobody has disconnected."""
    return await _calendar(session, Calendar.id == calendar_id)


async def find_primary_for(session: AsyncSession, user_id: UUID, purpose: str) -> tuple[Calendar, Connection] | None:
    """The primary calendar of the connection that serves a purpose: where bookings (R28) or meetings land."""
    serves = Connection.purposes.contains([purpose])
    return await _calendar(session, and_(Connection.user_id == user_id, serves, Calendar.is_primary))


async def _calendar(session: AsyncSession, condition: ColumnElement[bool]) -> tuple[Calendar, Connection] | None:
    row = (
        await session.execute(
            select(Calendar, Connection)
            .join(
                Connection,
                (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id),
            )
            .where(condition, Connection.disconnected_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def find_closing_connection(session: AsyncSession, connection_id: UUID) -> Connection | None:
    """A connection somebody has disconnected and no job has closed yet."""
    return await session.scalar(
        select(Connection).where(Connection.id == connection_id, Connection.disconnected_at.is_not(None))
    )


async def ask_for_syncs(
    session: AsyncSession,
    account_id: UUID,
    calendar_ids: Collection[UUID],
    *,
    now: datetime,
    told_by: PushChannel | None = None,
) -> list[Enqueued]:
    """Something may have changed in these calendars; the jobs to enqueue. `told_by`: a watch that works, then.

    A run that is under way will look once more, one that waits is enough. Should its job be lost, the sweeper looks.
    """
    connection = await session.connection()
    believed = (None, None) if told_by is None else (told_by.expires_at, told_by.calendar_id)
    asked = await connection.exec_driver_sql(_ASK, (account_id, list(calendar_ids), now + SWEPT_AFTER, *believed))
    return [Enqueued(Job.SYNC_CALENDAR, account_id, calendar_id) for calendar_id in asked.scalars()]


async def delete_connection(session: AsyncSession, connection_id: UUID) -> None:
    """The row, its tokens, calendars and mirror."""
    await session.execute(delete(Connection).where(Connection.id == connection_id))


async def find_token(session: AsyncSession, connection_id: UUID) -> ConnectionToken | None:
    """The sealed tokens as they are now."""
    return await session.scalar(
        select(ConnectionToken)
        .where(ConnectionToken.connection_id == connection_id)
        .execution_options(populate_existing=True)
    )


async def lease_token(
    session: AsyncSession, connection_id: UUID, *, version: int, now: datetime, until: datetime
) -> bool:
    """Whether the caller is the one who refreshes this version."""
    return (
        await session.scalar(
            update(ConnectionToken)
            .where(
                ConnectionToken.connection_id == connection_id,
                ConnectionToken.version == version,
                func.coalesce(ConnectionToken.lease_until, now) <= now,
            )
            .values(lease_until=until)
            .returning(ConnectionToken.version)
        )
    ) is not None


async def save_token(
    session: AsyncSession,
    connection_id: UUID,
    *,
    over_version: int,
    access_token: bytes,
    refresh_token: bytes | None,
    expires_at: datetime | None,
) -> bool:
    """Save refreshed tokens over the version they came from; False when another refresh was faster."""
    values: dict[str, object] = {"access_token": access_token, "expires_at": expires_at, "lease_until": None}
    if refresh_token is not None:
        values["refresh_token"] = refresh_token
    return (
        await session.scalar(
            update(ConnectionToken)
            .where(ConnectionToken.connection_id == connection_id, ConnectionToken.version == over_version)
            .values(version=over_version + 1, **values)
            .returning(ConnectionToken.version)
        )
    ) is not None


async def release_token_lease(session: AsyncSession, connection_id: UUID, *, version: int) -> None:
    """The refresh failed: let the next one try at once."""
    await session.execute(
        update(ConnectionToken)
        .where(ConnectionToken.connection_id == connection_id, ConnectionToken.version == version)
        .values(lease_until=None)
    )


async def list_calendars(session: AsyncSession, connection_id: UUID) -> Sequence[Calendar]:
    """The connection's calendars: the primary first, then by name."""
    return (await session.scalars(_calendars_of(connection_id))).all()


def _calendars_of(connection_id: UUID) -> Select[Calendar]:
    return (
        select(Calendar)
        .where(Calendar.connection_id == connection_id)
        .order_by(Calendar.is_primary.desc(), Calendar.name, Calendar.id)
    )


async def list_calendar_syncs(session: AsyncSession, connection_id: UUID) -> Sequence[tuple[Calendar, CalendarSync]]:
    """The connection's mirrored calendars and how far each is."""
    rows = await session.execute(
        select(Calendar, CalendarSync)
        .join(
            CalendarSync,
            (CalendarSync.account_id == Calendar.account_id) & (CalendarSync.calendar_id == Calendar.id),
        )
        .where(Calendar.connection_id == connection_id)
        .order_by(Calendar.is_primary.desc(), Calendar.name, Calendar.id)
    )
    return [(calendar, sync) for calendar, sync in rows]


async def save_calendars(
    session: AsyncSession, account_id: UUID, connection_id: UUID, refs: Iterable[CalendarRef], *, now: datetime
) -> Sequence[Calendar]:
    """Insert or update the listed calendars; what a person ticked stays ticked.

    One whose zone has changed is listed whole by its next sync: its all-day events block other hours now.
    """
    listed, known = list(refs), await list_calendars(session, connection_id)
    zones = {calendar.provider_calendar_id: calendar.time_zone for calendar in known}
    await _follow_primary(session, known, listed, now=now)
    for ref in listed:
        values = {"name": ref.name, "time_zone": ref.time_zone, "role": ref.role.value}
        statement = insert(Calendar).values(
            account_id=account_id,
            id=new_id(),
            connection_id=connection_id,
            provider_calendar_id=ref.id,
            is_primary=ref.primary,
            checked=ref.primary,
            **values,
        )
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["account_id", "connection_id", "provider_calendar_id"], set_=values
            )
        )
    calendars = (await session.scalars(_calendars_of(connection_id).execution_options(populate_existing=True))).all()
    moved = [item.id for item in calendars if zones.get(item.provider_calendar_id, item.time_zone) != item.time_zone]
    await _list_whole(session, moved)
    return calendars


async def readmit_calendars(session: AsyncSession, connection_id: UUID, listed: Collection[str]) -> None:
    """A listed calendar is active again, unless it is mirrored: then only a successful sync says so."""
    mirrored = select(CalendarSync).where(
        CalendarSync.account_id == Calendar.account_id, CalendarSync.calendar_id == Calendar.id
    )
    await session.execute(
        update(Calendar)
        .where(
            Calendar.connection_id == connection_id,
            Calendar.provider_calendar_id.in_(listed),
            Calendar.inactive_reason.is_not(None),
            ~mirrored.exists(),
        )
        .values(inactive_reason=None)
    )


async def _follow_primary(
    session: AsyncSession, known: Sequence[Calendar], listed: Sequence[CalendarRef], *, now: datetime
) -> None:
    """The primary calendar may have got another id (its address was renamed), or another calendar became primary."""
    former = next((calendar for calendar in known if calendar.is_primary), None)
    primary = next((ref.id for ref in listed if ref.primary), None)
    if former is None or primary is None or former.provider_calendar_id == primary:
        return
    heir = next((calendar for calendar in known if calendar.provider_calendar_id == primary), None)
    if heir is None:
        await _change_calendar(session, former.id, provider_calendar_id=primary)
        await _list_whole(session, [former.id])
    else:
        await _change_calendar(session, former.id, is_primary=False)
        await _change_calendar(session, heir.id, is_primary=True, checked=True)
        await start_mirroring(session, heir.account_id, heir.id, now=now)
        # Who takes part is kept of a primary alone: all of it is listed again, and counts as changed.
        await _list_whole(session, [heir.id])
        await session.execute(update(MirrorEvent).where(MirrorEvent.calendar_id == heir.id).values(etag=None))


async def _list_whole(session: AsyncSession, calendar_ids: Collection[UUID]) -> None:
    """The next sync lists everything. A run under way knows the calendar as it was: it is fenced off."""
    await session.execute(
        update(CalendarSync)
        .where(CalendarSync.calendar_id.in_(calendar_ids))
        .values(
            cursor=None,
            fence=CalendarSync.fence + 1,
            lease_until=None,
            state=case((CalendarSync.state == "running", "idle"), else_=CalendarSync.state),
        )
    )


async def _change_calendar(session: AsyncSession, calendar_id: UUID, **values: object) -> None:
    await session.execute(update(Calendar).where(Calendar.id == calendar_id).values(**values))


async def start_mirroring(session: AsyncSession, account_id: UUID, calendar_id: UUID, *, now: datetime) -> None:
    """Have the calendar synced from now on; one already mirrored is asked for anew."""
    statement = insert(CalendarSync).values(
        account_id=account_id, calendar_id=calendar_id, state="idle", fence=secrets.randbelow(_FENCES)
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id", "calendar_id"],
            set_={"state": "idle", "dirty_seq": CalendarSync.dirty_seq + 1, "failures": 0},
        )
    )
    await set_due(session, account_id, calendar_id, at=now)
    await set_watch_due(session, account_id, calendar_id, at=now)


async def stop_mirroring(session: AsyncSession, account_id: UUID, calendar_id: UUID, *, now: datetime) -> None:
    """Forget the mirror, how far it is, and its next run; its watch is to be stopped."""
    await remove_due(session, calendar_id)
    await set_watch_due(session, account_id, calendar_id, at=now)
    for table in (CalendarSync, MirrorEvent, MirrorSeries, BusyMonth):
        await session.execute(delete(table).where(table.calendar_id == calendar_id))


async def set_due(
    session: AsyncSession, account_id: UUID, calendar_id: UUID, *, at: datetime, synced_at: datetime | None = None
) -> None:
    """When the sweeper shall look at the calendar again; `synced_at`: its mirror is true now."""
    values = {"due_at": at} if synced_at is None else {"due_at": at, "synced_at": synced_at}
    statement = insert(DueCalendar).values(calendar_id=calendar_id, account_id=account_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["calendar_id"], set_=values))


async def remove_due(session: AsyncSession, calendar_id: UUID) -> None:
    """The sweeper shall leave the calendar alone."""
    await session.execute(delete(DueCalendar).where(DueCalendar.calendar_id == calendar_id))


async def due_times(session: AsyncSession, calendar_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the calendars are looked at next."""
    rows = await session.execute(
        select(DueCalendar.calendar_id, DueCalendar.due_at).where(DueCalendar.calendar_id.in_(calendar_ids))
    )
    return {row.calendar_id: row.due_at for row in rows}


async def checked_calendars(
    session: AsyncSession, user_id: UUID
) -> Sequence[tuple[Calendar, CalendarSync | None, str]]:
    """The calendars checked for the user's conflicts: the primary first, then by name; each with its mirror and the
    status of its connection.
    """
    rows = await session.execute(
        select(Calendar, CalendarSync, Connection.status)
        .join(Connection, (Connection.account_id == Calendar.account_id) & (Connection.id == Calendar.connection_id))
        .outerjoin(
            CalendarSync,
            (CalendarSync.account_id == Calendar.account_id) & (CalendarSync.calendar_id == Calendar.id),
        )
        .where(Connection.user_id == user_id, Connection.disconnected_at.is_(None), Calendar.checked)
        .order_by(Calendar.is_primary.desc(), Calendar.name, Calendar.id)
    )
    return [(calendar, sync, status) for calendar, sync, status in rows]
