"""Whether, and where, a person's tasks stand in a calendar (R22).

The one rule: every "no" has a reason, and it is worked out anew each time: a seat that was lost a moment ago counts
as lost.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import find_user
from app.accounts.service import seats_of
from app.connections.capabilities import Capability
from app.connections.overview import Overview
from app.connections.repository import find_connection_for
from app.crm import task_repository
from app.crm.repository import settings_of
from app.models.connections import Calendar, Connection


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a person's tasks go."""

    connection: Connection | None
    calendar: Calendar | None
    """None: it is still to be made."""
    reason: str | None
    """Why they go nowhere, a code."""
    error: str | None = None
    """Why the calendar could not be made, or cannot be read any more."""


async def placement_of(session: AsyncSession, overview: Overview, user_id: UUID) -> Placement:
    """R22: the sync and the task sync are on, the seat is assigned, the provider and the grant allow it."""
    connection = await find_connection_for(session, user_id, "calendar")
    user = await find_user(session, user_id)
    settings = await settings_of(session, user_id)
    made = None if connection is None else await task_repository.find_task_calendar(session, connection.id)
    calendar, error = (None, None) if made is None else (made[1], made[0].last_error)
    if calendar is not None and calendar.inactive_reason is not None:
        error = calendar.inactive_reason
    if user is None or not user.active:
        return Placement(connection, calendar, "user_left")
    states = overview.of(connection, seats_of(user))
    missing = next(state.reason for state in states if state.capability is Capability.TASK_SYNC)
    if missing is not None:
        return Placement(connection, calendar, missing.value)
    if settings is None or not settings.calendar_sync:
        return Placement(connection, calendar, "calendar_sync_off")
    return Placement(connection, calendar, None if settings.task_sync else "task_sync_off", error)
