"""A person's row of calendar settings: made when it is first needed, locked while it is changed.

The one rule: there is exactly one per user, and its version rises with every Save.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.scheduling import CalendarSettings


async def get_settings(session: AsyncSession, account_id: UUID, user_id: UUID) -> CalendarSettings:
    """The person's settings, the defaults of R17 when nothing was saved yet."""
    found = await session.scalar(select(CalendarSettings).where(CalendarSettings.user_id == user_id))
    return found if found is not None else await settings_for_update(session, account_id, user_id)


async def settings_for_update(session: AsyncSession, account_id: UUID, user_id: UUID) -> CalendarSettings:
    """The person's settings, locked until the transaction ends."""
    await session.execute(
        insert(CalendarSettings).values(account_id=account_id, user_id=user_id).on_conflict_do_nothing()
    )
    return (
        await session.scalars(
            select(CalendarSettings)
            .where(CalendarSettings.user_id == user_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one()


def begin_sync(settings: CalendarSettings, *, possible: bool) -> None:
    """Calendar sync is on once a calendar is connected whose provider can do it, and off, with the tasks, where it
    cannot, whatever the calendar before could (R17).
    """
    settings.calendar_sync = possible
    settings.task_sync = settings.task_sync and possible
