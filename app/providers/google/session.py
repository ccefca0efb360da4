"""One connection's Google calendars: the verbs of `CalendarSession` over Google's REST API.

The one rule: whatever is asked for with a listing is the same in every call of that listing, and every write names
the event's id itself, so that asking again can never do twice what was done once.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from app.calendar import (
    AccessRole,
    BusyTimes,
    CalendarRef,
    Event,
    EventDraft,
    Notify,
    Response,
    SyncPage,
    Timed,
)
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    CursorExpired,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    PermissionDenied,
    ProtocolError,
    readable,
)
from app.providers.google import busy_times, drafts
from app.providers.google.cursor import Position
from app.providers.google.mapping import (
    KEY_PROPERTY,
    RESPONSE_STATUS,
    calendar_of,
    changes_of,
    event_of,
    is_cancelled,
    key_of,
    known_zone,
)
from app.providers.google.refusals import Duplicate, NoConference, NoZone, ScopeMissing
from app.providers.google.wire import (
    CALENDAR_FIELDS,
    CALENDARS_FIELDS,
    EVENT_FIELDS,
    EVENTS_FIELDS,
    STANDING_FIELDS,
    CalendarsPage,
    EventsPage,
    Standing,
    WireCalendar,
    WireEvent,
    decode_calendar,
    decode_calendars,
    decode_event,
    decode_events,
    decode_free_busy,
    decode_standing,
)
from app.providers.rest import Call, RestSession, together

_EVENTS_PER_PAGE = "1000"
"""Google would tell 2,500, but of such with two hundred guests each no more than these fit into an answer of ours."""
_CALENDARS_PER_PAGE = "250"
_FOUND_PER_PAGE = "50"
_CONFLICTS_MAX = 3
_ATTEMPTS_MAX = 10
"""How often an event that people delete, and nobody may bring back, is made anew under its key."""

T = TypeVar("T")


class GoogleSession:
    """See `app.providers.base.CalendarSession`."""

    def __init__(self, rest: RestSession, api_url: str) -> None:
        self._rest = rest
        self._api_url = api_url.rstrip("/")
        self._may_ask_free_busy = True

    async def list_calendars(self) -> Sequence[CalendarRef]:
        """Every calendar on the person's list, hidden ones too; the primary first."""
        calendars = [calendar_of(entry) async for entry in self._calendar_list()]
        return sorted(calendars, key=lambda calendar: not calendar.primary)

    async def create_calendar(self, name: str, *, time_zone: str, key: str) -> CalendarRef:
        """Look for the mark of the key on the person's list, and insert what is not there.

        Google makes a calendar as often as it is asked to. One the person took off the list counts as deleted; so does
        one whose description was written anew.
        """
        mark = drafts.calendar_mark(key)
        async for entry in self._calendar_list():
            calendar = calendar_of(entry)
            if calendar.role is AccessRole.OWNER and mark in (entry.description or ""):
                return calendar
        body = drafts.new_calendar(name, time_zone, key)
        url, query = f"{self._api_url}/calendars", {"fields": CALENDAR_FIELDS}
        call = Call("google.create_calendar", "POST", url, query, body=body, write=True)
        made = calendar_of(await self._send(call, decode_calendar))
        return replace(made, role=AccessRole.OWNER)  # the calendar itself says nothing of roles

    async def free_busy(self, calendar_ids: Sequence[str], window: Timed) -> Mapping[str, BusyTimes]:
        """Busy spans by freeBusy.query or, when that scope was not granted, from the events themselves."""
        if self._may_ask_free_busy:
            try:
                answers = await together([self._asked(part) for part in busy_times.questions(calendar_ids, window)])
                return busy_times.joined(calendar_ids, answers)
            except ScopeMissing:
                self._may_ask_free_busy = False
        distinct = list(dict.fromkeys(calendar_ids))
        listed = await together([self._listed(calendar_id, window) for calendar_id in distinct])
        return dict(zip(distinct, listed, strict=True))

    async def list_instances(
        self, calendar_id: str, window: Timed, *, series_id: str | None = None
    ) -> AsyncIterator[Event]:
        """Instances of one series, or everything in the window; each id once, also when pages overlap."""
        seen: set[str] = set()
        async for row, zone in self._instance_rows(calendar_id, window, series_id):
            event = None if is_cancelled(row) or row.id in seen else event_of(row, zone=zone)
            if event is not None:
                seen.add(event.id)
                yield event

    async def get_event(self, calendar_id: str, event_id: str) -> Event | None:
        """The event as it is now, with its description; a series answers with its first date."""
        row = await self._row(calendar_id, event_id)
        return None if row is None else readable(event_of(row), gone=is_cancelled(row), operation="google.get_event")

    async def sync_page(
        self, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime
    ) -> SyncPage:
        """One page of the unexpanded listing: singles as they are, series only by name.

        `singleEvents=true` would resend a touched series to the year 2099, and a deleted one only in part.
        """
        here = Position.read(calendar_id, cursor=cursor, page=page, since=since)
        call = self._listing(calendar_id, "google.sync_page", {"singleEvents": "false", **here.query()})
        answer = await self._rest.fetch(call, decode_events)
        changes, zone = changes_of(answer.items, zone=answer.time_zone), known_zone(answer.time_zone)
        if answer.next_page_token:
            following = _next(here.page_token, answer.next_page_token, call)
            return SyncPage(changes, next_page=here.page(following), full=cursor is None, time_zone=zone)
        if not answer.next_sync_token:
            raise ProtocolError("a last page without a sync token", operation=call.operation)
        reached = here.cursor(answer.next_sync_token)
        return SyncPage(changes, cursor=reached, full=cursor is None, time_zone=zone)

    async def create_event(self, calendar_id: str, draft: EventDraft, *, key: str, notify: Notify) -> Event:
        """Insert under the id of the key; when that is taken, answer or revive what is there, or take the next id."""
        url = self._events_url(calendar_id)
        for attempt in range(_ATTEMPTS_MAX):
            body = drafts.new_event(draft, key, attempt)
            call = Call("google.create_event", "POST", url, body=body, not_found=CalendarGone)
            try:
                return await self._write(call, notify)
            except Duplicate:
                standing = await self._taken(calendar_id, draft, key, attempt, notify)
            if standing is not None:
                return standing
        raise InvalidRequest("deleted too often", operation="google.create_event", provider_code="duplicate")

    async def find_by_key(self, calendar_id: str, key: str, *, around: Timed) -> Event | None:  # noqa: ARG002 - Google needs no window
        """The event at the key's id; failing that, one that carries the key as its mark."""
        event = await self.get_event(calendar_id, drafts.event_id(key))
        if event is not None and not event.cancelled:
            return event if event.key == key else None
        call = self._listing(
            calendar_id,
            "google.find_by_key",
            {
                "privateExtendedProperty": f"{KEY_PROPERTY}={key}",
                "showDeleted": "false",
                "singleEvents": "false",
                "maxResults": _FOUND_PER_PAGE,
            },
            gone=CalendarGone,
        )
        async for page in self._pages(call):
            for row in page.items:
                found = None if is_cancelled(row) else event_of(row, zone=page.time_zone)
                if found is not None and found.key == key:
                    return found
        return None

    async def update_event(
        self,
        calendar_id: str,
        event_id: str,
        draft: EventDraft,
        *,
        key: str,
        if_match: str | None,
        notify: Notify,
    ) -> Event:
        """Read, merge the guests, write on condition that nothing moved; without `if_match` a race is run again."""
        url = self._event_url(calendar_id, event_id)
        for attempt in range(_CONFLICTS_MAX):
            standing = await self._standing(url, "google.update_event")
            if if_match is not None and standing.etag != if_match:
                raise EditConflict(operation="google.update_event")
            body = drafts.changed_event(draft, key, standing)
            call = Call("google.update_event", "PATCH", url, body=body, headers=_if_match(standing))
            try:
                return await self._write(call, notify)
            except EditConflict:
                if if_match is not None or attempt == _CONFLICTS_MAX - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def cancel_event(self, calendar_id: str, event_id: str, *, notify: Notify) -> None:
        """Delete; an event already gone (404, 410) is done."""
        query = {"sendUpdates": drafts.send_updates(notify)}
        url = self._event_url(calendar_id, event_id)
        try:
            await self._rest.send(Call("google.cancel_event", "DELETE", url, query, write=True))
        except EventNotFound:
            return

    async def respond(self, calendar_id: str, event_id: str, response: Response) -> None:
        """Change the person's own entry among the attendees. Raises: InvalidRequest when there is none."""
        url = self._event_url(calendar_id, event_id)
        for attempt in range(_CONFLICTS_MAX):
            standing = await self._standing(url, "google.respond")
            body = drafts.answered(standing, RESPONSE_STATUS[response])
            if body is None:
                raise InvalidRequest("not invited", operation="google.respond", provider_code="not_an_attendee")
            call = Call("google.respond", "PATCH", url, body=body, headers=_if_match(standing))
            try:
                await self._write(call, Notify.EVERYBODY)
            except EditConflict:
                if attempt == _CONFLICTS_MAX - 1:
                    raise
            else:
                return

    async def _calendar_list(self) -> AsyncIterator[WireCalendar]:
        call = Call(
            "google.calendar_list",
            "GET",
            f"{self._api_url}/users/me/calendarList",
            {"maxResults": _CALENDARS_PER_PAGE, "showHidden": "true", "fields": CALENDARS_FIELDS},
        )
        token: str | None = None
        while True:
            page: CalendarsPage = await self._rest.fetch(
                call if token is None else call.asking(pageToken=token), decode_calendars
            )
            for entry in page.items:
                if not entry.deleted:
                    yield entry
            if not page.next_page_token:
                return
            token = _next(token, page.next_page_token, call)

    async def _asked(self, part: busy_times.Question) -> Mapping[str, BusyTimes]:
        call = Call("google.free_busy", "POST", f"{self._api_url}/freeBusy", body=part.body())
        return part.read(await self._rest.fetch(call, decode_free_busy))

    async def _listed(self, calendar_id: str, window: Timed) -> BusyTimes:
        """Free/busy from the events; a calendar that may not be read is unknown, a failed request raises."""
        events: list[Event] = []
        zone = None
        try:
            async for row, zone in self._instance_rows(calendar_id, window, None):
                event = event_of(row, zone=zone)
                if event is None:
                    return BusyTimes(unknown="unreadable")
                events.append(event)
        except (PermissionDenied, CalendarGone) as refusal:
            return BusyTimes(unknown=refusal.provider_code or refusal.code, refused=True)
        return busy_times.from_events(events, window, zone)

    async def _instance_rows(
        self, calendar_id: str, window: Timed, series_id: str | None
    ) -> AsyncIterator[tuple[WireEvent, str | None]]:
        span = {"timeMin": drafts.rfc3339(window.start), "timeMax": drafts.rfc3339(window.end)}
        if series_id is not None:
            call = Call(
                "google.list_instances",
                "GET",
                f"{self._event_url(calendar_id, series_id)}/instances",
                {"maxResults": _EVENTS_PER_PAGE, "fields": EVENTS_FIELDS, **span},
            )
            try:
                async for page in self._pages(call):
                    for row in page.items:
                        yield row, page.time_zone
            except (EventNotFound, InvalidRequest):
                # Not (or no longer) a series we can see. A guest who was invited to single dates of somebody's series
                # has these dates without their master, and a series turned into one event keeps its id: look for both.
                pass
            else:
                return
        listing = self._listing(
            calendar_id, "google.list_instances", {"singleEvents": "true", **span}, gone=CalendarGone
        )
        async for page in self._pages(listing):
            for row in page.items:
                if series_id is None or series_id in (row.recurring_event_id, row.id):
                    yield row, page.time_zone

    async def _pages(self, call: Call) -> AsyncIterator[EventsPage]:
        token: str | None = None
        while True:
            page = await self._rest.fetch(call if token is None else call.asking(pageToken=token), decode_events)
            yield page
            if not page.next_page_token:
                return
            token = _next(token, page.next_page_token, call)

    async def _row(self, calendar_id: str, event_id: str) -> WireEvent | None:
        call = Call("google.get_event", "GET", self._event_url(calendar_id, event_id), {"fields": EVENT_FIELDS})
        try:
            return await self._rest.fetch(call, decode_event)
        except EventNotFound:
            return None

    async def _taken(self, calendar_id: str, draft: EventDraft, key: str, attempt: int, notify: Notify) -> Event | None:
        """An id of the key is taken: by our earlier attempt, by an event of ours deleted since, or by a stranger.

        Of a deleted one Google promises nothing but its id. None: it cannot be brought back.
        """
        row = await self._row(calendar_id, drafts.event_id(key, attempt))
        deleted, mark = row is not None and is_cancelled(row), None if row is None else key_of(row)
        if row is not None and mark != key and not (deleted and mark is None):
            raise InvalidRequest(operation="google.create_event", provider_code="duplicate")
        if row is not None and deleted:
            url = self._event_url(calendar_id, row.id)
            revival = Call("google.create_event", "PATCH", url, body=drafts.revived_event(draft, key))
            try:
                return await self._write(revival, notify)
            except (PermissionDenied, EventNotFound):
                return None
        event = None if row is None else event_of(row)
        if event is None:
            raise AmbiguousOutcome("the id is taken by what cannot be read", operation="google.create_event")
        return event

    async def _write(self, call: Call, notify: Notify) -> Event:
        """Send a body that has an event as its answer."""
        query = {"sendUpdates": drafts.send_updates(notify), "conferenceDataVersion": "1", "fields": EVENT_FIELDS}
        event = event_of(await self._send(replace(call, query=query, write=True), decode_event))
        if event is None:
            raise AmbiguousOutcome("the event in the answer has no time", operation=call.operation)
        return event

    async def _send(self, call: Call, decode: Callable[[bytes], T]) -> T:
        """Send a body; without what this calendar may not have, or Google does not know."""
        body = call.body or {}
        try:
            return await self._rest.fetch(call, decode)
        except (NoConference, NoZone) as refusal:
            plainer = drafts.plainer(body, refusal)
            if plainer == body:
                raise
            return await self._send(replace(call, body=plainer), decode)

    async def _standing(self, url: str, operation: str) -> Standing:
        standing = await self._rest.fetch(Call(operation, "GET", url, {"fields": STANDING_FIELDS}), decode_standing)
        if standing.status == "cancelled":
            raise EventNotFound("deleted", operation=operation, provider_code="deleted")
        return standing

    def _listing(
        self,
        calendar_id: str,
        operation: str,
        query: Mapping[str, str],
        *,
        gone: type[CursorExpired | CalendarGone] = CursorExpired,
    ) -> Call:
        query = {"maxResults": _EVENTS_PER_PAGE, "fields": EVENTS_FIELDS, **query}
        return Call(operation, "GET", self._events_url(calendar_id), query, not_found=CalendarGone, gone=gone)

    def _events_url(self, calendar_id: str) -> str:
        return f"{self._api_url}/calendars/{quote(calendar_id, safe='')}/events"

    def _event_url(self, calendar_id: str, event_id: str) -> str:
        return f"{self._events_url(calendar_id)}/{quote(event_id, safe='')}"


def _if_match(standing: Standing) -> dict[str, str]:
    return {} if standing.etag is None else {"If-Match": standing.etag}


def _next(current: str | None, following: str, call: Call) -> str:
    """The next page's token. Raises: ProtocolError when it is the page we are on: that listing has no end."""
    if following == current:
        raise ProtocolError("a page that follows itself", operation=call.operation)
    return following
