"""A connection that stops working, and one that heals (R16).

The one rule: breaking and healing are each recorded and told once: in the row, in the audit log, to the CRM, to the
person.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import add_audit_entry, find_user
from app.connections import calendar_repository, mirroring, repository
from app.connections.channels import expire_channels
from app.connections.news import tell_of_connection
from app.events.types import EventType
from app.models.connections import Connection
from app.outbound.post import post_connection_broken
from app.queue import enqueue


async def mark_broken(session: AsyncSession, seen: Connection, *, reason: str, now: datetime) -> bool:
    """Only the person can heal it from here on: `reauthorization_required`, with the reason.

    `seen` is the connection as it was when the work that failed began. False: it was healed since, and works.
    """
    connection = await repository.lock_connection(session, seen.id)
    if connection is None or connection.status == "reauthorization_required":
        return True
    if connection.updated_at != seen.updated_at:
        return False
    connection.status = "reauthorization_required"
    connection.reason = reason
    connection.updated_at = now
    mirrored = await calendar_repository.list_calendar_syncs(session, connection.id)
    await mirroring.lock_syncs(session, [calendar.id for calendar, _ in mirrored])
    for _, sync in mirrored:
        await mirroring.pause(session, sync)
    await expire_channels(session, connection.id, now=now)
    add_audit_entry(
        session,
        connection.account_id,
        actor="worker",
        action="connection.reauthorization_required",
        subject_id=connection.id,
        reason=reason,
    )
    told = tell_of_connection(session, EventType.CONNECTION_REAUTHORIZATION_REQUIRED, connection, now=now)
    await enqueue(session, [told])
    user = await find_user(session, connection.user_id)
    if user is not None and user.active:
        await post_connection_broken(session, user, connection)
    return True
