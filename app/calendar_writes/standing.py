"""What of our events the mirror knows to stand in a calendar.

The one rule: an event that its person has made a series is ours for one date; the others are theirs.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar_writes.placing import ClaimedWrite
from app.models.calendar_writes import CalendarWrite
from app.models.mirror import MirrorEvent

_NEAR: Final = timedelta(days=1)


async def dates_of_series(session: AsyncSession, write: CalendarWrite) -> Collection[str] | None:
    """The date that we wrote, also where it was dragged within its day; None: it is no series, as far as is known."""
    if write.event_id is None:
        return None
    rows = await session.execute(
        select(MirrorEvent.event_id, MirrorEvent.starts_at).where(
            MirrorEvent.calendar_id == write.calendar_id, MirrorEvent.series_id == write.event_id
        )
    )
    dates = rows.all()
    if not dates:
        return None
    was = write.written_start
    off = [(abs(row.starts_at - was), row.event_id) for row in dates if was is not None and row.starts_at is not None]
    return [event_id for far, event_id in sorted(off)[:1] if far < _NEAR]


async def removed_by(session: AsyncSession, claimed: ClaimedWrite) -> set[str]:
    """What a removal took away. A person's own copy of the event stands, and blocks its time."""
    if claimed.dates is not None:
        return set(claimed.dates)
    if claimed.write.event_id is not None:
        return {claimed.write.event_id, *claimed.write.extra_event_ids}
    ours = select(MirrorEvent.event_id).where(
        MirrorEvent.calendar_id == claimed.calendar.id, MirrorEvent.key == claimed.write.key
    )
    return set((await session.scalars(ours)).all())
