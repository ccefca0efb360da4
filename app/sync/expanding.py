"""Reading series with all their instances inside a run's horizon, each by itself or many together.

The one rule: every series that was asked for is in the answer, empty when it has no instances left.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from typing import Final

from app.calendar import Event
from app.sync.run import Run

_AT_ONCE: Final = 4
"""So many series are read side by side."""
_TOGETHER: Final = 20
"""So many, and one listing of the calendar is less work than each by itself: Exchange reads a whole calendar for each,
and the others count requests, of which Google allows a person 600 a minute."""
_MOST_TOGETHER: Final = 200
"""All their instances are in memory."""
_ALIVE_EVERY: Final = 50
"""So many events of a listing, and whoever reads is let go on for a moment: the listing of a large calendar is long."""

Series = dict[str, list[Event]]


async def read_series(run: Run, series: Collection[str]) -> AsyncGenerator[Series]:
    """All of them, some at a time; now and then nothing, so that the lease can be held meanwhile. Close it."""
    if len(series) < _TOGETHER:
        for some in _portions(series, _AT_ONCE):
            yield await _read_each(run, some)
        return
    for some in _portions(series, _MOST_TOGETHER):
        found: Series = {series_id: [] for series_id in some}
        read = 0
        async for event in run.session.list_instances(run.calendar.provider_calendar_id, run.horizon):
            if (instances := found.get(event.series_id or event.id)) is not None:
                instances.append(event)
            read += 1
            if read % _ALIVE_EVERY == 0:
                yield {}
        yield found


def _portions(series: Collection[str], size: int) -> Iterator[Sequence[str]]:
    """The series in their order, so many at a time."""
    waiting = sorted(series)
    return (waiting[first : first + size] for first in range(0, len(waiting), size))


async def _read_each(run: Run, some: Sequence[str]) -> Series:
    """Several series at once; the first failure ends them all."""
    try:
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(_instances(run, series_id)) for series_id in some]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return dict(zip(some, (read.result() for read in reads), strict=True))


async def _instances(run: Run, series_id: str) -> list[Event]:
    instances = run.session.list_instances(run.calendar.provider_calendar_id, run.horizon, series_id=series_id)
    return [event async for event in instances]
