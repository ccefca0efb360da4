"""The verbs against a server that says what we tell it: queries, cursors, refusals, and writes that go wrong."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import (
    Attendee,
    Busy,
    BusyTimes,
    EventDraft,
    Notify,
    Removed,
    Response,
    SeriesTouched,
    Timed,
    Upsert,
)
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    CursorExpired,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    Misconfigured,
    PermissionDenied,
    ProtocolError,
    QuotaExceeded,
    RateLimited,
    Transient,
)
from app.providers.google.drafts import event_id
from app.providers.google.oauth import GoogleSettings
from app.providers.google.provider import GoogleProvider
from tests.providers.google.judged import JudgedHttp
from tests.providers.google.payloads import cancelled_exception, exception, master, page, single
from tests.providers.scripted import Drop, Reply, ScriptedServer
from tests.providers.tokens import Tokens

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CALENDAR = "en.german#holiday@group.v.calendar.google.com"
EVENTS = f"/calendar/v3/calendars/{CALENDAR}/events"
KEY = "booking-1"
MINE = event_id(KEY)
WINDOW = Timed(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
DRAFT = EventDraft(
    "Intro call",
    Timed(datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "Europe/Berlin"),
    description="Hello",
    attendees=(Attendee("grace@example.com", "Grace"),),
)


@pytest.fixture
async def server():
    async with ScriptedServer() as server:
        yield server
        assert server.left == 0


@pytest.fixture
async def session(server):
    settings = GoogleSettings(
        client_id="client",
        client_secret="secret",
        auth_url=f"{server.url}/auth",
        token_url=f"{server.url}/token",
        revoke_url=f"{server.url}/revoke",
        userinfo_url=f"{server.url}/userinfo",
        api_url=f"{server.url}/calendar/v3/",
    )
    async with JudgedHttp(timeout_seconds=3) as http:
        yield GoogleProvider(settings, http, clock=lambda: NOW).open(Tokens())


def refused(code, reason, message="No.", **more):
    body = {"error": {"errors": [{"domain": "global", "reason": reason, "message": message}], "code": code, **more}}
    body["error"]["message"] = message
    return Reply(code, body)


def mine(**changes):
    return Reply(body=single(id=MINE, **changes))


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
        assert (query["singleEvents"], query["maxResults"]) == ("false", "2500")
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
        "b": BusyTimes(unknown="notFound"),
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


SCOPE = refused(
    403,
    "insufficientPermissions",
    status="PERMISSION_DENIED",
    details=[{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}],
)


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
        "a": BusyTimes(unknown="notFound"),
        "b": BusyTimes(unknown="requiredAccessLevel"),
        "c": BusyTimes(unknown="unreadable"),
    }


# creating ---------------------------------------------------------------------------------------------------------


def test_the_id_of_an_event_comes_from_its_key_in_googles_alphabet():
    assert event_id("k") == event_id("k")
    assert event_id("k") != event_id("l")
    assert len(event_id("k")) == 52
    assert set(event_id("k")) <= set("0123456789abcdefghijklmnopqrstuv")
    assert int(event_id("k"), 32) >> 4 == int.from_bytes(hashlib.sha256(b"k").digest())


async def test_an_event_is_created_whole(session, server):
    server.script(mine())
    created = await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)
    assert (created.id, created.key) == (MINE, KEY)
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", EVENTS)
    assert seen.query["sendUpdates"] == "none"
    body = seen.json
    guests = body["extendedProperties"]["private"].pop("calendar_connect_guests")
    assert "grace" not in guests
    assert body == {
        "id": MINE,
        "summary": "Intro call",
        "description": "Hello",
        "start": {"dateTime": "2026-03-02T09:00:00Z", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-03-02T09:30:00Z", "timeZone": "Europe/Berlin"},
        "attendees": [{"email": "grace@example.com", "displayName": "Grace", "responseStatus": "needsAction"}],
        "reminders": {"useDefault": True},
        "extendedProperties": {"private": {"calendar_connect_key": KEY}},
    }


async def test_r56_a_video_link_is_asked_for_with_an_id_of_its_own(session, server):
    server.script(mine())
    draft = EventDraft("x", Timed(DRAFT.when.start, DRAFT.when.end), location="Meet", video=True)
    await session.create_event(CALENDAR, draft, key=KEY, notify=Notify.EVERYBODY)
    (seen,) = server.seen
    assert (seen.query["conferenceDataVersion"], seen.query["sendUpdates"]) == ("1", "all")
    assert seen.json["conferenceData"]["createRequest"] == {
        "requestId": MINE,
        "conferenceSolutionKey": {"type": "hangoutsMeet"},
    }
    assert seen.json["location"] == "Meet"
    assert "timeZone" not in seen.json["start"]


async def test_a_calendar_without_video_gets_the_event_without_it(session, server):
    server.script(refused(400, "invalid", "Invalid conference type value."), mine())
    draft = EventDraft("x", DRAFT.when, video=True)
    await session.create_event(CALENDAR, draft, key=KEY, notify=Notify.NOBODY)
    assert "conferenceData" in server.seen[0].json
    assert "conferenceData" not in server.seen[1].json
    assert server.seen[1].json["id"] == MINE


async def test_r46_a_repeat_answers_the_event_of_the_first(session, server):
    server.script(refused(409, "duplicate"), mine())
    created = await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)
    assert created.id == MINE
    assert [seen.method for seen in server.seen] == ["POST", "GET"]


@pytest.mark.parametrize("marks", [{"private": {"calendar_connect_key": KEY}}, None])
async def test_an_event_of_ours_that_was_deleted_is_brought_back(session, server, marks):
    server.script(refused(409, "duplicate"), mine(status="cancelled", extendedProperties=marks), mine())
    await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.EVERYBODY)
    revival = server.seen[2]
    assert (revival.method, revival.path) == ("PATCH", f"{EVENTS}/{MINE}")
    assert revival.query["sendUpdates"] == "all"
    assert revival.json["status"] == "confirmed"
    assert revival.json["summary"] == "Intro call"
    assert revival.json["location"] is None, "what the deleted one had and the draft has not is taken away"
    assert [guest["email"] for guest in revival.json["attendees"]] == ["grace@example.com"]


@pytest.mark.parametrize("marks", [{"private": {"calendar_connect_key": "other"}}, None])
async def test_somebody_elses_event_under_our_id_is_left_alone(session, server, marks):
    server.script(refused(409, "duplicate"), mine(extendedProperties=marks))
    with pytest.raises(InvalidRequest):
        await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)
    assert len(server.seen) == 2


async def test_an_id_taken_by_what_cannot_be_read_is_not_known_to_be_ours(session, server):
    server.script(refused(409, "duplicate"), refused(404, "notFound"))
    with pytest.raises(AmbiguousOutcome):
        await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)


@pytest.mark.parametrize("answer", [Drop(), Reply(500), Reply(body=b"<html>"), Reply(body={}), Reply(body={"id": "x"})])
async def test_a_write_without_a_clear_answer_is_ambiguous_and_sent_once(session, server, answer):
    server.script(answer)
    with pytest.raises(AmbiguousOutcome):
        await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)
    assert len(server.seen) == 1


async def test_creating_on_a_calendar_that_is_gone(session, server):
    server.script(refused(404, "notFound"))
    with pytest.raises(CalendarGone):
        await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)


async def test_an_event_is_found_by_its_key_at_its_id(session, server):
    server.script(mine(), mine(status="cancelled"), mine(extendedProperties=None))
    assert (await session.find_by_key(CALENDAR, KEY, around=WINDOW)).id == MINE
    assert await session.find_by_key(CALENDAR, KEY, around=WINDOW) is None, "deleted"
    assert await session.find_by_key(CALENDAR, KEY, around=WINDOW) is None, "not marked as ours"
    assert {seen.path for seen in server.seen} == {f"{EVENTS}/{MINE}"}


async def test_an_event_that_carries_the_key_under_another_id_is_found_too(session, server):
    server.script(refused(404, "notFound"), Reply(body=page(nextPageToken="p2")), Reply(body=page(single(id="copied"))))
    assert (await session.find_by_key(CALENDAR, KEY, around=WINDOW)).id == "copied"
    assert server.seen[1].query["privateExtendedProperty"] == f"calendar_connect_key={KEY}"
    assert "timeMin" not in server.seen[1].query, "wherever it was moved"
    assert server.seen[2].query["pageToken"] == "p2"


async def test_no_event_with_the_key_is_none_and_no_calendar_is_an_error(session, server):
    server.script(refused(404, "notFound"), Reply(body=page(single(status="cancelled"))))
    assert await session.find_by_key(CALENDAR, KEY, around=WINDOW) is None
    server.script(refused(404, "notFound"), refused(404, "notFound"))
    with pytest.raises(CalendarGone):
        await session.find_by_key(CALENDAR, KEY, around=WINDOW)


# changing ---------------------------------------------------------------------------------------------------------


def standing(*guests, etag='"1"', invited=(), **more):
    marks = " ".join(hashlib.sha256(address.encode()).hexdigest()[:10] for address in invited)
    return Reply(
        body={
            "etag": etag,
            "status": "confirmed",
            "attendees": list(guests),
            "extendedProperties": {"private": {"calendar_connect_guests": marks}},
            **more,
        }
    )


GRACE = {"email": "Grace@example.com", "responseStatus": "accepted", "comment": "fine", "additionalGuests": 1}


async def update(session, draft=DRAFT, *, if_match=None):
    return await session.update_event(CALENDAR, MINE, draft, key=KEY, if_match=if_match, notify=Notify.NOBODY)


async def test_an_update_writes_only_what_stands_on_condition_that_it_still_stands(session, server):
    server.script(standing(GRACE, etag='"7"'), mine())
    await update(session)
    _, patch = server.seen
    assert (patch.method, patch.path) == ("PATCH", f"{EVENTS}/{MINE}")
    assert patch.headers["if-match"] == '"7"'
    assert patch.json.keys() == {"summary", "description", "location", "start", "end", "extendedProperties"}
    assert patch.json["extendedProperties"]["private"]["calendar_connect_key"] == KEY


async def test_guests_keep_their_answers_and_those_we_did_not_invite_stay(session, server):
    alan = {"email": "alan@example.com", "responseStatus": "tentative", "optional": True}
    linus = {"email": "linus@example.com", "responseStatus": "accepted"}
    room = {"email": "room@resource.calendar.google.com", "resource": True}
    wanted = EventDraft("x", DRAFT.when, attendees=(Attendee("grace@example.com"), Attendee("new@example.com", "New")))
    server.script(standing(GRACE, alan, linus, room, invited=["grace@example.com", "linus@example.com"]), mine())
    await update(session, wanted)
    guests = server.seen[1].json["attendees"]
    assert guests == [
        GRACE,
        alan,
        room,
        {"email": "new@example.com", "displayName": "New", "responseStatus": "needsAction"},
    ], "linus was ours and is wanted no more, alan was added by the host"
    marks = server.seen[1].json["extendedProperties"]["private"]["calendar_connect_guests"]
    assert len(marks.split()) == 2


async def test_guests_google_does_not_show_are_never_written_back(session, server):
    server.script(standing(GRACE, attendeesOmitted=True), mine())
    await update(session, EventDraft("x", DRAFT.when, attendees=(Attendee("new@example.com"),)))
    assert "attendees" not in server.seen[1].json


async def test_r56_a_video_link_is_added_only_where_there_is_none(session, server):
    draft = EventDraft("x", DRAFT.when, video=True)
    server.script(
        standing(), mine(), standing(etag='"2"'), mine(), standing(hangoutLink="https://meet.google.com/a"), mine()
    )
    for _ in range(3):
        await update(session, draft)
    first, again, present = (server.seen[number].json for number in (1, 3, 5))
    ids = [body["conferenceData"]["createRequest"]["requestId"] for body in (first, again)]
    assert ids[0] != ids[1], "Google ignores a request id it has seen"
    assert "conferenceData" not in present


async def test_a_race_is_run_again_but_not_for_ever(session, server):
    server.script(standing(etag='"1"'), refused(412, "conditionNotMet"), standing(etag='"2"'), mine())
    await update(session)
    assert [seen.headers.get("if-match") for seen in server.seen] == [None, '"1"', None, '"2"']
    server.script(*[standing(), refused(412, "conditionNotMet")] * 3)
    with pytest.raises(EditConflict):
        await update(session)


async def test_a_caller_who_names_a_version_is_told_of_the_conflict(session, server):
    server.script(standing(etag='"2"'))
    with pytest.raises(EditConflict):
        await update(session, if_match='"1"')
    server.script(standing(etag='"1"'), refused(412, "conditionNotMet"))
    with pytest.raises(EditConflict):
        await update(session, if_match='"1"')
    assert len(server.seen) == 3


@pytest.mark.parametrize("answer", [refused(404, "notFound"), refused(410, "deleted"), standing(status="cancelled")])
async def test_an_event_that_is_gone_is_not_changed(session, server, answer):
    server.script(answer)
    with pytest.raises(EventNotFound):
        await update(session)
    assert len(server.seen) == 1


async def test_an_event_deleted_between_look_and_write_is_not_revived(session, server):
    server.script(standing(), refused(410, "deleted"))
    with pytest.raises(EventNotFound):
        await update(session)
    server.script(standing(), refused(412, "conditionNotMet"), standing(status="cancelled"))
    with pytest.raises(EventNotFound):
        await update(session)


async def test_only_the_organizer_may_change_what_is_shared(session, server):
    server.script(standing(), refused(403, "forbiddenForNonOrganizer"))
    with pytest.raises(PermissionDenied) as refusal:
        await update(session)
    assert refusal.value.provider_code == "forbiddenForNonOrganizer"


@pytest.mark.parametrize("answer", [Reply(204), refused(404, "notFound"), refused(410, "deleted")])
async def test_a_cancelled_event_is_gone_also_when_it_was_gone_before(session, server, answer):
    server.script(answer)
    await session.cancel_event(CALENDAR, MINE, notify=Notify.EVERYBODY)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("DELETE", f"{EVENTS}/{MINE}", {"sendUpdates": "all"})


async def test_a_delete_without_answer_is_ambiguous(session, server):
    server.script(Drop(), refused(403, "forbidden"))
    with pytest.raises(AmbiguousOutcome):
        await session.cancel_event(CALENDAR, MINE, notify=Notify.NOBODY)
    with pytest.raises(PermissionDenied):
        await session.cancel_event(CALENDAR, MINE, notify=Notify.NOBODY)


ME = {"email": "ada@example.com", "self": True, "responseStatus": "needsAction"}


@pytest.mark.parametrize(
    ("response", "status"),
    [(Response.ACCEPTED, "accepted"), (Response.DECLINED, "declined"), (Response.TENTATIVE, "tentative")],
)
async def test_an_answer_changes_ones_own_entry_only(session, server, response, status):
    server.script(standing(GRACE, ME), mine())
    await session.respond(CALENDAR, "e1", response)
    patch = server.seen[1]
    assert patch.json == {"attendees": [GRACE, {**ME, "responseStatus": status}]}
    assert patch.headers["if-match"] == '"1"'


async def test_an_answer_among_too_many_guests_to_be_shown(session, server):
    server.script(standing(ME, attendeesOmitted=True), mine())
    await session.respond(CALENDAR, "e1", Response.ACCEPTED)
    assert server.seen[1].json == {"attendees": [{**ME, "responseStatus": "accepted"}], "attendeesOmitted": True}


async def test_who_is_not_invited_cannot_answer(session, server):
    server.script(standing(GRACE))
    with pytest.raises(InvalidRequest):
        await session.respond(CALENDAR, "e1", Response.ACCEPTED)


# refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (refused(403, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
        (refused(403, "userRateLimitExceeded"), RateLimited, "userRateLimitExceeded"),
        (refused(429, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
        (Reply(429, b"slow down"), RateLimited, None),
        (refused(403, "quotaExceeded"), QuotaExceeded, "quotaExceeded"),
        (refused(403, "insufficientPermissions"), PermissionDenied, "insufficientPermissions"),
        (SCOPE, PermissionDenied, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (refused(403, "forbidden"), PermissionDenied, "forbidden"),
        (Reply(403, b"<html>"), PermissionDenied, None),
        (refused(403, "accessNotConfigured"), Misconfigured, "accessNotConfigured"),
        (refused(400, "timeRangeEmpty"), InvalidRequest, "timeRangeEmpty"),
        (Reply(400, b'{"error": "bad"}'), InvalidRequest, "bad"),
        (Reply(400, b'{"error": {"errors": "x", "details": [7], "message": 5}}'), InvalidRequest, None),
        (Reply(400, b"[]"), InvalidRequest, None),
        (refused(409, "conflict"), InvalidRequest, "conflict"),
        (refused(413, "uploadTooLarge"), InvalidRequest, "uploadTooLarge"),
    ],
)
async def test_what_googles_refusals_mean(session, server, answer, error, code):
    server.script(answer)
    with pytest.raises(error) as refusal:
        await session.list_calendars()
    assert refusal.value.provider_code == code
    assert refusal.value.operation == "google.calendar_list"


async def test_throttling_says_how_long_to_wait_when_google_does(session, server):
    body = refused(429, "rateLimitExceeded").body
    server.script(Reply(429, body, {"Retry-After": "30"}), Reply(429, body))
    for seconds in (30, None):
        with pytest.raises(RateLimited) as throttled:
            await session.list_calendars()
        assert throttled.value.retry_after == seconds


async def test_a_refusal_never_repeats_what_google_quotes(session, server):
    server.script(refused(400, "secret reason!", "Invalid value: ada@example.com"))
    with pytest.raises(InvalidRequest) as refusal:
        await session.list_calendars()
    assert "ada" not in str(refusal.value)
    assert refusal.value.provider_code is None
    assert "secret" not in str(refusal.value)


async def test_busy_events_are_told_apart_in_a_window(session, server):
    server.script(
        Reply(body=page(single(), single(id="x1", eventType="outOfOffice"), single(id="x2", status="tentative")))
    )
    assert [event.busy for event in await listed(session)] == [Busy.BUSY, Busy.OUT_OF_OFFICE, Busy.TENTATIVE]
