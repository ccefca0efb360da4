"""Following, listing and busy times, against a server that says what we tell it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import (
    BusyTimes,
    Removed,
    SeriesTouched,
    Timed,
    Upsert,
)
from app.providers.base import (
    CalendarGone,
    CursorExpired,
    InvalidRequest,
    PermissionDenied,
    ProtocolError,
    Transient,
    UnreadableEvent,
)
from tests.providers.google.payloads import cancelled_exception, exception, master, page, single
from tests.providers.google.scripted_google import (
    CALENDAR,
    EVENTS,
    NOW,
    SCOPE,
    WINDOW,
    refused,
    scripted_google,
    session_at,
)
from tests.providers.scripted import Drop, Reply


@pytest.fixture
async def server():
    async with scripted_google() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


async def sync(session, *, cursor=None, page=None, calendar=CALENDAR):
    return await session.sync_page(calendar, cursor=cursor, page=page, since=WINDOW.start)


async def listed(session, **query):
    return [event async for event in session.list_instances(CALENDAR, WINDOW, **query)]


# following changes ------------------------------------------------------------------------------------------------


async def test_a_full_listing_names_its_start_on_every_page_and_gives_the_cursor_on_the_last(session, server):
    server.script(
        Reply(body=page(single(), nextPageToken="p2")),
        Reply(body=page(nextPageToken="p3")),
        Reply(body=page(master(), nextSyncToken="s1")),
    )
    first = await sync(session)
    second = await session.sync_page(CALENDAR, cursor=None, page=first.next_page, since=NOW)
    third = await sync(session, page=second.next_page)
    assert [answer.full for answer in (first, second, third)] == [True] * 3
    assert [answer.cursor for answer in (first, second)] == [None, None]
    assert (third.next_page, isinstance(third.cursor, bytes)) == (None, True)
    assert isinstance(first.changes[0], Upsert)
    assert (second.changes, third.changes) == ((), (SeriesTouched("weekly"),))

    queries = [seen.query for seen in server.seen]
    assert [seen.path for seen in server.seen] == [EVENTS] * 3
    assert server.seen[0].raw_path.endswith("/en.german%23holiday%40group.v.calendar.google.com/events")
    assert [query.get("pageToken") for query in queries] == [None, "p2", "p3"]
    for query in queries:
        assert query["timeMin"] == "2026-03-01T00:00:00Z", "also when the caller's idea of it has moved on"
        assert (query["singleEvents"], query["maxResults"]) == ("false", "1000")
        assert "nextSyncToken" in query["fields"]
        assert not query.keys() & {"syncToken", "timeMax", "orderBy", "showDeleted"}


async def test_changes_since_a_cursor_are_asked_with_nothing_that_google_forbids_beside_it(session, server):
    server.script(
        Reply(body=page(nextSyncToken="s1")),
        Reply(body=page({"id": "gone", "status": "cancelled"}, nextPageToken="p2")),
        Reply(body=page(nextSyncToken="s2")),
    )
    cursor = (await sync(session)).cursor
    first = await sync(session, cursor=cursor)
    last = await sync(session, cursor=cursor, page=first.next_page)
    assert first.changes == (Removed("gone"),)
    assert not first.full
    assert last.cursor not in (None, cursor)
    initial, changed, rest = (seen.query for seen in server.seen)
    assert changed["syncToken"] == rest["syncToken"] == "s1"
    assert rest["pageToken"] == "p2"
    forbidden = {
        "timeMin",
        "timeMax",
        "orderBy",
        "privateExtendedProperty",
        "q",
        "updatedMin",
        "iCalUID",
        "showDeleted",
    }
    assert not (changed.keys() | rest.keys()) & forbidden
    same = {"singleEvents", "maxResults", "fields"}
    assert {name: initial[name] for name in same} == {name: rest[name] for name in same}


@pytest.mark.parametrize(
    "gone",
    [
        refused(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required."),
        refused(410, "updatedMinTooLongAgo"),
        refused(400, "invalid", "Invalid sync token value."),
        refused(400, "invalid", "Invalid page token value."),
    ],
)
async def test_a_dead_token_expires_the_cursor_on_any_page(session, server, gone):
    server.script(Reply(body=page(nextSyncToken="s1")), Reply(body=page(nextPageToken="p2")), gone, gone)
    cursor = (await sync(session)).cursor
    first = await sync(session, cursor=cursor)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, page=first.next_page)
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor)


async def test_a_bad_request_of_ours_is_not_taken_for_a_dead_token(session, server):
    server.script(refused(400, "invalid", "Invalid value for: maxResults"))
    with pytest.raises(InvalidRequest) as refusal:
        await sync(session)
    assert refusal.value.provider_code == "invalid"


async def test_a_cursor_of_another_calendar_or_another_time_has_expired(session, server):
    server.script(Reply(body=page(nextSyncToken="s1")), Reply(body=page(nextPageToken="p2")))
    cursor = (await sync(session)).cursor
    following = (await sync(session)).next_page
    with pytest.raises(CursorExpired):
        await sync(session, cursor=cursor, calendar="other@example.com")
    with pytest.raises(CursorExpired):
        await sync(session, page=following, calendar="other@example.com")
    for strange in (cursor.replace(b'"v":1', b'"v":2'), b"", b"\xff", b"{}", b"null", following[:-3]):
        with pytest.raises(CursorExpired):
            await sync(session, cursor=strange)


@pytest.mark.parametrize(
    "broken",
    [page(single()), {}, {"kind": "calendar#events"}, {"kind": "calendar#calendarList", "nextSyncToken": "s"}],
    ids=["no sync token on the last page", "nothing", "only a kind", "another list"],
)
async def test_an_answer_that_is_no_page_never_passes_as_no_changes(session, server, broken):
    server.script(Reply(body=broken))
    with pytest.raises(ProtocolError):
        await sync(session)


async def test_a_page_that_follows_itself_ends_the_listing(session, server):
    server.script(*[Reply(body=page(nextPageToken="p2"))] * 2)
    first = await sync(session)
    with pytest.raises(ProtocolError):
        await sync(session, page=first.next_page)
    server.script(*[Reply(body=page(nextPageToken="p2"))] * 2)
    with pytest.raises(ProtocolError):
        await listed(session)


async def test_a_calendar_that_cannot_be_found_is_gone_and_one_that_is_closed_is_denied(session, server):
    server.script(refused(404, "notFound"), refused(403, "forbidden"))
    with pytest.raises(CalendarGone):
        await sync(session)
    with pytest.raises(PermissionDenied):
        await sync(session)


async def test_an_event_that_stands_and_cannot_be_read_is_not_gone(session, server):
    server.script(Reply(body=single(start=None)), Reply(body=single(start=None, status="cancelled")))
    with pytest.raises(UnreadableEvent):
        await session.get_event(CALENDAR, "x")
    assert await session.get_event(CALENDAR, "x") is None


# instances --------------------------------------------------------------------------------------------------------


async def test_instances_of_a_series_without_the_deleted_ones_and_each_once(session, server):
    second, third = exception("20260316"), exception("20260323")
    server.script(
        Reply(body=page(exception("20260309"), second, nextPageToken="p2")),
        Reply(body=page(second, cancelled_exception("20260330"), third)),
    )
    found = await listed(session, series_id="weekly")
    assert [event.id for event in found] == [f"weekly_{day}T090000Z" for day in ("20260309", "20260316", "20260323")]
    assert {event.series_id for event in found} == {"weekly"}
    assert server.seen[0].path == f"{EVENTS}/weekly/instances"
    assert server.seen[0].query["timeMin"] == "2026-03-01T00:00:00Z"
    assert server.seen[1].query["timeMax"] == "2026-04-01T00:00:00Z"


@pytest.mark.parametrize("ending", [refused(404, "notFound"), refused(410, "deleted"), refused(400, "invalid")])
async def test_dates_without_their_series_are_still_found(session, server, ending):
    """Google lets nobody ask for the instances of a series one was never invited to, or that is none any more."""
    server.script(ending, Reply(body=page(single(), exception(), exception(recurringEventId="other", id="o1"))))
    found = await listed(session, series_id="weekly")
    assert [event.id for event in found] == ["weekly_20260309T090000Z"]
    assert server.seen[1].path == EVENTS
    assert server.seen[1].query["singleEvents"] == "true"


async def test_a_series_that_became_one_event_is_found_under_its_id(session, server):
    server.script(refused(400, "invalid"), Reply(body=page(single(id="weekly"), single(id="other"))))
    (found,) = await listed(session, series_id="weekly")
    assert (found.id, found.series_id) == ("weekly", None)


async def test_a_series_that_is_gone_yields_nothing(session, server):
    server.script(refused(404, "notFound"), Reply(body=page()))
    assert await listed(session, series_id="weekly") == []


async def test_a_series_of_a_calendar_that_is_gone_is_no_empty_series(session, server):
    server.script(refused(404, "notFound"), refused(404, "notFound"))
    with pytest.raises(CalendarGone):
        await listed(session, series_id="weekly")


# reading ----------------------------------------------------------------------------------------------------------


async def test_an_event_is_read_with_its_description_and_an_unknown_one_is_none(session, server):
    server.script(Reply(body=single()), refused(404, "notFound"), Reply(body=single(status="cancelled")))
    assert (await session.get_event(CALENDAR, "a/b")).description == "<b>Agenda</b>"
    assert server.seen[0].raw_path.endswith("/events/a%2Fb")
    assert "description" in server.seen[0].query["fields"]
    assert await session.get_event(CALENDAR, "x") is None
    assert (await session.get_event(CALENDAR, "x")).cancelled


async def test_calendars_come_from_all_pages_with_the_primary_first(session, server):
    def entry(name, **more):
        return {"id": name, "summary": name, "accessRole": "owner", "timeZone": "Europe/Rome", **more}

    kind = {"kind": "calendar#calendarList"}
    server.script(
        Reply(body={**kind, "items": [entry("b"), entry("gone", deleted=True), {"id": 7}], "nextPageToken": "p2"}),
        Reply(body={**kind, "items": [entry("a", primary=True), entry("hidden", hidden=True)]}),
    )
    assert [calendar.id for calendar in await session.list_calendars()] == ["a", "b", "hidden"]
    assert server.seen[0].path == "/calendar/v3/users/me/calendarList"
    assert [seen.query.get("pageToken") for seen in server.seen] == [None, "p2"]
    assert {seen.query["showHidden"] for seen in server.seen} == {"true"}


# busy times -------------------------------------------------------------------------------------------------------


def busy(*spans):
    return {"busy": [{"start": start, "end": end} for start, end in spans]}


def at(hour, minute=0, day=1):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


async def test_busy_times_and_the_calendars_that_would_not_say(session, server):
    server.script(
        Reply(
            body={
                "kind": "calendar#freeBusy",
                "calendars": {
                    "a": busy(
                        ("2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"),
                        ("2026-03-01T10:00:00+00:00", "2026-03-01T11:00:00Z"),
                    ),
                    "b": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []},
                    "c": {"busy": [{"start": "yesterday", "end": "today"}]},
                    "d": busy(),
                    "f": busy(("2026-03-01T09:00:00", "2026-03-01T10:00:00")),
                },
            }
        )
    )
    found = await session.free_busy(["a", "b", "c", "d", "e", "f", "a"], WINDOW)
    assert found == {
        "a": BusyTimes((Timed(at(9), at(11)),)),
        "b": BusyTimes(unknown="notFound", refused=True),
        "c": BusyTimes(unknown="unreadable"),
        "d": BusyTimes(()),
        "e": BusyTimes(unknown="missing"),
        "f": BusyTimes(unknown="unreadable"),
    }
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/calendar/v3/freeBusy")
    assert [item["id"] for item in seen.json["items"]] == ["a", "b", "c", "d", "e", "f"]


async def test_many_calendars_and_long_windows_are_asked_in_parts_and_joined(session, server):
    names = [f"c{number}" for number in range(60)]
    window = Timed(at(0), at(0) + timedelta(days=100))
    cut = at(0) + timedelta(days=60)

    def part(calendars, start, end):
        return Reply(body={"calendars": {name: busy((start.isoformat(), end.isoformat())) for name in calendars}})

    first = part(names[:50], cut - timedelta(hours=1), cut)
    second = part(names[:50], cut, cut + timedelta(hours=1))
    third = Reply(body={"calendars": {name: {"errors": [{"reason": "internalError"}]} for name in names[50:]}})
    server.script(first, second, third, part(names[50:], cut, cut + timedelta(hours=1)))
    session._rest._slots = asyncio.Semaphore(1)  # the script has one order
    found = await session.free_busy(names, window)
    assert found["c0"] == BusyTimes((Timed(cut - timedelta(hours=1), cut + timedelta(hours=1)),))
    assert found["c55"] == BusyTimes(unknown="internalError"), "unknown in one part is unknown"
    bodies = [seen.json for seen in server.seen]
    assert [len(body["items"]) for body in bodies] == [50, 50, 10, 10]
    assert [(body["timeMin"], body["timeMax"]) for body in bodies[:2]] == [
        ("2026-03-01T00:00:00Z", "2026-04-30T00:00:00Z"),
        ("2026-04-30T00:00:00Z", "2026-06-09T00:00:00Z"),
    ]


async def test_a_busy_request_that_fails_as_a_whole_raises(session, server):
    server.script(Reply(503), Drop())
    for _ in range(2):
        with pytest.raises(Transient):
            await session.free_busy(["a"], WINDOW)


async def test_without_the_free_busy_scope_the_events_answer(session, server):
    opaque = single(start={"dateTime": "2026-03-01T09:30:00Z"}, end={"dateTime": "2026-03-01T10:00:00Z"})
    overlapping = single(id="x1", start={"dateTime": "2026-03-01T09:45:00Z"}, end={"dateTime": "2026-03-01T11:00:00Z"})
    before = single(id="x2", start={"dateTime": "2026-02-28T23:00:00Z"}, end={"dateTime": "2026-03-01T00:30:00Z"})
    free = single(id="x3", transparency="transparent")
    holiday = single(id="x4", start={"date": "2026-03-29"}, end={"date": "2026-03-30"})
    server.script(SCOPE, Reply(body=page(opaque, overlapping, before, free, holiday)), Reply(body=page()))
    assert await session.free_busy([CALENDAR], WINDOW) == {
        CALENDAR: BusyTimes(
            (
                Timed(at(0), at(0, 30)),
                Timed(at(9, 30), at(11)),
                Timed(at(23, day=28), at(22, day=29)),  # 23 hours: clocks go forward in Berlin
            )
        )
    }
    await session.free_busy([CALENDAR], WINDOW)
    assert [seen.path for seen in server.seen] == ["/calendar/v3/freeBusy", EVENTS, EVENTS], (
        "the scope is asked for once"
    )


async def test_without_the_scope_a_calendar_that_cannot_be_read_is_unknown(session, server):
    session._may_ask_free_busy = False
    session._rest._slots = asyncio.Semaphore(1)
    damaged = single(start={"dateTime": "?"})
    server.script(refused(404, "notFound"), refused(403, "requiredAccessLevel"), Reply(body=page(damaged)))
    assert await session.free_busy(["a", "b", "c"], WINDOW) == {
        "a": BusyTimes(unknown="notFound", refused=True),
        "b": BusyTimes(unknown="requiredAccessLevel", refused=True),
        "c": BusyTimes(unknown="unreadable"),
    }
