"""The verbs of a session that read.

The one rule: an id is only used inside its calendar, and what stands in a calendar is what the calendar lists.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from app.calendar import BusyTimes, CalendarRef, Event, Timed
from app.providers.base import (
    CalendarGone,
    EventNotFound,
    InvalidRequest,
    PermissionDenied,
    ProviderError,
    Unsupported,
    readable,
)
from app.providers.graph import busy_times, marks
from app.providers.graph.cursor import window_query
from app.providers.graph.graph import Graph, calendar_path, event_path
from app.providers.graph.mapping import calendar_of, event_of, series_of
from app.providers.graph.wire import (
    BUSY_FIELDS,
    CALENDAR_FIELDS,
    EVENT_FIELDS,
    LISTED_FIELDS,
    WireCalendar,
    WireEvent,
    decode_calendars,
    decode_event,
    decode_events,
    decode_schedules,
    decode_settings,
)
from app.providers.rest import Call, together
from app.providers.zones import iana_name

EVENTS_PER_PAGE = "500"
_CALENDARS_PER_PAGE = "100"
_VIEW_DAYS_MAX = 1800
"""A calendar view spans at most 1825 days."""
_DAY = timedelta(days=1)
"""What a day of some zone may begin or end off UTC's."""


class Reading:
    """One connection's calendars, read."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._zone: str | None = None

    async def list_calendars(self) -> Sequence[CalendarRef]:
        """The person's own calendars and those shared with the person; the primary first."""
        zone = await self._home_zone()
        calendars = [calendar_of(entry, zone) async for entry in self._calendars("office365.calendars")]
        return sorted(calendars, key=lambda calendar: not calendar.primary)

    async def free_busy(self, calendar_ids: Sequence[str], window: Timed) -> Mapping[str, BusyTimes]:
        """Busy spans from the events of the calendars; of addresses (other people) from their schedules."""
        distinct = list(dict.fromkeys(calendar_ids))
        addresses = [target for target in distinct if "@" in target]
        questions = [self._asked(question) for question in busy_times.questions(addresses, window)]
        listings = [self._listed(target, window) for target in distinct if "@" not in target]
        return busy_times.joined(await together([*questions, *listings]))

    async def list_instances(
        self, calendar_id: str, window: Timed, *, series_id: str | None = None
    ) -> AsyncIterator[Event]:
        """Instances of one series, or everything in the window; each id once, also when pages overlap."""
        seen: set[str] = set()
        async for event in self._instances(calendar_id, window, series_id):
            if not event.cancelled and event.id not in seen:
                seen.add(event.id)
                yield event

    async def get_event(self, calendar_id: str, event_id: str) -> Event | None:
        """The event as it is now, with its description; a series answers with its first date."""
        query = {"$select": EVENT_FIELDS, "$expand": marks.expanded(marks.KEY_PROPERTY)}
        call = self._graph.read("office365.get_event", event_path(calendar_id, event_id), query)
        try:
            row = await self._graph.fetch(call, decode_event)
        except EventNotFound:
            return None
        return readable(event_of(row), gone=bool(row.is_cancelled), operation=call.operation)

    async def _stands(self, operation: str, calendar_id: str, event_id: str) -> bool:
        """Whether an event is in the calendar; one that the calendar cannot be searched for is, while its id finds it.

        An immutable id goes with its item wherever that is moved, and a deleted one is moved to the bin.
        https://learn.microsoft.com/graph/outlook-immutable-id
        """
        row = await self._found(operation, calendar_id, event_id)
        if row is None:
            return False
        span = _searched(row)
        return span is None or await self._listed_as(operation, calendar_id, row.id, span) is not None

    async def _standing_in(self, operation: str, calendar_id: str, event_id: str, window: Timed) -> WireEvent | None:
        """A single event as the calendar lists it in the window; None where it does not, or will not."""
        try:
            row = await self._found(operation, calendar_id, event_id)
            span = None if row is None else _searched(row)
            if span is None or span.end <= window.start or span.start >= window.end:
                return None
            within = Timed(max(span.start, window.start), min(span.end, window.end))
            return await self._listed_as(operation, calendar_id, event_id, within)
        except (PermissionDenied, InvalidRequest):
            return None

    async def _found(self, operation: str, calendar_id: str, event_id: str) -> WireEvent | None:
        """What the id finds; None for what is cancelled, too."""
        call = self._graph.read(operation, event_path(calendar_id, event_id), {"$select": LISTED_FIELDS})
        try:
            row = await self._graph.fetch(call, decode_event)
        except EventNotFound:
            return None
        return None if row.is_cancelled else row

    async def _listed_as(self, operation: str, calendar_id: str, event_id: str, window: Timed) -> WireEvent | None:
        async for row in self._view_rows(operation, calendar_id, window, LISTED_FIELDS):
            if row.id == event_id:
                return row
        return None

    async def _home_zone(self) -> str:
        """The mailbox's zone: calendars have none of their own. UTC where nobody lets us see it."""
        if self._zone is None:
            call = self._graph.read("office365.mailbox_settings", "/me/mailboxSettings")
            try:
                settings = await self._graph.fetch(call, decode_settings)
                self._zone = next(filter(None, map(iana_name, settings.zones)), "UTC")
            except (PermissionDenied, EventNotFound, InvalidRequest, Unsupported):
                self._zone = "UTC"
        return self._zone

    async def _calendars(self, operation: str, **more: str) -> AsyncIterator[WireCalendar]:
        query = {"$top": _CALENDARS_PER_PAGE, "$select": CALENDAR_FIELDS, **more}
        async for page in self._graph.pages(self._graph.read(operation, "/me/calendars", query), decode_calendars):
            for entry in page.value:
                yield entry

    async def _asked(self, question: busy_times.Question) -> Mapping[str, BusyTimes]:
        """Other people's schedules; where there are none (a personal account) they are unknown."""
        path = "/me/calendar/getSchedule"
        call = replace(self._graph.write("office365.free_busy", "POST", path, question.body()), write=False)
        try:
            return question.read(await self._graph.fetch(call, decode_schedules))
        except (PermissionDenied, EventNotFound, InvalidRequest, Unsupported) as refusal:
            return question.refused(_reason(refusal))

    async def _listed(self, calendar_id: str, window: Timed) -> Mapping[str, BusyTimes]:
        """Free/busy from the events; a calendar that may not be read is unknown, a failed request raises."""
        events: dict[str, Event] = {}
        try:
            async for row in self._view_rows("office365.free_busy", calendar_id, window, BUSY_FIELDS):
                event = event_of(row)
                if event is None:
                    return {calendar_id: BusyTimes(unknown="unreadable")}
                events[event.id] = event
        except (PermissionDenied, CalendarGone) as refusal:
            return {calendar_id: BusyTimes(unknown=_reason(refusal), refused=True)}
        zone = await self._home_zone() if busy_times.needs_zone(events.values()) else "UTC"
        return {calendar_id: busy_times.from_events(events.values(), window, zone)}

    async def _instances(self, calendar_id: str, window: Timed, series_id: str | None) -> AsyncIterator[Event]:
        operation = "office365.list_instances"
        if series_id is not None:
            query = {**window_query(window.start, window.end), "$top": EVENTS_PER_PAGE, "$select": LISTED_FIELDS}
            call = self._graph.read(operation, f"{event_path(calendar_id, series_id)}/instances", query)
            try:
                async for row in self._rows(call):
                    if (event := event_of(row)) is not None:
                        yield event
            except (EventNotFound, InvalidRequest):
                # Not (or no longer) a series we can see. One turned into a single event keeps its id, and a guest may
                # have dates of somebody's series without their master: look for both.
                pass
            else:
                return
        async for row in self._view_rows(operation, calendar_id, window, LISTED_FIELDS):
            asked = series_id is None or series_id in (row.series_master_id, row.id)
            if asked and (event := event_of(row)) is not None:
                yield event

    async def _view_rows(
        self, operation: str, calendar_id: str, window: Timed, fields: str
    ) -> AsyncIterator[WireEvent]:
        path = f"{calendar_path(calendar_id)}/calendarView"
        for part in busy_times.parts(window, _VIEW_DAYS_MAX):
            query = {**window_query(part.start, part.end), "$top": EVENTS_PER_PAGE, "$select": fields}
            call = self._graph.read(operation, path, query, not_found=CalendarGone, gone=CalendarGone)
            async for row in self._rows(call):
                yield row

    async def _rows(self, call: Call) -> AsyncIterator[WireEvent]:
        async for page in self._graph.pages(call, decode_events):
            for row in page.value:
                yield row


def _searched(row: WireEvent) -> Timed | None:
    """Where a listing has the event; None for a series, which is not listed, and for what has no time."""
    event = event_of(row)
    if event is None or series_of(row) == row.id:
        return None
    try:
        return Timed(_instant(event.when.start) - _DAY, _instant(event.when.end) + _DAY)
    except OverflowError:  # the edges of the calendar
        return None


def _instant(bound: datetime | date) -> datetime:
    return bound if isinstance(bound, datetime) else datetime.combine(bound, time(), UTC)


def _reason(refusal: ProviderError) -> str:
    return refusal.provider_code or refusal.code
