"""Whether a meeting or a task may still be written into its person's calendar (R17, R22, R55).

The one rule: it is asked as it was when the wish was made: what is not begun any more is not finished either.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import find_user
from app.accounts.service import seats_of
from app.connections.overview import Overview
from app.crm import repository, task_repository
from app.crm.invitations import Circumstances, NotSent, why_not
from app.crm.placement import placement_of
from app.models.calendar_writes import CalendarWrite
from app.models.connections import Connection


class CrmPermits:
    """Asks again for meetings and tasks; a booking is agreed with its visitor, and is written in any case."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    async def why_not(self, session: AsyncSession, write: CalendarWrite, connection: Connection) -> str | None:
        """Why it is not written any more, a code; None: it is."""
        if write.task_id is not None:
            task = await task_repository.find_task(session, write.task_id)
            return None if task is None else (await placement_of(session, self._overview, task.owner_id)).reason
        if write.engagement_id is not None:
            return await self._why_no_meeting(session, connection)
        return None

    async def _why_no_meeting(self, session: AsyncSession, connection: Connection) -> NotSent | None:
        user = await find_user(session, connection.user_id)
        settings = await repository.settings_of(session, connection.user_id)
        return why_not(
            Circumstances(
                integration=False,
                connected=user is not None and user.active,  # a leaver's connection is about to be closed
                states=self._overview.of(connection, () if user is None else seats_of(user)),
                calendar_sync=settings is not None and settings.calendar_sync,
                over=False,
            )
        )
