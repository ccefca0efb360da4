"""Writes against a server that says what we tell it: bodies, conditions, repeats."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import Attendee, Notify, Response, Timed
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
)
from app.providers.graph.marks import GUESTS_PROPERTY, KEY_PROPERTY, fingerprints, transaction_id
from tests.providers.graph.payloads import KEY, MINE, at, guest, marked, page, single
from tests.providers.graph.scripted_graph import (
    CALENDAR,
    DENIED,
    DRAFT,
    EVENTS,
    GONE,
    NO_SUCH_ID,
    TAKEN,
    UNDELETABLE,
    VIEW,
    mine,
    refused,
    scripted_graph,
    session_at,
)
from tests.providers.scripted import Drop, Reply

NOTHING = Reply(body=page())
GRACE = guest("grace@example.com", "accepted")


@pytest.fixture
async def server():
    async with scripted_graph() as server:
        yield server


@pytest.fixture
async def session(server):
    async with session_at(server) as session:
        yield session


def create(session, draft=DRAFT, notify=Notify.NOBODY):
    return session.create_event(CALENDAR, draft, key=KEY, notify=notify)


# creating ---------------------------------------------------------------------------------------------------------


async def test_an_event_is_created_whole(session, server):
    server.script(mine(transactionId=None))
    created = await create(session)
    assert (created.id, created.key) == (MINE, KEY)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("POST", EVENTS, {})
    assert 'IdType="ImmutableId"' in seen.headers["prefer"]
    body = seen.json
    marks = {entry["id"]: entry["value"] for entry in body.pop("singleValueExtendedProperties")}
    assert marks == {KEY_PROPERTY: KEY, GUESTS_PROPERTY: fingerprints(["Grace@example.com"])}
    assert "grace" not in marks[GUESTS_PROPERTY]
    assert body == {
        "transactionId": transaction_id(KEY, 0),
        "subject": "Intro call",
        "body": {"contentType": "text", "content": "Hello"},
        "location": {"displayName": ""},
        "start": {"dateTime": "2026-03-02T10:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-03-02T10:30:00", "timeZone": "W. Europe Standard Time"},
        "attendees": [{"emailAddress": {"address": "grace@example.com", "name": "Grace"}, "type": "required"}],
        "showAs": "busy",
    }


@pytest.mark.parametrize(
    ("start", "zone", "told"),
    [
        (datetime(2026, 7, 1, 9, tzinfo=UTC), None, ("2026-07-01T09:00:00", "UTC")),
        (datetime(2026, 7, 1, 9, tzinfo=UTC), "Asia/Kolkata", ("2026-07-01T14:30:00", "India Standard Time")),
        (datetime(2026, 7, 1, 9, tzinfo=UTC), "Antarctica/Troll", ("2026-07-01T09:00:00", "UTC")),
        (datetime(2026, 10, 25, 0, 15, tzinfo=UTC), "Europe/Rome", ("2026-10-25T00:15:00", "UTC")),
        (datetime(2026, 10, 24, 23, 45, tzinfo=UTC), "Europe/Rome", ("2026-10-24T23:45:00", "UTC")),
        (datetime(2026, 3, 29, 0, 45, tzinfo=UTC), "Europe/Rome", ("2026-03-29T01:45:00", "W. Europe Standard Time")),
    ],
    ids=["no zone", "Windows' name", "none in Windows", "an hour that comes twice", "ends in it", "over a gap"],
)
async def test_the_zone_goes_along_where_it_cannot_be_misread(session, server, start, zone, told):
    server.script(mine())
    await create(session, replace(DRAFT, when=Timed(start, start + timedelta(minutes=30), zone)))
    body = server.seen[0].json
    assert (body["start"]["dateTime"], body["start"]["timeZone"]) == told
    assert body["end"]["timeZone"] == told[1]


async def test_a_zone_newer_than_the_server_is_told_as_utc(session, server):
    server.script(refused(400, "TimeZoneNotSupportedException"), mine())
    await create(session)
    assert server.seen[1].json["start"] == {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"}
    assert server.seen[1].json["transactionId"] == server.seen[0].json["transactionId"]
    server.script(*[refused(400, "TimeZoneNotSupportedException")] * 2)
    with pytest.raises(InvalidRequest):
        await create(session)


async def test_r56_a_video_link_is_a_teams_meeting(session, server):
    server.script(mine())
    created = await create(session, replace(DRAFT, video=True, location="Teams"), Notify.EVERYBODY)
    body = server.seen[0].json
    assert (body["isOnlineMeeting"], body["onlineMeetingProvider"]) == (True, "teamsForBusiness")
    assert body["location"] == {"displayName": "Teams"}
    assert created.video_url == "https://teams.microsoft.com/l/meetup-join/1"


async def test_a_calendar_without_video_gets_the_event_without_it(session, server):
    no_meeting = refused(400, "ErrorInvalidRequest", "OnlineMeetingProvider is not supported by this calendar.")
    server.script(no_meeting, mine())
    await create(session, replace(DRAFT, video=True))
    assert "isOnlineMeeting" in server.seen[0].json
    assert not server.seen[1].json.keys() & {"isOnlineMeeting", "onlineMeetingProvider"}
    server.script(no_meeting)
    with pytest.raises(InvalidRequest):
        await create(session)


async def test_r46_a_transaction_that_is_taken_answers_the_event_it_made(session, server):
    server.script(TAKEN, Reply(body=page(single(transactionId=None, singleValueExtendedProperties=marked()))))
    assert (await create(session)).id == MINE
    assert [seen.method for seen in server.seen] == ["POST", "GET"]


async def test_an_event_of_ours_that_was_deleted_is_brought_back_under_the_next_attempt(session, server):
    server.script(TAKEN, NOTHING, NOTHING, TAKEN, NOTHING, NOTHING, mine())
    await create(session)
    posts = [seen.json["transactionId"] for seen in server.seen if seen.method == "POST"]
    assert posts == [transaction_id(KEY, attempt) for attempt in range(3)]


async def test_a_transaction_whose_event_was_dragged_to_another_calendar_is_not_taken_for_made(session, server):
    """Asked for with the old transaction Graph tells of the old event, which is not in this calendar any more."""
    old = mine(createdDateTime="2026-02-22T19:58:05.3760425Z")
    server.script(old, refused(404, "ErrorItemNotFound"), mine(id="another"))
    assert (await create(session)).id == "another"
    posts = [seen.json["transactionId"] for seen in server.seen if seen.method == "POST"]
    assert posts == [transaction_id(KEY, attempt) for attempt in range(2)]


async def test_an_answer_that_was_lost_costs_one_look(session, server):
    old = mine(createdDateTime="2026-02-22T19:58:05.3760425Z")
    server.script(old, old)
    await create(session)
    assert [seen.method for seen in server.seen] == ["POST", "GET"]


async def test_an_event_that_is_deleted_again_and_again_is_left_alone_at_last(session, server):
    server.script(*[TAKEN, NOTHING, NOTHING] * 10)
    with pytest.raises(InvalidRequest):
        await create(session)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Drop(), AmbiguousOutcome),
        (Reply(503, headers={"Retry-After": "20"}), AmbiguousOutcome),
        (Reply(504), AmbiguousOutcome),
        (Reply(200, b"<html>"), AmbiguousOutcome),
        (Reply(302, headers={"Location": "https://login.example"}), AmbiguousOutcome),
        (mine(start=None), AmbiguousOutcome),
        (refused(429, "ApplicationThrottled"), RateLimited),
        (refused(403, "ErrorQuotaExceeded"), QuotaExceeded),
        (GONE, CalendarGone),
        (NO_SUCH_ID, CalendarGone),
        (DENIED, PermissionDenied),
    ],
)
async def test_how_a_create_ends_otherwise(session, server, answer, error):
    server.script(answer)
    with pytest.raises(error):
        await create(session)
    assert len(server.seen) == 1


# finding ----------------------------------------------------------------------------------------------------------


def find(session, around=DRAFT.when, key=KEY):
    return session.find_by_key(CALENDAR, key, around=around)


async def test_an_event_is_found_by_its_property_wherever_it_is(session, server):
    server.script(Reply(body=page(single(transactionId=None, singleValueExtendedProperties=marked("it's")))))
    assert (await find(session, key="it's")).id == MINE
    (seen,) = server.seen
    assert seen.path == EVENTS
    assert seen.query["$filter"] == (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY_PROPERTY}' and ep/value eq 'it''s')"
    )
    assert "startDateTime" not in seen.query


async def test_an_event_is_found_by_its_transaction_near_where_it_was_put(session, server):
    server.script(NOTHING, Reply(body=page(single(id="other", transactionId="localevent:1"), single())))
    assert (await find(session)).id == MINE
    view = server.seen[1]
    assert view.path == VIEW
    assert (view.query["startDateTime"], view.query["endDateTime"]) == ("2026-03-01T09:00:00Z", "2026-03-03T09:30:00Z")


async def test_a_cancelled_event_is_not_found_and_a_whole_year_is_not_searched(session, server):
    server.script(Reply(body=page(single(isCancelled=True))), Reply(body=page(single(isCancelled=True))))
    assert await find(session) is None
    server.script(NOTHING)
    assert await find(session, around=Timed(DRAFT.when.start, DRAFT.when.start + timedelta(days=400))) is None


async def test_what_another_search_finds_is_not_ours(session, server):
    server.script(Reply(body=page(single(transactionId=None))), NOTHING)
    assert await find(session) is None


async def test_a_calendar_that_is_gone_says_nothing_about_the_event(session, server):
    server.script(GONE)
    with pytest.raises(CalendarGone):
        await find(session)


# changing ---------------------------------------------------------------------------------------------------------


def standing(*guests, etag='W/"1"', invited=(), **more):
    marks = [{"id": GUESTS_PROPERTY, "value": fingerprints(invited)}]
    row = single(attendees=list(guests), isOnlineMeeting=False, singleValueExtendedProperties=marks)
    return Reply(body={**row, "@odata.etag": etag, **more})


AS_DRAFTED = {
    "subject": "Intro call",
    "body": {"contentType": "text", "content": "Hello\r\n"},
    "location": {"displayName": ""},
    "start": at("2026-03-02T09:00:00"),
    "end": at("2026-03-02T09:30:00"),
}


def update(session, draft=DRAFT, *, if_match=None):
    return session.update_event(CALENDAR, MINE, draft, key=KEY, if_match=if_match, notify=Notify.NOBODY)


async def test_an_update_is_made_on_condition_that_the_event_still_stands(session, server):
    server.script(standing(GRACE, etag='W/"7"'), mine())
    changed = await update(session)
    assert changed.key == KEY
    look, patch = server.seen
    assert "calendar_connect_guests" in look.query["$expand"]
    assert (patch.method, patch.path) == ("PATCH", f"{EVENTS}/{MINE}")
    assert patch.headers["if-match"] == 'W/"7"'
    assert patch.json.keys() == {"subject", "location", "start", "end", "body", "singleValueExtendedProperties"}
    assert "transactionId" not in patch.json, "Graph lets nobody change it"


@pytest.mark.parametrize(
    ("difference", "named"),
    [
        ({}, set()),
        ({"subject": "Old"}, {"subject"}),
        ({"location": {"displayName": "Room 5"}}, {"location"}),
        ({"location": None}, set()),
        ({"body": {"contentType": "text", "content": "Old\r\n"}}, {"body"}),
        ({"start": at("2026-03-02T08:00:00")}, {"start", "end"}),
        ({"end": {"dateTime": "?"}}, {"start", "end"}),
    ],
)
async def test_an_update_names_only_what_differs_because_guests_are_mailed_about_the_rest(
    session, server, difference, named
):
    server.script(standing(GRACE, **{**AS_DRAFTED, **difference}), mine())
    await update(session)
    assert server.seen[1].json.keys() == {"singleValueExtendedProperties"} | named


async def test_guests_keep_their_answers_and_those_we_did_not_invite_stay(session, server):
    alan = guest("alan@example.com", "tentativelyAccepted", "optional")
    linus = guest("Linus@example.com", "accepted", proposedNewTime={"start": {}})
    room = guest("room@example.com", kind="resource")
    wanted = replace(DRAFT, attendees=(Attendee("grace@example.com"), Attendee("new@example.com", "New")))
    server.script(standing(GRACE, alan, linus, room, invited=["grace@example.com", "linus@example.com"]), mine())
    await update(session, wanted)
    guests = server.seen[1].json["attendees"]
    assert guests == [
        GRACE,
        alan,
        room,
        {"emailAddress": {"address": "new@example.com", "name": "New"}, "type": "required"},
    ], "linus was ours and is wanted no more, alan was added by the host"


async def test_the_description_of_an_online_meeting_is_left_alone_for_the_meeting_lives_in_it(session, server):
    server.script(standing(GRACE, isOnlineMeeting=True), mine())
    await update(session, replace(DRAFT, video=True))
    assert not server.seen[1].json.keys() & {"body", "isOnlineMeeting", "onlineMeetingProvider", "attendees"}


async def test_r56_a_video_link_is_added_only_where_there_is_none(session, server):
    server.script(standing(GRACE), mine())
    await update(session, replace(DRAFT, video=True))
    assert server.seen[1].json["isOnlineMeeting"] is True
    assert "body" in server.seen[1].json


async def test_a_race_is_run_again_but_not_for_ever(session, server):
    changed = refused(412, "ErrorIrresolvableConflict")
    server.script(standing(GRACE, etag='W/"1"'), changed, standing(GRACE, etag='W/"2"'), mine())
    await update(session)
    assert [seen.headers.get("if-match") for seen in server.seen] == [None, 'W/"1"', None, 'W/"2"']
    server.script(*[standing(GRACE), refused(409, "ErrorIrresolvableConflict")] * 3)
    with pytest.raises(EditConflict):
        await update(session)


async def test_a_caller_who_names_a_version_is_told_of_the_conflict(session, server):
    server.script(standing(GRACE, etag='W/"2"'))
    with pytest.raises(EditConflict):
        await update(session, if_match='W/"1"')
    server.script(standing(GRACE), Reply(412))
    with pytest.raises(EditConflict):
        await update(session, if_match='W/"1"')
    assert len(server.seen) == 3


@pytest.mark.parametrize("answer", [GONE, NO_SUCH_ID, standing(isCancelled=True)])
async def test_an_event_that_is_gone_is_not_changed(session, server, answer):
    server.script(answer)
    with pytest.raises(EventNotFound):
        await update(session)
    assert len(server.seen) == 1


async def test_an_event_deleted_between_look_and_write_is_not_found(session, server):
    server.script(standing(GRACE), GONE)
    with pytest.raises(EventNotFound):
        await update(session)


@pytest.mark.parametrize("answer", [Drop(), Reply(500), Reply(200, b"<html>")])
async def test_an_update_without_a_clear_answer_is_ambiguous(session, server, answer):
    server.script(standing(GRACE), answer)
    with pytest.raises(AmbiguousOutcome):
        await update(session)


# ending -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [Reply(204), GONE, NO_SUCH_ID])
async def test_a_cancelled_event_is_gone_also_when_it_was_gone_before(session, server, answer):
    server.script(answer)
    await session.cancel_event(CALENDAR, MINE, notify=Notify.EVERYBODY)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("DELETE", f"{EVENTS}/{MINE}", b"")


@pytest.mark.parametrize(
    "look",
    [(GONE,), (NO_SUCH_ID,), (mine(isCancelled=True),), (mine(), NOTHING)],
    ids=["gone", "no id", "cancelled", "in the bin"],
)
async def test_r46_what_is_gone_may_be_refused_as_not_to_be_deleted(session, server, look):
    """https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3047"""
    server.script(UNDELETABLE, *look)
    await session.cancel_event(CALENDAR, MINE, notify=Notify.NOBODY)
    asked = [(seen.method, seen.path) for seen in server.seen]
    assert asked[:2] == [("DELETE", f"{EVENTS}/{MINE}"), ("GET", f"{EVENTS}/{MINE}")]
    assert asked[2:] == [("GET", VIEW)] * (len(look) - 1)


@pytest.mark.parametrize(
    "look",
    [(mine(), Reply(body=page(single()))), (mine(type="seriesMaster"),), (mine(start=None),)],
    ids=["listed", "series", "no time"],
)
async def test_an_event_that_stands_and_may_not_be_deleted_is_refused(session, server, look):
    server.script(UNDELETABLE, *look)
    with pytest.raises(PermissionDenied) as refusal:
        await session.cancel_event(CALENDAR, MINE, notify=Notify.NOBODY)
    assert refusal.value.provider_code == "ErrorCannotDeleteObject"


async def test_a_delete_without_answer_is_ambiguous(session, server):
    server.script(Drop(), DENIED)
    with pytest.raises(AmbiguousOutcome):
        await session.cancel_event(CALENDAR, MINE, notify=Notify.NOBODY)
    with pytest.raises(PermissionDenied):
        await session.cancel_event(CALENDAR, MINE, notify=Notify.NOBODY)


@pytest.mark.parametrize(
    ("response", "verb"),
    [(Response.ACCEPTED, "accept"), (Response.DECLINED, "decline"), (Response.TENTATIVE, "tentativelyAccept")],
)
async def test_an_answer_goes_to_the_organizer(session, server, response, verb):
    server.script(Reply(202))
    await session.respond(CALENDAR, MINE, response)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.json) == ("POST", f"{EVENTS}/{MINE}/{verb}", {"sendResponse": True})


async def test_who_is_not_invited_cannot_answer_and_no_answer_is_none(session, server):
    not_you = refused(400, "ErrorInvalidRequest", "You're the meeting organizer.")
    server.script(not_you, not_you, Drop())
    with pytest.raises(InvalidRequest):
        await session.respond(CALENDAR, MINE, Response.ACCEPTED)
    with pytest.raises(AmbiguousOutcome):
        await session.respond(CALENDAR, MINE, Response.ACCEPTED)
    with pytest.raises(InvalidRequest):
        await session.respond(CALENDAR, MINE, Response.NEEDS_ACTION)
