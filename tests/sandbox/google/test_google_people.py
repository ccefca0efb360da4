"""Guests, organizers, roles and mails."""

import pytest

from tests.sandbox.google.live import ADA, AUTH, BO, meeting, timed

OUTSIDER = "eve@client.example"


def invite(api, *emails, **more):
    query = {"sendUpdates": more.pop("sendUpdates")} if "sendUpdates" in more else {}
    return api.insert(meeting(id="dinner", attendees=[{"email": email} for email in emails], **more), **query)


def responses(event):
    return {guest["email"]: guest["responseStatus"] for guest in event["attendees"]}


def mails(google, **query):
    return [(mail["kind"], mail["to"]) for mail in google.control("GET", "/outbox", **query)]


def test_a_guest_finds_the_event_on_their_own_calendar_with_the_same_uid(ada, bo):
    made = invite(ada, BO, OUTSIDER, extendedProperties={"private": {"p": "1"}, "shared": {"s": "1"}})
    copy = bo.get("dinner")
    assert copy["iCalUID"] == made["iCalUID"]
    assert copy["organizer"] == {"email": ADA}
    assert copy["extendedProperties"] == {"shared": {"s": "1"}}, "private marks stay with their copy"
    assert [guest.get("self") for guest in copy["attendees"]] == [True, None]
    assert responses(copy) == {BO: "needsAction", OUTSIDER: "needsAction"}


def test_an_answer_flows_to_the_organizer_and_the_other_guests(google, ada, bo):
    cleo = google.api("cleo@example.com")
    invite(ada, BO, "cleo@example.com")
    _, token = ada.sync()
    bo.patch("dinner", {"attendees": [{"email": BO, "responseStatus": "accepted", "comment": "Gladly"}]})
    rows, _ = ada.sync(syncToken=token)
    assert responses(rows[0])[BO] == "accepted"
    assert rows[0]["attendees"][0]["comment"] == "Gladly"
    assert responses(cleo.get("dinner"))[BO] == "accepted"
    assert len(bo.get("dinner")["attendees"]) == 2, "answering with only oneself does not remove the others"


def test_a_person_answers_by_hand_and_a_guest_elsewhere_by_mail(google, ada, bo):
    invite(ada, BO, OUTSIDER)
    google.control("POST", f"/accounts/{BO}/rsvp", {"event": "dinner", "attendee": BO, "response": "declined"})
    google.control("POST", f"/accounts/{ADA}/rsvp", {"event": "dinner", "attendee": OUTSIDER, "response": "tentative"})
    assert responses(ada.get("dinner")) == {BO: "declined", OUTSIDER: "tentative"}
    assert responses(bo.get("dinner")) == {BO: "declined", OUTSIDER: "tentative"}


@pytest.mark.parametrize(
    "own",
    [
        {"colorId": "99"},
        {"transparency": "glass"},
        {"reminders": {"useDefault": False, "overrides": [{"method": "gong", "minutes": 5}]}},
    ],
)
def test_what_a_guest_sets_for_themselves_is_checked_too(ada, bo, own):
    invite(ada, BO)
    assert bo.refused("events.patch", own, calendarId="primary", eventId="dinner") == (400, "invalid")


def test_a_guest_may_not_change_what_is_shared_but_may_change_their_own_copy(ada, bo):
    invite(ada, BO)
    for body in ({"summary": "Mine"}, timed("2026-12-01T12:00:00", "2026-12-01T13:00:00"), {"location": "Here"}):
        assert bo.refused("events.patch", body, calendarId="primary", eventId="dinner") == (
            403,
            "forbiddenForNonOrganizer",
        )
    own = bo.patch(
        "dinner",
        {"transparency": "transparent", "colorId": "5", "extendedProperties": {"private": {"crm": "1"}}},
    )
    assert (own["transparency"], own["extendedProperties"]) == ("transparent", {"private": {"crm": "1"}})
    theirs = ada.get("dinner")
    assert "transparency" not in theirs
    assert "extendedProperties" not in theirs
    ada.patch("dinner", {"summary": "Renamed"})
    copy = bo.get("dinner")
    assert (copy["summary"], copy["transparency"]) == ("Renamed", "transparent"), "own fields survive the organizer"


def test_the_sequence_is_the_organizers(ada, bo):
    invite(ada, BO, sequence=3)
    assert bo.patch("dinner", {"sequence": 0, "colorId": "5"})["sequence"] == 3


def test_a_guest_with_leave_changes_it_for_everybody(ada, bo):
    invite(ada, BO, guestsCanModify=True)
    bo.patch("dinner", {"summary": "Better"})
    assert ada.get("dinner")["summary"] == "Better"


def test_a_guest_brings_others_unless_the_organizer_forbids_it(google, ada, bo):
    cleo = google.api("cleo@example.com")
    invite(ada, BO, OUTSIDER)
    _, token = ada.sync()
    bringing = [
        {"email": BO, "responseStatus": "accepted"},
        {"email": "Cleo@example.com", "responseStatus": "accepted"},
    ]
    brought = bo.patch(
        "dinner", {"attendees": [*bringing, {"email": "new@client.example"}]}, sendUpdates="externalOnly"
    )
    everybody = {
        BO: "accepted",
        OUTSIDER: "needsAction",
        "cleo@example.com": "needsAction",
        "new@client.example": "needsAction",
    }
    assert responses(brought) == everybody
    rows, _ = ada.sync(syncToken=token)
    assert [responses(row) for row in rows] == [everybody]
    assert responses(cleo.get("dinner")) == everybody
    assert responses(bo.get("dinner")) == everybody
    assert mails(google, since=1) == [("invitation", "new@client.example")]
    ada.patch("dinner", {"guestsCanInviteOthers": False})
    more = {"attendees": [{"email": "more@client.example"}]}
    path = {"calendarId": "primary", "eventId": "dinner"}
    assert bo.refused("events.patch", more, **path) == (403, "forbiddenForNonOrganizer")
    assert bo.patch("dinner", {"attendees": brought["attendees"], "colorId": "5"})["colorId"] == "5"
    assert bo.patch("dinner", {**more, "attendeesOmitted": True})["attendees"] == bo.get("dinner")["attendees"]
    assert responses(ada.get("dinner")) == everybody
    ada.patch("dinner", {"guestsCanModify": True})
    assert bo.patch("dinner", more)["attendees"][-1]["email"] == "more@client.example"


def test_a_guest_brings_somebody_to_one_instance(google, ada, bo):
    cleo = google.api("cleo@example.com")
    invite(ada, BO, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    bo.patch("dinner_20261208T090000Z", {"attendees": [{"email": "cleo@example.com"}]})
    assert [row["start"]["dateTime"][:10] for row in cleo.page(singleEvents=True)["items"]] == ["2026-12-08"]
    assert responses(ada.get("dinner_20261208T090000Z")).keys() == {BO, "cleo@example.com"}
    assert responses(ada.get("dinner")).keys() == {BO}


def test_a_guest_answers_and_brings_only_what_is_valid(ada, bo):
    invite(ada, BO)
    path = {"calendarId": "primary", "eventId": "dinner"}
    for method_id in ("events.patch", "events.update"):
        for entry in ({"email": "nobody"}, {"email": BO, "responseStatus": "perhaps"}):
            assert bo.refused(method_id, meeting(attendees=[entry]), **path) == (400, "invalid")
        assert bo.refused(method_id, meeting(attendees=[{"displayName": "Nobody"}]), **path) == (400, "required")
    assert responses(ada.get("dinner")) == {BO: "needsAction"}


def test_a_guest_who_deletes_the_event_has_declined(ada, bo):
    invite(ada, BO)
    bo.delete("dinner")
    assert bo.get("dinner")["status"] == "cancelled"
    assert responses(ada.get("dinner")) == {BO: "declined"}
    ada.patch("dinner", {"summary": "Renamed"})
    assert bo.get("dinner")["status"] == "cancelled", "and it stays away"


def test_a_removed_guest_and_a_cancelled_event_vanish_from_the_copies(ada, bo):
    invite(ada, BO)
    _, token = bo.sync()
    ada.patch("dinner", {"attendees": [{"email": OUTSIDER}]})
    rows, token = bo.sync(syncToken=token)
    assert [(row["id"], row["status"]) for row in rows] == [("dinner", "cancelled")]
    ada.patch("dinner", {"attendees": [{"email": BO}]})
    assert bo.get("dinner")["status"] == "confirmed"
    ada.delete("dinner")
    assert bo.get("dinner")["status"] == "cancelled"


def test_a_series_and_its_exceptions_reach_the_guests(ada, bo):
    invite(ada, BO, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    ada.patch("dinner_20261208T090000Z", timed("2026-12-09T15:00:00", "2026-12-09T16:00:00"))
    ada.delete("dinner_20261215T090000Z")
    rows = bo.page(singleEvents=True, orderBy="startTime")["items"]
    assert [row["start"]["dateTime"][:13] for row in rows] == ["2026-12-01T10", "2026-12-09T15"]
    bo.patch("dinner_20261201T090000Z", {"attendees": [{"email": BO, "responseStatus": "declined"}]})
    assert responses(ada.get("dinner_20261201T090000Z")) == {BO: "declined"}
    assert responses(ada.get("dinner")) == {BO: "needsAction"}
    ada.delete("dinner")
    assert bo.page(singleEvents=True)["items"] == []


def test_a_new_time_asks_the_guests_again_and_raises_the_sequence(ada, bo):
    invite(ada, BO)
    bo.patch("dinner", {"attendees": [{"email": BO, "responseStatus": "accepted"}]})
    assert ada.patch("dinner", {"summary": "Renamed"})["sequence"] == 0
    assert responses(ada.get("dinner")) == {BO: "accepted"}
    moved = ada.patch("dinner", timed("2026-12-01T15:00:00", "2026-12-01T16:00:00"))
    assert (moved["sequence"], responses(moved)) == (1, {BO: "needsAction"})


def test_mails_go_out_only_when_asked_for(google, ada, bo):
    invite(ada, BO, OUTSIDER)
    assert mails(google) == []
    ada.patch("dinner", {"summary": "Renamed"}, sendUpdates="externalOnly")
    assert mails(google) == [("update", OUTSIDER)]
    ada.patch("dinner", {"attendees": [{"email": BO}, {"email": "new@client.example"}]}, sendUpdates="all")
    assert mails(google, since=1) == [
        ("update", BO),
        ("cancellation", OUTSIDER),
        ("invitation", "new@client.example"),
    ]
    ada.delete("dinner", sendUpdates="all")
    assert mails(google, since=4) == [("cancellation", BO), ("cancellation", "new@client.example")]
    sent = google.control("GET", "/outbox", to=OUTSIDER)[0]
    assert (sent["uid"], sent["sender"], sent["summary"]) == ("dinner@google.com", ADA, "Renamed")


def test_guests_may_be_hidden_from_each_other_and_left_out_of_answers(ada, bo):
    invite(ada, BO, OUTSIDER, guestsCanSeeOtherGuests=False)
    copy = bo.get("dinner")
    assert ([guest["email"] for guest in copy["attendees"]], copy["attendeesOmitted"]) == ([BO], True)
    few = ada.get("dinner", maxAttendees=1)
    assert few["attendeesOmitted"] is True
    assert len(ada.get("dinner", maxAttendees=2)["attendees"]) == 2


def share(google, role, calendar=ADA):
    google.control("PUT", f"/calendars/{calendar}/access", {"account": BO, "role": role})


def test_a_free_busy_reader_sees_times_or_nothing(google, ada, bo):
    ada.insert(meeting(location="Secret", attendees=[{"email": OUTSIDER}]))
    share(google, "freeBusyReader")
    page = bo.page(ADA)
    assert page["accessRole"] == "freeBusyReader"
    assert not page["items"][0].keys() & {"summary", "location", "attendees", "creator", "organizer"}
    assert page["items"][0]["start"]["dateTime"] == "2026-12-01T10:00:00+01:00"
    google.control("PATCH", "/knobs", {"free_busy_reader_lists": False})
    assert bo.refused("events.list", calendarId=ADA) == (403, "requiredAccessLevel")


@pytest.mark.parametrize("role", ["reader", "writerWithoutPrivateAccess"])
def test_private_events_are_blocks_of_time_below_writer(google, ada, bo, role):
    open_one = ada.insert(meeting(summary="Open"))
    hidden = ada.insert(meeting(summary="Hidden", visibility="private"))
    share(google, role)
    rows = {row["id"]: row for row in bo.page(ADA)["items"]}
    assert rows[open_one["id"]]["summary"] == "Open"
    assert "summary" not in rows[hidden["id"]]
    assert rows[hidden["id"]]["visibility"] == "private"


def test_a_writer_without_private_access_writes_only_what_is_not_private(google, ada, bo):
    open_one = ada.insert(meeting(summary="Open"))
    hidden = ada.insert(meeting(summary="Hidden", visibility="private"))
    share(google, "writerWithoutPrivateAccess")
    assert bo.patch(open_one["id"], {"summary": "Opened"}, ADA)["creator"] == {"email": ADA, "self": True}
    assert bo.insert(meeting(), ADA)["creator"]["email"] == BO
    path = {"calendarId": ADA, "eventId": hidden["id"]}
    assert bo.refused("events.patch", {"summary": "x"}, **path) == (403, "forbidden")
    assert bo.refused("events.delete", **path) == (403, "forbidden")
    assert bo.refused("events.insert", meeting(visibility="private"), calendarId=ADA) == (403, "forbidden")
    share(google, "writer")
    assert bo.patch(hidden["id"], {"summary": "Seen"}, ADA)["summary"] == "Seen"


def test_a_reader_reads_and_does_not_write(google, ada, bo):
    made = ada.insert(meeting())
    assert bo.refused("events.list", calendarId=ADA) == (404, "notFound")
    share(google, "reader")
    assert bo.get(made["id"], ADA)["summary"] == "Meeting"
    path = {"calendarId": ADA, "eventId": made["id"]}
    assert bo.refused("events.patch", {"summary": "x"}, **path) == (403, "requiredAccessLevel")
    assert bo.refused("events.delete", **path) == (403, "requiredAccessLevel")


def test_a_token_for_times_shows_times_even_to_the_owner(google, ada):
    ada.insert(meeting())
    narrow = google.api(ADA, f"{AUTH}calendar.events.freebusy")
    assert "summary" not in narrow.page()["items"][0]


def test_a_calendar_deleted_or_made_by_others_is_out_of_reach(google, ada):
    made = google.control("POST", f"/accounts/{ADA}/calendars", {"summary": "Shared"})
    narrow = google.api(ADA, f"{AUTH}calendar.app.created")
    assert narrow.refused("events.list", calendarId=made["id"]) == (404, "notFound")
    own = narrow.ok("calendars.insert", {"summary": "Mine"})
    assert narrow.page(own["id"])["items"] == []
    google.control("DELETE", f"/calendars/{made['id']}")
    assert ada.refused("events.list", calendarId=made["id"]) == (404, "notFound")
    assert ada.refused("calendars.delete", calendarId="primary")[0] == 400
