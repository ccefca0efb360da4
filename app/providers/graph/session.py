"""One connection's Outlook calendars: the verbs of `CalendarSession` over Microsoft Graph.

The one rule: an id is only used inside its calendar, a delta is only believed to say that something changed, and a
create names its transaction, so that asking again can never do twice what was done once.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.calendar import (
    CalendarRef,
    Clock,
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
    Transient,
)
from app.providers.graph import drafts, marks
from app.providers.graph.cursor import Position
from app.providers.graph.graph import BrokenListing, Graph, calendar_path, event_path
from app.providers.graph.mapping import calendar_of, changes_of, event_of, is_new, is_part
from app.providers.graph.reading import EVENTS_PER_PAGE, Reading
from app.providers.graph.refusals import CannotDelete, Duplicate, NameTaken, NoMeeting, NoRecipient, NoZone
from app.providers.graph.wire import (
    LISTED_FIELDS,
    STANDING_FIELDS,
    Standing,
    WireEvent,
    decode_calendar,
    decode_event,
    decode_events,
    decode_standing,
)
from app.providers.rest import Call

_CHANGES_PER_PAGE = 200
"""A delta brings whole events with their bodies, and no way to say what of them one wants."""
_LOOKED_FOR_MAX = 20
_FOUND_PER_PAGE = "10"
_NEAR = timedelta(days=31)
_CONFLICTS_MAX = 3
_ATTEMPTS_MAX = 10
"""How often an event that people delete is brought back under its key."""
_NAMES_MAX = 10


class Office365Session(Reading):
    """See `app.providers.base.CalendarSession`."""

    def __init__(self, graph: Graph, *, reach: timedelta, clock: Clock) -> None:
        """`reach` is how far after the begin of a listing changes must be seen."""
        super().__init__(graph)
        self._reach = reach
        self._clock = clock

    async def create_calendar(self, name: str, *, time_zone: str, key: str) -> CalendarRef:  # noqa: ARG002 - Outlook's have the mailbox's
        """Look for the property of the key, and create what is not there; a name that is taken gets a number."""
        operation, zone = "office365.create_calendar", await self._home_zone()
        expanded = {"$expand": marks.expanded(marks.CALENDAR_PROPERTY)}
        async for entry in self._calendars(operation, **{"$filter": marks.is_calendar_of(key)}, **expanded):
            if marks.calendar_mark(key) in {item.value for item in entry.properties or ()}:
                return calendar_of(entry, zone)
        for number in range(1, _NAMES_MAX + 1):
            body = drafts.new_calendar(name if number == 1 else f"{name} ({number})", key)
            try:
                made = await self._graph.fetch(
                    self._graph.write(operation, "POST", "/me/calendars", body), decode_calendar
                )
            except NameTaken:
                continue
            return calendar_of(made, zone)
        raise InvalidRequest("too many of this name", operation=operation, provider_code="name_taken")

    async def sync_page(
        self, calendar_id: str, *, cursor: bytes | None, page: bytes | None, since: datetime
    ) -> SyncPage:
        """One page of the delta of a window of time: singles as they are, series only by name.

        Raises CursorExpired as well when the window has to move, for a link that Graph will not have any more (it
        says so in several ways). A full listing whose delta breaks on the way goes on without one, whatever broke it:
        there are links that answer 503 for ever, and a calendar that answers nothing says so when it is listed plainly.
        Its cursor leads to another full listing.
        """
        here = Position.read(calendar_id, cursor=cursor, page=page, since=since, reach=self._reach)
        if here.plain and here.link is None:
            return _plainly(here)
        try:
            return await self._page(here, full=cursor is None or here.plain)
        except (CursorExpired, InvalidRequest, PermissionDenied, ProtocolError, Transient) as refusal:
            broken = isinstance(refusal, BrokenListing)
            if here.plain or (here.link is None and not broken):
                raise
            if cursor is None:
                return _plainly(here)
            if not broken and not isinstance(refusal, CursorExpired | InvalidRequest):
                raise
            raise CursorExpired(operation="office365.sync_page", provider_code=refusal.provider_code) from refusal

    async def _page(self, here: Position, *, full: bool) -> SyncPage:
        call = self._delta(here)
        answer = await self._graph.fetch(call, decode_events)
        rows = [await self._whole(here.calendar_id, row) for row in answer.value]
        changes = changes_of(rows if full else await self._looked_for(here, rows))
        if answer.next_link:
            following = self._graph.onward(call, answer.next_link)
            return SyncPage(changes, next_page=here.page(following, (row.id for row in answer.value)), full=full)
        if here.plain:
            return SyncPage(changes, cursor=here.plain_cursor(), full=full)
        if not answer.delta_link:
            raise BrokenListing("a last page without a deltaLink", operation=call.operation)
        link = self._graph.inside(call, answer.delta_link)
        return SyncPage(changes, cursor=here.cursor(link), full=full)

    async def _whole(self, calendar_id: str, row: WireEvent) -> WireEvent:
        """The row of a delta; read anew where it tells no more than what changed, which is all that is promised."""
        if not is_part(row):
            return row
        call = self._graph.read("office365.sync_page", event_path(calendar_id, row.id), {"$select": LISTED_FIELDS})
        try:
            return await self._graph.fetch(call, decode_event)
        except (EventNotFound, PermissionDenied, InvalidRequest):
            return row

    async def _looked_for(self, here: Position, rows: Sequence[WireEvent]) -> Sequence[WireEvent]:
        """The rows; in place of a removal the event, where the calendar lists it all the same.

        One that was moved away and back is told as removed, and never again. So is whatever changes outside the window:
        no more removals of a page are looked for than its run has time for.
        https://github.com/microsoftgraph/microsoft-graph-docs/issues/21752
        """
        window = Timed(here.since, here.until)
        removed = list(dict.fromkeys(row.id for row in rows if row.removed is not None))[:_LOOKED_FOR_MAX]
        found = {
            event_id: await self._standing_in("office365.sync_page", here.calendar_id, event_id, window)
            for event_id in removed
        }
        return [row if row.removed is None else found.get(row.id) or row for row in rows]

    async def create_event(self, calendar_id: str, draft: EventDraft, *, key: str, notify: Notify) -> Event:  # noqa: ARG002 - Exchange always mails
        """Create under the transaction of the key; when that is taken, answer what stands, or bring it back.

        Graph may answer a transaction it knows with the event it was for, wherever a person has put that since.
        """
        path = f"{calendar_path(calendar_id)}/events"
        for attempt in range(_ATTEMPTS_MAX):
            body = drafts.new_event(draft, key, attempt)
            call = self._graph.write("office365.create_event", "POST", path, body, not_found=CalendarGone)
            try:
                row = await self._send(call, draft)
            except Duplicate:
                standing = await self.find_by_key(calendar_id, key, around=draft.when)
                if standing is not None:
                    return standing
                continue
            made = _written(row, call, key)
            if is_new(row, now=self._clock()) or await self.get_event(calendar_id, made.id) is not None:
                return made
        raise InvalidRequest("deleted too often", operation="office365.create_event", provider_code="duplicate")

    async def find_by_key(self, calendar_id: str, key: str, *, around: Timed) -> Event | None:
        """The event with our property, wherever it was moved; failing that, the one near with our transaction."""
        query = {
            "$filter": marks.has_key(key),
            "$top": _FOUND_PER_PAGE,
            "$select": LISTED_FIELDS,
            "$expand": marks.expanded(marks.KEY_PROPERTY),
        }
        path = f"{calendar_path(calendar_id)}/events"
        call = self._graph.read("office365.find_by_key", path, query, not_found=CalendarGone)
        found = await self._original(self._rows(call), key)
        if found is not None or around.end - around.start > _NEAR:
            return found
        near = Timed(around.start - timedelta(days=1), around.end + timedelta(days=1))
        return await self._original(self._view_rows("office365.find_by_key", calendar_id, near, LISTED_FIELDS), key)

    async def update_event(
        self,
        calendar_id: str,
        event_id: str,
        draft: EventDraft,
        *,
        key: str,
        if_match: str | None,
        notify: Notify,  # noqa: ARG002 - Exchange always mails
    ) -> Event:
        """Read, merge the guests, write on condition that nothing moved; without `if_match` a race is run again."""
        path = event_path(calendar_id, event_id)
        for attempt in range(_CONFLICTS_MAX):
            standing = await self._standing(path)
            if if_match is not None and standing.etag != if_match:
                raise EditConflict(operation="office365.update_event")
            body = drafts.changed_event(draft, key, standing)
            call = self._graph.write("office365.update_event", "PATCH", path, body, if_match=standing.etag)
            try:
                return _written(await self._send(call, draft), call, key)
            except EditConflict:
                if if_match is not None or attempt == _CONFLICTS_MAX - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def cancel_event(self, calendar_id: str, event_id: str, *, notify: Notify) -> None:  # noqa: ARG002 - Exchange always mails
        """Delete, which cancels a meeting of one's own and leaves somebody else's; an event already gone is done."""
        call = self._graph.write("office365.cancel_event", "DELETE", event_path(calendar_id, event_id))
        try:
            await self._graph.send(call)
        except EventNotFound:
            return
        except CannotDelete:
            if await self._stands(call.operation, calendar_id, event_id):
                raise

    async def respond(self, calendar_id: str, event_id: str, response: Response) -> None:
        """Answer, and tell the organizer who wants to be told; no other may be."""
        verb = drafts.RESPONSE_VERBS.get(response)
        if verb is None:
            raise InvalidRequest("no answer at all", operation="office365.respond", provider_code="no_answer")
        path = f"{event_path(calendar_id, event_id)}/{verb}"
        call = self._graph.write("office365.respond", "POST", path, {"sendResponse": True})
        try:
            await self._graph.send(call)
        except InvalidRequest:
            await self._graph.send(replace(call, body={"sendResponse": False}))

    def _delta(self, here: Position) -> Call:
        """The first request of a listing of the window, or the link that goes on with it."""
        path, query = here.link, None
        if path is None:
            path, query = f"{calendar_path(here.calendar_id)}/calendarView/delta", here.query()
        return self._graph.read(
            "office365.sync_page",
            path,
            query,
            not_found=CalendarGone,
            gone=CursorExpired,
            page_size=None if here.plain else _CHANGES_PER_PAGE,
        )

    async def _send(self, call: Call, draft: EventDraft) -> WireEvent:
        """Send a body that has an event as its answer; without what this server turns out not to have."""
        body = call.body or {}
        try:
            return await self._graph.fetch(call, decode_event)
        except (NoMeeting, NoRecipient, NoZone) as refusal:
            plainer = drafts.plainer(body, draft, refusal)
            if plainer == body:
                raise
            return await self._send(replace(call, body=plainer), draft)

    async def _standing(self, path: str) -> Standing:
        properties = marks.expanded(marks.GUESTS_PROPERTY, marks.FREE_PROPERTY)
        query = {"$select": STANDING_FIELDS, "$expand": properties}
        call = self._graph.read("office365.update_event", path, query)
        standing = await self._graph.fetch(call, decode_standing)
        if standing.is_cancelled:
            raise EventNotFound("cancelled", operation="office365.update_event", provider_code="cancelled")
        return standing

    @staticmethod
    async def _original(rows: AsyncIterator[WireEvent], key: str) -> Event | None:
        """The live event with the key. Who copies one in Outlook copies our property, but not the transaction."""
        copied = None
        async for row in rows:
            event = event_of(row)
            if event is None or event.key != key or event.cancelled:
                continue
            if marks.key_of(row.transaction_id) == key:
                return event
            copied = copied or event
        return copied


def _plainly(here: Position) -> SyncPage:
    """Lists the window without a delta, from its begin."""
    return SyncPage((), next_page=here.plainly({"$top": EVENTS_PER_PAGE, "$select": LISTED_FIELDS}), full=True)


def _written(row: WireEvent, call: Call, key: str) -> Event:
    """What stands there after a write."""
    event = event_of(row)
    if event is None:
        raise AmbiguousOutcome("the event in the answer has no time", operation=call.operation)
    return replace(event, key=key)
