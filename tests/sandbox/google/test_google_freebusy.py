"""Free/busy: what blocks time, and calendars nothing can be said about."""

import pytest

from tests.sandbox.google.live import AUTH, meeting, timed

WINDOW = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-08T00:00:00Z"}


def ask(api, *calendars, **more):
    body = {**WINDOW, "items": [{"id": calendar} for calendar in calendars or ("primary",)], **more}
    return api.ok("freebusy.query", body)["calendars"]


def test_busy_times_are_merged_ordered_and_cut_to_the_window(ada):
    ada.insert(meeting(hour=12))
    ada.insert(meeting(hour=10))
    ada.insert(meeting(hour=11))
    ada.insert(timed("2026-11-30T23:00:00", "2026-12-01T02:00:00"))
    assert ask(ada)["primary"]["busy"] == [
        {"start": "2026-12-01T00:00:00Z", "end": "2026-12-01T01:00:00Z"},
        {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T12:00:00Z"},
    ]


def test_answers_come_in_the_zone_asked_for(ada):
    ada.insert(meeting())
    assert ask(ada, timeZone="Asia/Kolkata")["primary"]["busy"] == [
        {"start": "2026-12-01T14:30:00+05:30", "end": "2026-12-01T15:30:00+05:30"}
    ]


def test_what_does_not_block_time_is_not_busy(google, ada):
    day = {"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}}
    ada.insert(meeting(transparency="transparent"))
    ada.insert({**day, "transparency": "transparent"})
    place = {"type": "homeOffice", "homeOffice": {}}
    ada.insert(
        {
            **day,
            "eventType": "workingLocation",
            "visibility": "public",
            "transparency": "transparent",
            "workingLocationProperties": place,
        }
    )
    gone = ada.insert(meeting())
    ada.delete(gone["id"])
    declined = meeting(
        organizer={"email": "boss@elsewhere.example"},
        iCalUID="x@elsewhere.example",
        attendees=[{"email": "ada@example.com", "responseStatus": "declined"}],
    )
    google.human("POST", "ada@example.com", body=declined)
    assert ask(ada)["primary"]["busy"] == []


def test_unanswered_tentative_and_out_of_office_are_busy(google, ada):
    asked = meeting(
        organizer={"email": "boss@elsewhere.example"},
        iCalUID="x@elsewhere.example",
        attendees=[{"email": "ada@example.com", "responseStatus": "needsAction"}],
    )
    google.human("POST", "ada@example.com", body=asked)
    ada.insert(meeting(day="2026-12-02", status="tentative"))
    ada.insert(meeting(day="2026-12-03", eventType="outOfOffice"))
    assert len(ask(ada)["primary"]["busy"]) == 3


def test_an_all_day_event_fills_the_day_of_the_calendars_zone(ada):
    ada.insert({"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}})
    assert ask(ada)["primary"]["busy"] == [{"start": "2026-12-01T23:00:00Z", "end": "2026-12-02T23:00:00Z"}]


def test_instances_and_exceptions_count_where_they_are(ada):
    ada.insert(meeting(id="serie", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    ada.patch("serie_20261202T090000Z", timed("2026-12-05T10:00:00", "2026-12-05T11:00:00"))
    ada.delete("serie_20261203T090000Z")
    assert [span["start"] for span in ask(ada)["primary"]["busy"]] == [
        "2026-12-01T09:00:00Z",
        "2026-12-05T09:00:00Z",
    ]


def test_a_calendar_nothing_can_be_said_about_has_errors(google, ada):
    google.account("bo@example.com")
    found = ask(ada, "primary", "bo@example.com", "nobody@example.com")
    assert "errors" not in found["primary"]
    for calendar in ("bo@example.com", "nobody@example.com"):
        assert found[calendar]["errors"] == [{"domain": "global", "reason": "notFound"}]
    google.control("PUT", "/calendars/bo@example.com/access", {"account": "ada@example.com", "role": "freeBusyReader"})
    assert "errors" not in ask(ada, "bo@example.com")["bo@example.com"]
    google.fault("calendar_internal_error", match={"path": "freeBusy"})
    assert ask(ada)["primary"]["errors"][0]["reason"] == "internalError"


def test_more_than_fifty_calendars_are_too_many(ada):
    found = ask(ada, "primary", *(f"c{number}@example.com" for number in range(50)))
    assert [entry["errors"][0]["reason"] for entry in list(found.values())[-2:]] == [
        "notFound",
        "tooManyCalendarsRequested",
    ]
    few = ask(ada, "primary", "b@example.com", calendarExpansionMax=1)
    assert few["b@example.com"]["errors"][0]["reason"] == "tooManyCalendarsRequested"
    assert ada.refused("freebusy.query", {**WINDOW, "items": [], "calendarExpansionMax": 51})[0] == 400


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timeMax": "2027-06-01T00:00:00Z"}, "timeRangeTooLong"),
        ({"timeMax": "2026-11-01T00:00:00Z"}, "timeRangeEmpty"),
        ({"timeMax": None}, "required"),
        ({"timeMax": "2026-12-08"}, "badRequest"),
        ({"timeZone": "Mars/Olympus"}, "invalid"),
        ({"nonsense": 1}, "badRequest"),
        ({"items": [{"name": "x"}]}, "badRequest"),
    ],
)
def test_a_bad_question_is_refused(ada, change, reason):
    body = {**WINDOW, "items": [{"id": "primary"}], **change}
    assert ada.refused("freebusy.query", body) == (400, reason)


def test_the_events_scope_does_not_open_free_busy(google):
    narrow = google.api("ada@example.com", f"{AUTH}calendar.events")
    body = {**WINDOW, "items": [{"id": "primary"}]}
    assert narrow.refused("freebusy.query", body) == (403, "insufficientPermissions")
    enough = google.api("ada@example.com", f"{AUTH}calendar.freebusy")
    assert ask(enough)["primary"]["busy"] == []
