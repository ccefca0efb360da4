"""Taking what is due: rows that say when something wants doing, of whatever kind and account.

The one rule: nobody waits for a row that somebody else holds, and what was taken comes up again should nobody do it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.directory import Due

DueT = TypeVar("DueT", bound=Due)


async def take_due_rows(
    session: AsyncSession, table: type[DueT], *, now: datetime, again: timedelta, limit: int
) -> Sequence[DueT]:
    """The rows that are due longest; they come up again after `again`. Works in no account."""
    [key] = inspect(table).primary_key
    due = select(key).where(table.due_at <= now).order_by(table.due_at).limit(limit).with_for_update(skip_locked=True)
    rows = await session.scalars(
        update(table)
        .where(key.in_(due.scalar_subquery()))
        .values(due_at=now + again)
        .returning(table)
        .execution_options(synchronize_session=False)
    )
    return rows.all()
