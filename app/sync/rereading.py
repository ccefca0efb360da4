"""Reading changed events anew at their provider, as they are now.

The one rule: a failure is reported with its event, and ends the reading of no other. Many dates of one series are one
request, however many they are.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.calendar import Event, Timed
from app.providers.base import CalendarSession, ProviderError

_AT_ONCE: Final = 4
_TOGETHER: Final = 4
"""So many dates of a series, and it is listed."""
_BEHIND: Final = timedelta(days=60)
_AHEAD: Final = timedelta(days=900)
"""More than the mirror ever holds."""

Progress = tuple[int, int]
"""Of a write: its fence, which whoever begins to write raises, and which wish was written last."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A change as it was picked, and the event as it was read."""

    event_id: str
    seq: int
    series_id: str | None = None
    event: Event | None = None
    """None: it is gone, or could not be read."""
    elsewhere: bool = False
    """It is gone from this calendar, and stands in another of its person."""
    written: Mapping[UUID, Progress] = field(default_factory=dict)
    """How far our own writes of this event had come, before it was read."""
    error: ProviderError | None = None

    def is_before(self, write_id: UUID, now: Progress) -> bool:
        """Whether we may have written the event since: then it may have been read as it was.

        A write that had been begun before ends with the fence it had; that it has ended shows in its sequence.
        """
        return self.written.get(write_id, now) != now

    def knew(self, write_id: UUID) -> bool:
        """Whether the write was there before the event was read."""
        return write_id in self.written


async def read_all(session: CalendarSession, calendar_id: str, picked: Sequence[Seen], *, now: datetime) -> list[Seen]:
    """Every picked event, in their order."""
    turns = asyncio.Semaphore(_AT_ONCE)
    counted = Counter(seen.series_id for seen in picked if seen.series_id is not None)
    together = {series_id for series_id, count in counted.items() if count >= _TOGETHER}
    alone = [seen for seen in picked if seen.series_id not in together]

    async def one(seen: Seen) -> list[Seen]:
        async with turns:
            return [await _read_one(session, calendar_id, seen)]

    async def whole(series_id: str) -> list[Seen]:
        async with turns:
            dates = [seen for seen in picked if seen.series_id == series_id]
            return await _read_series(session, calendar_id, series_id, dates, now=now)

    read = await asyncio.gather(*map(one, alone), *map(whole, sorted(together)))
    found = {seen.event_id: seen for some in read for seen in some}
    return [found[seen.event_id] for seen in picked]


async def _read_one(session: CalendarSession, calendar_id: str, seen: Seen) -> Seen:
    try:
        event = await session.get_event(calendar_id, seen.event_id)
    except ProviderError as error:
        return replace(seen, error=error)
    return replace(seen, event=None if event is None or event.cancelled else event)


async def _read_series(
    session: CalendarSession, calendar_id: str, series_id: str, dates: Sequence[Seen], *, now: datetime
) -> list[Seen]:
    """All dates by one listing. It has no descriptions: one date is read whole, and tells that of its likes.

    A date of another version than most may have a text of its own, and is read by itself.
    """
    window = Timed(now - _BEHIND, now + _AHEAD)
    try:
        listed = {
            event.id: event
            async for event in session.list_instances(calendar_id, window, series_id=series_id)
            if not event.cancelled
        }
    except ProviderError as error:
        return [replace(seen, error=error) for seen in dates]
    standing = [listed[seen.event_id] for seen in dates if seen.event_id in listed]
    usual = Counter((event.updated_at, event.etag) for event in standing).most_common(1)
    likes = {event.id for event in standing if usual and (event.updated_at, event.etag) == usual[0][0]}
    example = next((seen for seen in dates if seen.event_id in likes), None)
    whole = None if example is None else await _read_one(session, calendar_id, example)
    if whole is not None and whole.error is not None:
        return [replace(seen, error=whole.error) for seen in dates]
    text = None if whole is None or whole.event is None else whole.event.description
    return [
        replace(seen, event=_described(listed.get(seen.event_id), text))
        if seen.event_id in likes or seen.event_id not in listed
        else await _read_one(session, calendar_id, seen)
        for seen in dates
    ]


def _described(event: Event | None, text: str | None) -> Event | None:
    return event if event is None or event.description is not None else replace(event, description=text)
