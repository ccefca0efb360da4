"""Writes against a server that says what we tell it: bodies, conditions, repeats."""

import hashlib
from dataclasses import replace

import pytest

from app.calendar import (
    Attendee,
    EventDraft,
    Notify,
    Response,
    Timed,
)
from app.providers.base import (
    AmbiguousOutcome,
    CalendarGone,
    EditConflict,
    EventNotFound,
    InvalidRequest,
    PermissionDenied,
)
from app.providers.google.drafts import event_id
from tests.providers.google.payloads import page, single
from tests.providers.google.scripted_google import (
    CALENDAR,
    DRAFT,
    EVENTS,
    KEY,
    MINE,
    WINDOW,
    mine,
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


async def test_what_visitors_typed_is_no_page_in_googles_description(session, server):
    server.script(mine(), standing(), mine())
    typed = 'Ada <ada@example.com>\n<a href="https://evil.example">R&D</a>'
    draft = replace(DRAFT, description=typed, title="R&D <b>", location="<Room> & more")
    await session.create_event(CALENDAR, draft, key=KEY, notify=Notify.NOBODY)
    await update(session, draft)
    for body in (server.seen[0].json, server.seen[2].json):
        assert body["description"] == (
            'Ada &lt;ada@example.com&gt;\n&lt;a href="https://evil.example"&gt;R&amp;D&lt;/a&gt;'
        )
        assert (body["summary"], body["location"]) == ("R&D <b>", "<Room> & more"), "these are plain text"


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


NO_ZONE = refused(400, "invalid", "Invalid time zone definition for start time.")


async def test_p2_a_zone_newer_than_google_costs_the_zone_and_never_the_event(session, server):
    server.script(NO_ZONE, refused(400, "invalid", "Invalid conference type value."), mine())
    await session.create_event(CALENDAR, replace(DRAFT, video=True), key=KEY, notify=Notify.NOBODY)
    first, again, last = (seen.json for seen in server.seen)
    assert first["start"] == {"dateTime": "2026-03-02T09:00:00Z", "timeZone": "Europe/Berlin"}
    assert (again["start"], again["end"]) == (
        {"dateTime": "2026-03-02T09:00:00Z"},
        {"dateTime": "2026-03-02T09:30:00Z"},
    )
    assert last == {name: value for name, value in again.items() if name != "conferenceData"}
    assert first.keys() == again.keys()


async def test_p2_an_event_is_moved_without_the_zone_that_google_does_not_know(session, server):
    server.script(standing(), NO_ZONE, mine())
    await update(session)
    assert server.seen[2].json["start"] == {"dateTime": "2026-03-02T09:00:00Z", "date": None}


async def test_a_zone_that_we_did_not_name_is_refused_once(session, server):
    server.script(NO_ZONE)
    draft = replace(DRAFT, when=Timed(DRAFT.when.start, DRAFT.when.end))
    with pytest.raises(InvalidRequest):
        await session.create_event(CALENDAR, draft, key=KEY, notify=Notify.NOBODY)


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


async def test_a_deleted_one_of_which_nothing_but_its_id_is_told_is_brought_back(session, server):
    server.script(refused(409, "duplicate"), Reply(body={"id": MINE, "status": "cancelled"}), mine())
    event = await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)
    assert (event.id, server.seen[2].method) == (MINE, "PATCH")


@pytest.mark.parametrize("answer", [refused(403, "forbidden"), refused(404, "notFound"), refused(410, "deleted")])
async def test_one_that_nobody_may_bring_back_is_made_anew_under_the_next_id(session, server, answer):
    again = event_id(KEY, 1)
    deleted = mine(status="cancelled", extendedProperties=None)
    server.script(refused(409, "duplicate"), deleted, answer, Reply(body=single(id=again)))
    event = await session.create_event(CALENDAR, DRAFT, key=KEY, notify=Notify.NOBODY)
    assert (event.id, server.seen[3].json["id"]) == (again, again)
    assert again != MINE

    found = single(id=again, extendedProperties={"private": {"calendar_connect_key": KEY}})
    server.script(deleted, Reply(body=page(found)))
    assert (await session.find_by_key(CALENDAR, KEY, around=DRAFT.when)).id == again


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
    server.script(mine(), mine(extendedProperties=None))
    assert (await session.find_by_key(CALENDAR, KEY, around=WINDOW)).id == MINE
    assert await session.find_by_key(CALENDAR, KEY, around=WINDOW) is None, "not marked as ours"
    assert {seen.path for seen in server.seen} == {f"{EVENTS}/{MINE}"}

    server.script(mine(status="cancelled"), Reply(body=page()))
    assert await session.find_by_key(CALENDAR, KEY, around=WINDOW) is None, "deleted, and not made anew"


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
