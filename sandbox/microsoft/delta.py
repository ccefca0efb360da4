"""calendarView/delta. The one rule: it tells that something changed, and of a series no more than stubs.

What clients have been bitten by, all of it here:
- an occurrence is a stub, whatever its series says; exceptions and single events are whole;
- the series itself is listed too, with its first occurrence's dates;
- a deleted occurrence is not announced: its series is sent again, whole, and lacks it; so it goes with one that was
  moved out of the window;
- a series is never split over pages, so a page may be longer than asked for;
- what changes outside the window comes as `@removed`, known to the client or not;
- the window never moves; a token can die at any time with 410.
https://learn.microsoft.com/graph/delta-query-events
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from sandbox.microsoft import errors
from sandbox.microsoft.call import PAGE_SIZE, Answer, Call
from sandbox.microsoft.render import Reader, render_event, render_stub
from sandbox.microsoft.times import Json, Window
from sandbox.microsoft.tokens import SyncState, seal, unseal
from sandbox.microsoft.views import expand, whole
from sandbox.microsoft.world import Calendar, Item

_REMOVED: Json = {"@removed": {"reason": "deleted"}}


@dataclass(frozen=True)
class _Group:
    """The rows one item gives, which stay together. `key` orders groups within a round."""

    key: int
    rows: list[Json]


def list_nothing(call: Call) -> Answer:
    """`events/delta`: in the metadata of v1.0, and refused."""
    del call
    raise errors.untracked()


def list_changes(call: Call) -> Answer:
    calendar = call.events_of()
    state = _state(call, calendar)
    reader = call.reader(calendar)
    groups = _initial(calendar, reader, state) if state.full else _incremental(calendar, reader, state)
    return _page(call, calendar, state, groups)


def _state(call: Call, calendar: Calendar) -> SyncState:
    """From the token, or a new round's from the window."""
    now, length = call.world.clock.now().timestamp(), len(calendar.changes)
    token = call.options.token
    if token is None:
        window = call.options.required_window()
        start, end = window.start.timestamp(), window.end.timestamp()
        return SyncState(calendar.token.hex(), start, end, calendar.generation, length, now, length, full=True)
    kind, value = token
    state = unseal(value, call.world.secret, calendar.token.hex(), within_round=kind == "skiptoken")
    _check_alive(call, calendar, state)
    return state if state.until is not None else replace(state, until=length)


def _check_alive(call: Call, calendar: Calendar, state: SyncState) -> None:
    knobs = call.world.knobs
    age = timedelta(seconds=call.world.clock.now().timestamp() - state.issued_at)
    count = len(calendar.changes) - state.offset
    many = knobs.delta_token_max_changes is not None and count > knobs.delta_token_max_changes
    if state.generation != calendar.generation or age > knobs.delta_token_max_age or many:
        window = state.window
        again = [
            ("startDateTime", window.start.isoformat().replace("+00:00", "Z")),
            ("endDateTime", window.end.isoformat().replace("+00:00", "Z")),
            ("$deltatoken", ""),
        ]
        raise errors.sync_state_not_found(state.generation, call.link(again))


# what there is to tell --------------------------------------------------------------------------


def _initial(calendar: Calendar, reader: Reader, state: SyncState) -> Iterator[_Group]:
    """Everything in the window, in the order it came to the calendar."""
    for item in sorted(calendar.items.values(), key=lambda item: item.ordinal):
        if item.ordinal <= state.after or item.deleted:
            continue
        rows = _rows(item, reader, state.window)
        if rows:
            yield _Group(item.ordinal, rows)


def _incremental(calendar: Calendar, reader: Reader, state: SyncState) -> Iterator[_Group]:
    """What was touched since, in the order it was touched last; once each, as it is now."""
    last: dict[bytes, tuple[int, Item]] = {}
    for position, change in enumerate(calendar.changes[state.offset :], start=state.offset + 1):
        last[change.item.token] = (position, change.item)
    assert state.until is not None
    for position, item in sorted(last.values(), key=lambda found: found[0]):
        if not max(state.after, state.offset) < position <= state.until:
            continue  # told, or changed again since the round began: the next round tells
        here = calendar.items.get(item.token) is item and not item.deleted
        rows = _rows(item, reader, state.window) if here else []
        yield _Group(position, rows or [removed(reader, item)])


def _rows(item: Item, reader: Reader, window: Window) -> list[Json]:
    views = list(expand(item, window))
    if not views:
        return []
    rows = [
        render_stub(view, reader) if view.kind == "occurrence" else _typed(render_event(view, reader)) for view in views
    ]
    return rows if item.recurrence is None else [_typed(render_event(whole(item), reader)), *rows]


def _typed(event: Json) -> Json:
    return {"@odata.type": "#microsoft.graph.event", **event}


def removed(reader: Reader, item: Item) -> Json:
    return {
        "@odata.type": "#microsoft.graph.event",
        "id": reader.event_id(item),
        **_REMOVED,
    }


# pages ------------------------------------------------------------------------------------------


def _page(call: Call, calendar: Calendar, state: SyncState, groups: Iterator[_Group]) -> Answer:
    size = call.preferences.max_page_size or PAGE_SIZE
    size = min(size, call.world.knobs.page_size_cap or size)
    empty = call.fault is not None and call.fault.kind == "empty_page"
    rows: list[Json] = []
    keys, more = [state.after], False
    for group in groups:
        if empty or len(rows) >= size:
            more = True
            break
        rows += group.rows
        keys.append(group.key)
    # The last of a page may come again on the next, as long as the round gets on.
    repeats = call.world.knobs.repeat_across_pages and len(keys) > 2
    after = keys[-2] if repeats else keys[-1]
    rows = _bent(call, calendar, state, rows)
    now = call.world.clock.now().timestamp()
    body: Json = {"@odata.context": f"{call.base}/$metadata#Collection(event)", "value": rows}
    if more:
        onward = replace(state, after=after, issued_at=now)
        body["@odata.nextLink"] = call.link([("$skiptoken", seal(onward, call.world.secret))])
    else:
        assert state.until is not None
        onward = replace(state, offset=state.until, until=None, after=0, full=False, issued_at=now)
        body["@odata.deltaLink"] = call.link([("$deltatoken", seal(onward, call.world.secret))])
    return Answer(body)


def _bent(call: Call, calendar: Calendar, state: SyncState, rows: list[Json]) -> list[Json]:
    """What faults do to a page; all of it has been seen on the real service."""
    kind = call.fault.kind if call.fault is not None else None
    reader = call.reader(calendar)
    if kind == "duplicate":
        return [*rows, *rows]
    if kind == "reordered":
        return rows[::-1]
    if kind == "replay_changes":
        replay = replace(state, offset=max(state.offset - 20, 0), after=0)
        return [row for group in _incremental(calendar, reader, replay) for row in group.rows] + rows
    if kind == "stray_removed":
        gone = [item for item in calendar.items.values() if item.deleted]
        return [*(removed(reader, item) for item in gone), *rows]
    if kind == "moved_back":  # https://github.com/microsoftgraph/microsoft-graph-docs/issues/21752
        return [{name: row[name] for name in ("@odata.type", "id")} | _REMOVED for row in rows]
    return rows
