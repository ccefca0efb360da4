"""What is done with a connection once it is there: it is read, read anew, disconnected.

The one rule: who asks for a connection finds their own; somebody else's is as if it did not exist. `close` is told by
whoever has found it which one it is: its person's own, or one of a leaver's.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry, lock_user
from app.connections import calendar_repository, mirroring, repository
from app.connections.grants import forget_grant
from app.connections.legacy import pass_on_purposes
from app.connections.news import tell_of_connection
from app.connections.overview import Overview
from app.errors import CalendarNotConnected, NotFound
from app.events.types import EventType
from app.models.connections import Connection
from app.queue import Enqueued, Job, enqueue


async def get_connection(session: AsyncSession, principal: Principal, connection_id: UUID) -> Connection:
    """The caller's own connection. Raises: NotFound."""
    connection = await repository.find_connection(session, connection_id)
    if connection is None or connection.user_id != principal.user:
        raise NotFound
    return connection


async def disconnect(
    session: AsyncSession, principal: Principal, connection_id: UUID, overview: Overview, *, now: datetime
) -> None:
    """Let go: pages go offline with this commit; a job revokes the tokens, then erases them (R15). Raises: NotFound."""
    connection = await get_connection(session, principal, connection_id)
    if not await close(session, connection, overview, actor=principal.actor, now=now):
        raise NotFound


async def close(
    session: AsyncSession, connection: Connection, overview: Overview, *, actor: str, now: datetime
) -> bool:
    """Mark the connection as gone and leave the rest to the job; whoever is booking its host's time is waited for.

    False when somebody else has let go of it meanwhile: then nothing is done, and nothing told.
    """
    await lock_user(session, connection.user_id)
    if await repository.lock_connection(session, connection.id) is None:
        return False
    heir = await pass_on_purposes(session, connection, overview)
    connection.disconnected_at = now
    connection.status = "error"
    connection.reason = "disconnected"
    for calendar in await calendar_repository.list_calendars(session, connection.id):
        await mirroring.stop_mirroring(session, calendar.account_id, calendar.id, now=now)
    await forget_grant(session, connection)
    add_audit_entry(session, connection.account_id, actor=actor, action="connection.deleted", subject_id=connection.id)
    told = [tell_of_connection(session, EventType.CONNECTION_DELETED, connection, now=now)]
    if heir is not None:
        told.append(tell_of_connection(session, EventType.CONNECTION_UPDATED, heir, now=now))
        told.append(Enqueued(Job.PLACE_TASKS, heir.account_id, heir.user_id))
        primaries = [item for item in await calendar_repository.list_calendars(session, heir.id) if item.is_primary]
        told += [Enqueued(Job.MATCH_CALENDAR, item.account_id, item.id) for item in primaries]
    await enqueue(session, [Enqueued(Job.CLOSE_CONNECTION, connection.account_id, connection.id), *told])
    return True


async def request_calendars(session: AsyncSession, principal: Principal, connection_id: UUID) -> Connection:
    """Have the provider asked for its calendars anew. Raises: NotFound, CalendarNotConnected."""
    connection = await get_connection(session, principal, connection_id)
    if connection.status != "active":
        raise CalendarNotConnected(detail="reauthorization_required")
    await enqueue(session, [Enqueued(Job.REFRESH_CALENDARS, connection.account_id, connection.id, once=True)])
    return connection


async def request_sync(session: AsyncSession, principal: Principal, connection_id: UUID, *, now: datetime) -> None:
    """Have every mirrored calendar looked at now. Raises: NotFound, CalendarNotConnected."""
    connection = await get_connection(session, principal, connection_id)
    if connection.status != "active":
        raise CalendarNotConnected(detail="reauthorization_required")
    mirrored = [calendar.id for calendar, _ in await calendar_repository.list_calendar_syncs(session, connection.id)]
    jobs = await mirroring.ask_for_syncs(session, connection.account_id, mirrored, now=now)
    for calendar_id in mirrored:
        await mirroring.set_due(session, connection.account_id, calendar_id, at=now)
    await enqueue(session, jobs)
