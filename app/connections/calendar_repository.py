"""SQL of connections' calendars. Each function is one named query or command.

The one rule: what a person ticked stays ticked, whatever the provider lists.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar import CalendarRef
from app.connections.mirroring import list_whole, start_mirroring
from app.ids import new_id
from app.models.connections import ON_CONNECTION, Calendar, CalendarSync, Connection
from app.models.mirror import MirrorEvent


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
            .join(Connection, ON_CONNECTION)
            .where(condition, Connection.disconnected_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


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


async def checked_calendars(
    session: AsyncSession, user_id: UUID
) -> Sequence[tuple[Calendar, CalendarSync | None, str]]:
    """The calendars checked for the user's conflicts: the primary first, then by name; each with its mirror and the
    status of its connection.
    """
    rows = await session.execute(
        select(Calendar, CalendarSync, Connection.status)
        .join(Connection, ON_CONNECTION)
        .outerjoin(
            CalendarSync,
            (CalendarSync.account_id == Calendar.account_id) & (CalendarSync.calendar_id == Calendar.id),
        )
        .where(Connection.user_id == user_id, Connection.disconnected_at.is_(None), Calendar.checked)
        .order_by(Calendar.is_primary.desc(), Calendar.name, Calendar.id)
    )
    return [(calendar, sync, status) for calendar, sync, status in rows]


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
    await list_whole(session, moved)
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
        await list_whole(session, [former.id])
    else:
        await _change_calendar(session, former.id, is_primary=False)
        await _change_calendar(session, heir.id, is_primary=True, checked=True)
        await start_mirroring(session, heir.account_id, heir.id, now=now)
        # Who takes part is kept of a primary alone: all of it is listed again, and counts as changed.
        await list_whole(session, [heir.id])
        await session.execute(update(MirrorEvent).where(MirrorEvent.calendar_id == heir.id).values(etag=None))


async def _change_calendar(session: AsyncSession, calendar_id: UUID, **values: object) -> None:
    await session.execute(update(Calendar).where(Calendar.id == calendar_id).values(**values))
