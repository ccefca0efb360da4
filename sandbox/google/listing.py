"""events.list and events.instances: which rows, in which order, on which page.

The one rule: a page begins after a row's key, not after a count, so writes between pages neither skip nor repeat what
did not change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.changes import expand_touched, touched_since, was_or_is_within
from sandbox.google.entry_fields import default_reminders
from sandbox.google.instances import (
    Window,
    exceptions_of,
    find_event,
    happens_within,
    instances_of,
    start_key,
)
from sandbox.google.resources import Reader, collection_etag, render, tombstone
from sandbox.google.search import matches_filters
from sandbox.google.times import Json, millis
from sandbox.google.tokens import PageToken, SyncToken, check_alive, digest, open_page_token, open_sync_token, seal
from sandbox.google.world import Calendar, Event, rank

PAGE_SIZE = 250
PAGE_SIZE_MAX = 2500
# With these a list has no sync token and a sync token is refused.
_RESTRICTIONS = (
    "iCalUID",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
_NO_TOKEN = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "updatedMin")
# "All other query parameters should be the same as for the initial synchronization": held to it here.
_SAME = ("alwaysIncludeEmail", "eventTypes", "maxAttendees", "showHiddenInvitations", "singleEvents", "timeZone")

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Row:
    key: Key
    event: Event


def list_events(call: Call) -> Answer:
    calendar = call.calendar()
    reader = call.reader(calendar)
    if rank(reader.role) < rank("reader") and not call.world.knobs.free_busy_reader_lists:
        raise errors.access_level("reader")
    window = _window(call)
    if call.query.get("orderBy") == "startTime" and not call.query.get("singleEvents"):
        raise errors.GoogleError(400, "badRequest", "The requested ordering is not available for the particular query.")
    if call.query.get("syncToken"):
        return _changes_page(call, calendar, reader)
    updated_min: datetime | None = call.query.get("updatedMin")
    if updated_min is not None and call.world.clock.now() - updated_min > call.world.knobs.updated_min_max_age:
        raise errors.updated_min_too_long_ago()
    parameters = digest({**call.query, "pageToken": None, "maxResults": None, "fields": None})
    page = _page_token(call, calendar, parameters)
    until = page.until if page else len(calendar.changes)
    rows = _Ordering(call, calendar).sort(_select(call, calendar, window))
    token = None
    if not any(call.query.get(name) for name in _NO_TOKEN):
        token = SyncToken(
            resource=f"events:{calendar.id}",
            generation=page.generation if page else calendar.generation,
            offset=until,
            parameters=_same_parameters(call),
            issued_at=call.world.clock.now().timestamp(),
            time_min=window.after.isoformat() if window.after else None,
            time_max=window.before.isoformat() if window.before else None,
        )
    return _Page(call, calendar, reader, parameters, until).answer(rows, page, token)


def list_instances(call: Call) -> Answer:
    calendar = call.calendar()
    series = find_event(calendar, call.path["eventId"])
    if series is None or (series.cancelled and not call.query.get("showDeleted")):
        raise errors.not_found()
    if not series.recurring:
        raise errors.invalid("The event is not a recurring event.")
    window = _window(call)
    show_deleted = call.query.get("showDeleted", False)
    events = [
        event
        for event in (*instances_of(calendar, series, window), *exceptions_of(calendar, series.id))
        if (show_deleted or not event.cancelled) and happens_within(event, calendar, window)
    ]
    original = call.query.get("originalStart")
    if original is not None:
        events = [event for event in events if _starts_originally(event, original)]
    rows = sorted((Row((start_key(event, calendar), event.id), event) for event in events), key=lambda row: row.key)
    parameters = digest({**call.query, "pageToken": None, "maxResults": None, "fields": None, "series": series.id})
    page = _page_token(call, calendar, parameters)
    answer = _Page(call, calendar, call.reader(calendar), parameters, len(calendar.changes))
    return answer.answer(rows, page, None)


def _starts_originally(event: Event, original: str) -> bool:
    start = event.fields["originalStartTime"]
    try:
        asked = datetime.fromisoformat(original)
    except ValueError:
        raise errors.bad_request() from None
    if "date" in start:
        return bool(start["date"] == original[:10])
    return asked.tzinfo is not None and datetime.fromisoformat(start["dateTime"]) == asked


def _window(call: Call) -> Window:
    window = Window(call.query.get("timeMin"), call.query.get("timeMax"))
    if window.after is not None and window.before is not None and window.after >= window.before:
        raise errors.time_range_empty()
    return window


def _page_token(call: Call, calendar: Calendar, parameters: str) -> PageToken | None:
    value = call.query.get("pageToken")
    if not value:
        return None
    return open_page_token(value, call.world.secret, f"events:{calendar.id}", parameters)


# full lists ---------------------------------------------------------------------------------


def _select(call: Call, calendar: Calendar, window: Window) -> Iterator[Event]:
    """The rows of a full list, before they are ordered."""
    single = call.query.get("singleEvents", False)
    updated_min: datetime | None = call.query.get("updatedMin")
    for event in calendar.events.values():
        if updated_min is not None and event.updated < updated_min:
            continue
        shown = not event.cancelled or _shows_cancelled(call, calendar, event)
        if not shown or not matches_filters(event, call.query):
            continue
        if single and event.recurring:
            yield from instances_of(calendar, event, window)
        elif happens_within(event, calendar, window):
            yield event


def _shows_cancelled(call: Call, calendar: Calendar, event: Event) -> bool:
    """Deleted events are listed on request; cancelled instances of a living series also in an unexpanded list."""
    if call.query.get("showDeleted") or call.query.get("updatedMin") is not None:
        return True
    if call.query.get("singleEvents") or event.series_id is None:
        return False
    series = calendar.events.get(event.series_id)
    return series is not None and not series.cancelled


@dataclass(frozen=True)
class _Ordering:
    call: Call
    calendar: Calendar

    def sort(self, events: Iterator[Event]) -> list[Row]:
        return sorted((Row(self._key(event), event) for event in events), key=lambda row: row.key)

    def _key(self, event: Event) -> Key:
        order = self.call.query.get("orderBy")
        if order == "startTime":
            return (start_key(event, self.calendar), event.id)
        if order == "updated":
            return (event.fields["updated"], event.ordinal, event.id)
        return (event.ordinal, start_key(event, self.calendar), event.id)


# incremental lists --------------------------------------------------------------------------


def _same_parameters(call: Call) -> str:
    values = {name: call.query.get(name) or None for name in _SAME}
    values["eventTypes"] = sorted(values["eventTypes"]) if values["eventTypes"] else None
    return digest(values)


def _changes_page(call: Call, calendar: Calendar, reader: Reader) -> Answer:
    if any(name in call.query for name in _RESTRICTIONS) or call.query.get("showDeleted") is False:
        raise errors.sync_token_with_restrictions()
    if "orderBy" in call.query:
        raise errors.sync_token_with_ordering()
    same, world = _same_parameters(call), call.world
    token = open_sync_token(call.query["syncToken"], world.secret, f"events:{calendar.id}", same)
    length, now = len(calendar.changes), world.clock.now()
    check_alive(token, generation=calendar.generation, length=length, now=now, knobs=world.knobs)
    parameters = digest({"syncToken": call.query["syncToken"], "showDeleted": call.query.get("showDeleted")})
    page = _page_token(call, calendar, parameters)
    until = page.until if page else length
    replayed = call.fault is not None and call.fault.kind == "replay_changes"
    rows = list(_changed_rows(call, calendar, token, 0 if replayed else token.offset, until))
    follow_up = SyncToken(
        resource=token.resource,
        generation=token.generation,
        offset=until,
        parameters=same,
        issued_at=now.timestamp(),
        time_min=token.time_min,
        time_max=token.time_max,
    )
    return _Page(call, calendar, reader, parameters, until).answer(rows, page, follow_up)


def _changed_rows(call: Call, calendar: Calendar, token: SyncToken, offset: int, until: int) -> Iterator[Row]:
    window = Window(_instant(token.time_min), _instant(token.time_max))
    for item in touched_since(calendar, offset, until):
        if not matches_filters(item.event, call.query) or not was_or_is_within(item, calendar, window):
            continue
        if call.query.get("singleEvents"):
            for event in expand_touched(item, calendar, window, call.world.clock.now()):
                yield Row((item.offset, start_key(event, calendar), event.id), event)
        else:
            yield Row((item.offset, "", item.event.id), item.event)


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


# pages --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    """Cuts a page out of ordered rows and renders it."""

    call: Call
    calendar: Calendar
    reader: Reader
    parameters: str
    until: int

    def answer(self, rows: list[Row], page: PageToken | None, sync_token: SyncToken | None) -> Answer:
        if page is not None:
            begin = tuple(page.key)
            rows = [row for row in rows if row.key > begin]
        size = min(self.call.query.get("maxResults", PAGE_SIZE), PAGE_SIZE_MAX)
        size = min(size, self.call.world.knobs.page_size_cap or size)
        fault = self.call.fault.kind if self.call.fault else None
        body = self._head()
        if fault == "empty_page" and rows:
            # "or none at all, even if there are more events matching the query"
            body["nextPageToken"] = self._next(tuple(page.key) if page else ("",) if _textual(rows) else (-1,), page)
            return Answer({**body, "items": []})
        shown = rows[:size]
        if len(rows) > size:
            body["nextPageToken"] = self._next(shown[-1].key, page)
        elif sync_token is not None:
            body["nextSyncToken"] = seal(sync_token, self.call.world.secret)
        items = [self._render(row.event) for row in shown]
        if fault == "duplicate":
            items = [item for item in items for _ in range(2)]
        if fault == "reordered":
            items.reverse()
        return Answer({**body, "items": items})

    def _next(self, key: Key, page: PageToken | None) -> str:
        token = PageToken(
            resource=f"events:{self.calendar.id}",
            parameters=self.parameters,
            key=list(key),
            until=self.until,
            generation=page.generation if page else self.calendar.generation,
        )
        return seal(token, self.call.world.secret)

    def _head(self) -> Json:
        calendar = self.calendar
        body: Json = {
            "kind": "calendar#events",
            "etag": collection_etag(calendar.id, len(calendar.changes), self.parameters),
            "summary": calendar.summary,
            "description": calendar.description or "",
            "updated": millis(calendar.updated),
            "timeZone": self.reader.zone or calendar.time_zone,
            "accessRole": self.reader.role,
            "defaultReminders": default_reminders(self.call.account, calendar),
        }
        return body

    def _render(self, event: Event) -> Json:
        """Deleted events keep their details where the reader asked for deleted ones; cancelled instances never do."""
        if not event.cancelled:
            return render(event, self.calendar, self.reader)
        if event.series_id is not None or not self.call.query.get("showDeleted"):
            return tombstone(event, self.calendar, self.reader)
        return render(event, self.calendar, self.reader)


def _textual(rows: list[Row]) -> bool:
    return isinstance(rows[0].key[0], str)
