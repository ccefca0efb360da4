"""Reading series with all their instances inside a run's horizon, each by itself or many together.

The one rule: every series that was asked for is in the answer, empty when it has no instances left.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.calendar import Event
from app.sync.run import Run

AT_ONCE: Final = 4
"""So many series are read side by side."""
TOGETHER: Final = 20
"""So many that no page named, and one listing of the calendar is less work than each by itself."""
MOST_TOGETHER: Final = 200
"""All their instances are in memory."""


def portions(series: Iterable[str], size: int) -> Iterator[Sequence[str]]:
    """The series in their order, so many at a time."""
    waiting = sorted(series)
    return (waiting[first : first + size] for first in range(0, len(waiting), size))


async def read_each(run: Run, some: Sequence[str]) -> dict[str, list[Event]]:
    """Several series at once; the first failure ends them all."""
    try:
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(_instances(run, series_id)) for series_id in some]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return dict(zip(some, (read.result() for read in reads), strict=True))


async def read_together(run: Run, some: Sequence[str]) -> dict[str, list[Event]]:
    """Many series by one listing: Exchange reads a whole calendar for each, and the others count requests."""
    found: dict[str, list[Event]] = {series_id: [] for series_id in some}
    async for event in run.session.list_instances(run.calendar.provider_calendar_id, run.horizon):
        if (instances := found.get(event.series_id or event.id)) is not None:
            instances.append(event)
    return found


async def _instances(run: Run, series_id: str) -> list[Event]:
    instances = run.session.list_instances(run.calendar.provider_calendar_id, run.horizon, series_id=series_id)
    return [event async for event in instances]
