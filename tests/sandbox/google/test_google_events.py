"""Single events: ids, times, conditions, marks, kinds, and what is refused."""

import pytest

from tests.sandbox.google.live import ADA, AUTH, meeting, timed


def test_an_event_comes_back_as_google_writes_it(ada):
    made = ada.insert(meeting(id="abcde", location="Room Oak"))
    assert made["iCalUID"] == "abcde@google.com"
    assert made["start"] == {"dateTime": "2026-12-01T10:00:00+01:00", "timeZone": "Europe/Stockholm"}
    assert made["organizer"] == made["creator"] == {"email": "ada@example.com", "self": True}
    assert (made["status"], made["sequence"], made["eventType"]) == ("confirmed", 0, "default")
    assert "transparency" not in made, "defaults are left out"
    assert ada.get("abcde") == made


def test_times_are_told_with_the_offset_of_the_calendar_or_of_the_zone_asked_for(ada):
    made = ada.insert(timed("2026-07-01T09:00:00", "2026-07-01T10:00:00", zone="America/New_York"))
    assert made["start"] == {"dateTime": "2026-07-01T15:00:00+02:00", "timeZone": "America/New_York"}
    there = ada.get(made["id"], timeZone="Asia/Kolkata")
    assert there["start"] == {"dateTime": "2026-07-01T18:30:00+05:30", "timeZone": "America/New_York"}


@pytest.mark.parametrize("event_id", ["abc", "ABCDE", "abcdez", "abc-de", "a" * 1025])
def test_an_id_outside_base32hex_or_its_lengths_is_refused(ada, event_id):
    assert ada.refused("events.insert", meeting(id=event_id), calendarId="primary") == (400, "invalid")


def test_an_id_is_taken_once_even_by_a_deleted_event(ada):
    ada.insert(meeting(id="abcde"))
    assert ada.refused("events.insert", meeting(id="abcde"), calendarId="primary") == (409, "duplicate")
    ada.delete("abcde")
    assert ada.refused("events.insert", meeting(id="abcde"), calendarId="primary") == (409, "duplicate")
    assert ada.get("abcde")["status"] == "cancelled"
    assert ada.refused("events.delete", calendarId="primary", eventId="abcde") == (410, "deleted")
    assert ada.refused("events.patch", {"summary": "x"}, calendarId="primary", eventId="abcde") == (410, "deleted")
    assert ada.patch("abcde", {"status": "confirmed"})["status"] == "confirmed"
    assert [row["id"] for row in ada.page()["items"]] == ["abcde"]


def test_the_same_id_is_free_on_another_calendar(ada):
    other = ada.ok("calendars.insert", {"summary": "Other"})["id"]
    ada.insert(meeting(id="abcde"))
    assert ada.insert(meeting(id="abcde"), other)["id"] == "abcde"


def test_if_match_holds_back_an_edit_of_something_newer(ada):
    made = ada.insert(meeting())
    path = {"calendarId": "primary", "eventId": made["id"]}
    newer = ada.patch(made["id"], {"summary": "Changed"})
    assert newer["etag"] != made["etag"]
    stale = {"If-Match": made["etag"]}
    for method_id, body in (("events.patch", {"summary": "x"}), ("events.update", meeting()), ("events.delete", None)):
        assert ada.refused(method_id, body, headers=stale, **path) == (412, "conditionNotMet")
    assert ada.get(made["id"])["summary"] == "Changed"
    assert ada.call("events.patch", {"summary": "y"}, headers={"If-Match": newer["etag"]}, **path).status_code == 200


def test_if_none_match_saves_the_body(ada):
    made = ada.insert(meeting())
    answer = ada.call("events.get", headers={"If-None-Match": made["etag"]}, calendarId="primary", eventId=made["id"])
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_patch_merges_and_an_update_replaces(ada):
    made = ada.insert(meeting(location="Room Oak", extendedProperties={"private": {"a": "1", "b": "2"}}))
    patched = ada.patch(made["id"], {"extendedProperties": {"private": {"b": None, "c": "3"}}})
    assert patched["extendedProperties"] == {"private": {"a": "1", "c": "3"}}
    assert patched["location"] == "Room Oak"
    updated = ada.ok("events.update", meeting(hour=12), calendarId="primary", eventId=made["id"])
    assert "location" not in updated
    assert "extendedProperties" not in updated
    assert (updated["id"], updated["created"], updated["sequence"]) == (made["id"], made["created"], 1)


def test_a_sequence_never_goes_back(ada):
    ada.insert(meeting(id="abcde", sequence=3))
    path = {"calendarId": "primary", "eventId": "abcde"}
    assert ada.patch("abcde", meeting(hour=12))["sequence"] == 4
    for method_id in ("events.patch", "events.update"):
        refused = ada.call(method_id, meeting(hour=13, sequence=3), **path)
        assert (refused.status_code, refused.json()["error"]["message"]) == (400, "Invalid sequence value.")
    assert ada.get("abcde")["start"]["dateTime"] == "2026-12-01T12:00:00+01:00"
    assert ada.patch("abcde", {"sequence": None})["sequence"] == 4
    assert ada.ok("events.update", meeting(hour=12), **path)["sequence"] == 4, "left out, it stays"
    assert ada.ok("events.update", meeting(hour=13), **path)["sequence"] == 5
    assert ada.ok("events.update", meeting(hour=14, sequence=5), **path)["sequence"] == 6
    assert ada.patch("abcde", {"sequence": 9})["sequence"] == 9
    assert ada.refused("events.insert", meeting(sequence=-1), calendarId="primary") == (400, "invalid")


def test_a_patch_from_timed_to_all_day_must_clear_the_time(ada):
    made = ada.insert(meeting())
    path = {"calendarId": "primary", "eventId": made["id"]}
    half = {"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
    assert ada.refused("events.patch", half, **path) == (400, "invalid")
    whole = {name: {**value, "dateTime": None, "timeZone": None} for name, value in half.items()}
    assert ada.ok("events.patch", whole, checked=False, **path)["start"] == {"date": "2026-12-01"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"start": {"dateTime": "2026-12-01T10:00:00Z"}}, "required"),
        (timed("2026-12-01T11:00:00", "2026-12-01T10:00:00"), "timeRangeEmpty"),
        ({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-01"}}, "timeRangeEmpty"),
        ({"start": {"date": "2026-12-01"}, "end": {"dateTime": "2026-12-02T00:00:00Z"}}, "invalid"),
        (timed("2026-12-01T10:00:00", "2026-12-01T11:00:00", zone="Mars/Olympus"), "invalid"),
        ({"start": {"dateTime": "2026-12-01T10:00:00"}, "end": {"dateTime": "2026-12-01T11:00:00Z"}}, "required"),
        (meeting(recurrence=["RRULE:FREQ=SOMETIMES"]), "invalid"),
        (meeting(recurrence=["RRULE:FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z"]), "invalid"),
        (meeting(attendees=[{"displayName": "Nobody"}]), "required"),
        (meeting(attendees=[{"email": "nobody"}]), "invalid"),
        (meeting(transparency="glass"), "invalid"),
        (meeting(colorId="12"), "invalid"),
        (meeting(nonsense=True), "badRequest"),
        (meeting(summary_=1), "badRequest"),
        ({**meeting(), "start": {"date": "2026-12-01", "nonsense": 1}}, "badRequest"),
        (meeting(attendees="everybody"), "badRequest"),
        (
            meeting(reminders={"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}),
            "cannotUseDefaultRemindersAndSpecifyOverride",
        ),
        (meeting(extendedProperties={"private": {"k" * 45: "v"}}), "invalid"),
        (meeting(extendedProperties={"private": {"k": "v" * 1025}}), "invalid"),
        (meeting(extendedProperties={"private": {f"k{n}": "v" for n in range(301)}}), "invalid"),
    ],
)
def test_a_bad_body_is_refused_and_leaves_nothing(ada, body, reason):
    assert ada.refused("events.insert", body, calendarId="primary") == (400, reason)
    assert ada.page()["items"] == []


def test_a_recurring_event_needs_a_named_zone(ada):
    body = {
        "start": {"dateTime": "2026-12-01T10:00:00+01:00"},
        "end": {"dateTime": "2026-12-01T11:00:00+01:00"},
        "recurrence": ["RRULE:FREQ=DAILY"],
    }
    assert ada.refused("events.insert", body, calendarId="primary") == (400, "required")


def test_unknown_parameters_and_bad_values_are_refused(ada):
    for query in ({"nonsense": "1"}, {"maxResults": "0"}, {"singleEvents": "perhaps"}, {"orderBy": "mood"}):
        assert ada.refused("events.list", calendarId="primary", query=query)[0] == 400
    for query in ({"timeMin": "2026-12-01T00:00:00"}, {"timeMin": "yesterday"}, {"pageToken": "made-up"}):
        assert ada.refused("events.list", calendarId="primary", query=query)[0] == 400
    window = {"timeMin": "2026-12-02T00:00:00Z", "timeMax": "2026-12-01T00:00:00Z"}
    assert ada.refused("events.list", calendarId="primary", query=window) == (400, "timeRangeEmpty")
    assert ada.refused("events.list", calendarId="primary", query={"orderBy": "startTime"}) == (400, "badRequest")


def test_leniency_is_a_knob(google, ada):
    google.control("PATCH", "/knobs", {"strict": False})
    made = ada.ok("events.insert", meeting(nonsense=True), checked=False, calendarId="primary", query={"x": "1"})
    assert "nonsense" not in made


def test_a_call_without_a_token_or_with_a_bad_one_is_refused(google, ada):
    path = "/google/calendar/v3/calendars/primary/events"
    assert google.http.get(path).json()["error"]["errors"][0]["reason"] == "required"
    bad = google.http.get(path, headers={"Authorization": "Bearer made-up"})
    assert (bad.status_code, bad.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_scope_for_owned_calendars_does_not_open_others(google):
    google.api("ada@example.com")
    bo = google.api("bo@example.com", f"{AUTH}calendar.events.owned")
    google.control("PUT", "/calendars/ada@example.com/access", {"account": "bo@example.com", "role": "writer"})
    assert bo.insert(meeting())["status"] == "confirmed"
    assert bo.refused("events.list", calendarId="ada@example.com") == (404, "notFound")


def test_marks_are_found_by_all_constraints_given(ada):
    ada.insert(meeting(summary="one", extendedProperties={"private": {"crm": "1", "kind": "a"}}))
    ada.insert(meeting(summary="two", extendedProperties={"private": {"crm": "1"}, "shared": {"s": "x"}}))

    def found(**query):
        return {row["summary"] for row in ada.page(**query)["items"]}

    assert found(privateExtendedProperty=["crm=1"]) == {"one", "two"}
    assert found(privateExtendedProperty=["crm=1", "kind=a"]) == {"one"}
    assert found(sharedExtendedProperty=["s=x"], privateExtendedProperty=["crm=1"]) == {"two"}
    assert found(privateExtendedProperty=["crm=2"]) == set()


def test_events_are_found_by_text_uid_kind_and_window(ada):
    ada.insert(meeting(summary="Budget talk", attendees=[{"email": "x@client.example", "displayName": "Xenia"}]))
    other = ada.insert(meeting(day="2026-12-05", summary="Lunch"))
    assert [row["summary"] for row in ada.page(q="xenia budget")["items"]] == ["Budget talk"]
    assert [row["id"] for row in ada.page(iCalUID=other["iCalUID"])["items"]] == [other["id"]]
    assert ada.page(eventTypes=["focusTime"])["items"] == []
    edge = {"timeMin": "2026-12-01T11:00:00+01:00", "timeMax": "2026-12-05T10:00:00+01:00"}
    assert ada.page(**edge)["items"] == [], "timeMin bounds ends, timeMax bounds starts, both exclusively"
    wider = {"timeMin": "2026-12-01T10:59:59+01:00", "timeMax": "2026-12-05T10:00:01+01:00"}
    assert len(ada.page(**wider)["items"]) == 2


def test_lists_are_ordered_as_asked(ada):
    late = ada.insert(meeting(hour=15))
    early = ada.insert(meeting(hour=9))
    ada.patch(late["id"], {"summary": "touched"})
    by_start = ada.page(singleEvents=True, orderBy="startTime")["items"]
    assert [row["id"] for row in by_start] == [early["id"], late["id"]]
    by_update = ada.page(orderBy="updated")["items"]
    assert [row["id"] for row in by_update] == [early["id"], late["id"]]


def test_fields_picks_parts_of_the_answer(ada):
    made = ada.insert(meeting(attendees=[{"email": "x@client.example"}]))
    page = ada.page(fields="nextSyncToken,items(id,start/dateTime,attendees/email)")
    assert page.keys() == {"nextSyncToken", "items"}
    assert page["items"] == [
        {
            "id": made["id"],
            "start": {"dateTime": made["start"]["dateTime"]},
            "attendees": [{"email": "x@client.example"}],
        }
    ]


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        ("items(id", "items(id"),
        ("items(id,sumary),nextSyncToken", "sumary"),
        ("nextSynctoken", "nextSynctoken"),
        ("items/start/dateTime/hour", "hour"),
        ("items(extendedProperties/public)", "public"),
    ],
)
def test_fields_that_name_nothing_known_are_refused(ada, selector, named):
    """https://github.com/googleapis/google-api-dotnet-client/issues/1444."""
    answer = ada.call("events.list", calendarId="primary", query={"fields": selector})
    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (400, f"Invalid field selection {named}")
    assert error["errors"][0]["reason"] == "invalidParameter"


def test_fields_may_be_wildcards_and_the_names_of_free_maps(ada):
    made = ada.insert(meeting(extendedProperties={"private": {"crm": "1", "other": "2"}}))
    asked = {"fields": "id,extendedProperties/private/crm"}
    told = ada.ok("events.get", calendarId="primary", eventId=made["id"], query=asked)
    assert told == {"id": made["id"], "extendedProperties": {"private": {"crm": "1"}}}
    assert ada.page(fields="items/*")["items"] == ada.page()["items"]
    assert ada.ok("events.list", calendarId="primary", query={"fields": "*/dateTime"}).keys() <= ada.page().keys()


def test_fields_that_are_refused_leave_nothing_behind(ada):
    refusal = ada.refused("events.insert", meeting(), calendarId="primary", query={"fields": "identifier"})
    assert refusal == (400, "invalidParameter")
    assert ada.page()["items"] == []


def test_a_conference_is_made_once_and_only_for_clients_that_know_of_them(ada):
    wish = {"createRequest": {"requestId": "r1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
    plain = ada.insert(meeting(conferenceData=wish))
    assert "hangoutLink" not in plain
    made = ada.insert(meeting(conferenceData=wish), conferenceDataVersion=1)
    assert made["hangoutLink"] == made["conferenceData"]["entryPoints"][0]["uri"]
    assert made["conferenceData"]["createRequest"]["status"] == {"statusCode": "success"}
    again = ada.patch(made["id"], {"conferenceData": wish}, conferenceDataVersion=1)
    assert again["hangoutLink"] == made["hangoutLink"]
    kept = ada.ok("events.update", meeting(), calendarId="primary", eventId=made["id"])
    assert kept["hangoutLink"] == made["hangoutLink"]


def test_kinds_of_events_have_their_own_demands(ada):
    place = {
        "eventType": "workingLocation",
        "visibility": "public",
        "transparency": "transparent",
        "start": {"date": "2026-12-01"},
        "end": {"date": "2026-12-02"},
        "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}},
    }
    assert ada.insert(place)["eventType"] == "workingLocation"
    birthday = {
        "eventType": "birthday",
        "visibility": "private",
        "transparency": "transparent",
        "start": {"date": "2026-12-01"},
        "end": {"date": "2026-12-02"},
        "recurrence": ["RRULE:FREQ=YEARLY"],
    }
    made = ada.insert(birthday)
    assert (made["eventType"], made["birthdayProperties"]) == ("birthday", {"type": "birthday"})
    away = ada.insert(meeting(eventType="outOfOffice", outOfOfficeProperties={"autoDeclineMode": "declineNone"}))
    assert ada.insert(meeting(eventType="focusTime"))["eventType"] == "focusTime"
    bad = (
        ({**place, "visibility": "default"}, "malformedWorkingLocationEvent"),
        ({**place, "workingLocationProperties": {}}, "malformedWorkingLocationEvent"),
        ({**birthday, "recurrence": []}, "malformedBirthdayEvent"),
        ({**place, "eventType": "outOfOffice", "workingLocationProperties": None}, "malformedOutOfOfficeEvent"),
        (meeting(eventType="focusTime", attendees=[{"email": "x@client.example"}]), "eventTypeRestriction"),
        (meeting(eventType="fromGmail"), "eventTypeRestriction"),
        (meeting(eventType="party"), "invalid"),
    )
    for body, reason in bad:
        assert ada.refused("events.insert", body, calendarId="primary") == (400, reason)
    changed = {"eventType": "default"}
    assert ada.refused("events.patch", changed, calendarId="primary", eventId=away["id"]) == (
        400,
        "eventTypeRestriction",
    )


def test_an_imported_event_keeps_its_uid_and_organizer(ada):
    boss = {"organizer": {"email": "boss@elsewhere.example"}}
    body = meeting(iCalUID="uid@elsewhere.example", attendees=[{"email": ADA.title()}], **boss)
    made = ada.ok("events.import", body, calendarId="primary")
    assert made["iCalUID"] == "uid@elsewhere.example"
    assert made["organizer"] == {"email": "boss@elsewhere.example"}
    assert ada.refused("events.import", meeting(), calendarId="primary") == (400, "required")


def test_only_what_the_owner_organizes_or_is_invited_to_can_be_imported(ada):
    """https://github.com/kewisch/gdata-provider/issues/1049."""
    boss = {"organizer": {"email": "boss@elsewhere.example"}}
    for guests in ({}, {"attendees": [{"email": "guest@elsewhere.example"}]}):
        foreign = meeting(iCalUID="uid@elsewhere.example", **boss, **guests)
        refusal = ada.refused("events.import", foreign, calendarId="primary")
        assert refusal == (400, "participantIsNeitherOrganizerNorAttendee")
    for uid, own in (("one", {"organizer": {"email": ADA.upper()}}), ("two", {})):
        assert ada.ok("events.import", meeting(iCalUID=uid, **own), calendarId="primary")["organizer"]["self"]


def test_a_moved_event_leaves_a_cancelled_one_behind(ada):
    other = ada.ok("calendars.insert", {"summary": "Other", "timeZone": "Europe/Stockholm"})["id"]
    made = ada.insert(meeting())
    _, token = ada.sync()
    moved = ada.ok("events.move", calendarId="primary", eventId=made["id"], query={"destination": other})
    assert moved["organizer"]["email"] == other
    assert [(row["id"], row["status"]) for row in ada.sync(syncToken=token)[0]] == [(made["id"], "cancelled")]
    assert ada.get(made["id"], other)["status"] == "confirmed"


def test_times_of_writing_grow_and_reminders_do_not_count_as_content(ada):
    made = ada.insert(meeting())
    changed = ada.patch(made["id"], {"summary": "x"})
    assert changed["updated"] > made["updated"]
    assert changed["created"] == made["created"]
    reminded = ada.patch(made["id"], {"reminders": {"useDefault": False}})
    assert reminded["updated"] == changed["updated"]
    assert reminded["etag"] != changed["etag"]


def test_an_attachment_needs_an_address_where_attachments_are_understood(ada):
    page = {"fileUrl": "https://drive.google.com/open?id=1", "title": "Notes"}
    nameless = meeting(attachments=[page, {"title": "Lost"}])
    understood = {"supportsAttachments": True}
    assert ada.refused("events.insert", nameless, calendarId="primary", query=understood) == (400, "required")
    assert "attachments" not in ada.insert(nameless)
    made = ada.insert(meeting(attachments=[page]), supportsAttachments=True)
    assert made["attachments"] == [page]
    change = {"attachments": [{"title": "Lost"}]}
    path = {"calendarId": "primary", "eventId": made["id"]}
    assert ada.refused("events.patch", change, query=understood, **path) == (400, "required")
    assert ada.patch(made["id"], change)["attachments"] == [page]
    too_many = {"attachments": [page] * 26}
    assert ada.refused("events.patch", too_many, query=understood, **path) == (400, "invalid")
