"""The least that whoever follows a calendar has to do; what it ends up with must be the calendar.

The one rule: it believes the provider's contract to the letter and knows nothing else.
"""

from app.calendar import AllDay, Event, Removed, SeriesTouched, Timed, Unreadable, Upsert, When
from app.providers.base import CalendarSession, CursorExpired

_PAGES_MAX = 2000


class Follower:
    """Keeps a copy of one calendar up to date."""

    def __init__(self, session: CalendarSession, calendar_id: str, window: Timed) -> None:
        self.events: dict[str, Event] = {}
        self.cursor: bytes | None = None
        self.full_listings = 0
        self.pages = 0
        self._session = session
        self._calendar_id = calendar_id
        self._window = window

    async def catch_up(self) -> set[str]:
        """Learn what changed; the ids of single events and series that were named."""
        try:
            return await self._run()
        except CursorExpired:
            self.cursor = None
            return await self._run()

    async def _run(self) -> set[str]:
        events = {} if self.cursor is None else dict(self.events)
        touched: set[str] = set()
        named: set[str] = set()
        page: bytes | None = None
        while True:
            answer = await self._session.sync_page(
                self._calendar_id, cursor=self.cursor, page=page, since=self._window.start
            )
            self.pages += 1
            assert self.pages < _PAGES_MAX, "a listing without end"
            assert answer.full is (self.cursor is None)
            assert (answer.next_page is None) is (answer.cursor is not None), "the cursor comes with the last page only"
            for change in answer.changes:
                match change:
                    case Upsert(event):
                        named.add(event.id)
                        _forget(events, event.id)
                        touched.discard(event.id)
                        events[event.id] = event
                    case Removed(gone):
                        named.add(gone)
                        _forget(events, gone)
                        touched.discard(gone)
                    case SeriesTouched(series):
                        named.add(series)
                        touched.add(series)
                    case Unreadable(kept) if kept in self.events:
                        events.setdefault(kept, self.events[kept])
            if answer.next_page is None:
                break
            page = answer.next_page
        for series in touched:
            _forget(events, series)
            async for event in self._session.list_instances(self._calendar_id, self._window, series_id=series):
                assert event.id not in events, "an instance is told once"
                events[event.id] = event
        self.full_listings += self.cursor is None
        self.events, self.cursor = events, answer.cursor
        return named

    def times(self) -> dict[str, tuple[When, str]]:
        """What stands in the window: when, and how busy."""
        return {
            event.id: (event.when, event.busy.value)
            for event in self.events.values()
            if not event.cancelled and _touches(event.when, self._window)
        }


async def times_of(session: CalendarSession, calendar_id: str, window: Timed) -> dict[str, tuple[When, str]]:
    """The same, as the provider expands the calendar itself."""
    found = {event.id: event async for event in session.list_instances(calendar_id, window)}
    return {event.id: (event.when, event.busy.value) for event in found.values() if _touches(event.when, window)}


def _forget(events: dict[str, Event], event_id: str) -> None:
    for known in [event.id for event in events.values() if event_id in (event.id, event.series_id)]:
        del events[known]


def _touches(when: When, window: Timed) -> bool:
    """All-day events at the very edge are left out: whether they touch is a matter of the calendar's zone."""
    if isinstance(when, AllDay):
        return when.start < window.end.date() and when.end > window.start.date()
    return when.start < window.end and when.end > window.start
