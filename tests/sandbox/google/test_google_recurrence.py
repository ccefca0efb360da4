"""Series, instances and exceptions."""

from tests.sandbox.google.live import meeting, timed


def series(api, *lines, event_id="serie", **more):
    return api.insert(meeting(**{"day": "2026-12-01", "id": event_id, "recurrence": list(lines), **more}))


def starts(api, event_id="serie", **query):
    rows = api.ok("events.instances", calendarId="primary", eventId=event_id, query=query)["items"]
    return [row["start"].get("dateTime") or row["start"]["date"] for row in rows]


def test_a_series_keeps_its_wall_time_across_a_clock_change(ada):
    ada.insert(
        timed(
            "2027-03-26T09:00:00",
            "2027-03-26T10:00:00",
            id="serie",
            recurrence=["RRULE:FREQ=DAILY;UNTIL=20270329T070000Z"],
        )
    )
    assert starts(ada) == [
        "2027-03-26T09:00:00+01:00",
        "2027-03-27T09:00:00+01:00",
        "2027-03-28T09:00:00+02:00",
        "2027-03-29T09:00:00+02:00",
    ]


def test_a_series_follows_the_clock_of_its_own_zone_not_the_calendars(ada):
    ada.insert(
        timed(
            "2027-03-08T10:00:00",
            "2027-03-08T11:00:00",
            zone="America/New_York",
            id="serie",
            recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"],
        )
    )
    # New York changes its clocks on the 14th, Stockholm on the 28th.
    assert [start[11:] for start in starts(ada)] == [
        "16:00:00+01:00",
        "15:00:00+01:00",
        "15:00:00+01:00",
        "16:00:00+02:00",
    ]


def test_an_instance_in_the_skipped_hour_moves_forward(ada):
    ada.insert(timed("2027-03-27T02:30:00", "2027-03-27T03:00:00", id="serie", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    rows = ada.ok("events.instances", calendarId="primary", eventId="serie")["items"]
    assert [row["start"]["dateTime"] for row in rows] == [
        "2027-03-27T02:30:00+01:00",
        "2027-03-28T03:30:00+02:00",
        "2027-03-29T02:30:00+02:00",
    ]
    for row in rows:
        assert ada.get(row["id"])["start"] == row["start"], "what is listed can be read"


def test_exdates_and_rdates_count_in_utc_in_a_zone_and_by_the_day(ada):
    series(
        ada,
        "RRULE:FREQ=DAILY;COUNT=5",
        "EXDATE:20261202T090000Z",
        "EXDATE;TZID=Europe/Stockholm:20261203T100000",
        "EXDATE;VALUE=DATE:20261204",
        "RDATE;TZID=America/New_York:20261210T040000",
    )
    assert [start[:10] for start in starts(ada)] == ["2026-12-01", "2026-12-05", "2026-12-10"]


def test_an_all_day_series_has_days_for_ids(ada):
    ada.insert(
        {
            "id": "serie",
            "start": {"date": "2026-12-30"},
            "end": {"date": "2027-01-01"},
            "recurrence": ["RRULE:FREQ=MONTHLY;COUNT=3"],
        }
    )
    rows = ada.ok("events.instances", calendarId="primary", eventId="serie")["items"]
    assert [row["id"] for row in rows] == ["serie_20261230", "serie_20270130", "serie_20270330"]
    assert rows[1]["end"] == {"date": "2027-02-01"}
    assert rows[1]["originalStartTime"] == {"date": "2027-01-30"}


def test_a_changed_instance_becomes_an_exception_that_keeps_its_original_start(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3")
    _, token = ada.sync()
    moved = ada.patch("serie_20261208T090000Z", timed("2026-12-09T15:00:00", "2026-12-09T16:00:00"))
    assert moved["recurringEventId"] == "serie"
    assert moved["originalStartTime"]["dateTime"] == "2026-12-08T10:00:00+01:00"
    assert moved["iCalUID"] == "serie@google.com"
    rows, _ = ada.sync(syncToken=token)
    assert [row["id"] for row in rows] == ["serie_20261208T090000Z"], "the series itself has not changed"
    assert [start[:13] for start in starts(ada)] == ["2026-12-01T10", "2026-12-09T15", "2026-12-15T10"]
    assert starts(ada, originalStart="2026-12-08T10:00:00+01:00") == ["2026-12-09T15:00:00+01:00"]


def test_a_cancelled_instance_is_told_with_no_more_than_google_promises(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3")
    _, token = ada.sync()
    ada.delete("serie_20261208T090000Z")
    rows, _ = ada.sync(syncToken=token)
    assert [row.keys() for row in rows] == [{"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}]
    listed = ada.page()["items"]
    assert [(row["id"], row["status"]) for row in listed] == [
        ("serie", "confirmed"),
        ("serie_20261208T090000Z", "cancelled"),
    ], "an unexpanded list has cancelled instances even without showDeleted"
    assert len(ada.page(singleEvents=True)["items"]) == 2
    assert len(ada.page(singleEvents=True, showDeleted=True)["items"]) == 3
    assert len(starts(ada)) == 2
    assert ada.refused("events.delete", calendarId="primary", eventId="serie_20261208T090000Z") == (410, "deleted")
    ada.patch("serie_20261208T090000Z", {"status": "confirmed"})
    assert len(starts(ada)) == 3


def test_a_deleted_series_is_told_by_its_instances_where_single_events_are_asked_for(ada):
    """https://developers.google.com/workspace/calendar/api/v3/reference/events/list: `showDeleted`."""
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3")
    ada.patch("serie_20261208T090000Z", {"summary": "Other"})
    ada.delete("serie")
    deleted = ["serie_20261201T090000Z", "serie_20261208T090000Z", "serie_20261215T090000Z"]
    told = ada.page(singleEvents=True, showDeleted=True, orderBy="startTime")["items"]
    assert [(row["id"], row["status"]) for row in told] == [(each, "cancelled") for each in deleted]
    within = {"timeMin": "2026-12-10T00:00:00Z", "timeMax": "2026-12-20T00:00:00Z"}
    assert [row["id"] for row in ada.page(singleEvents=True, showDeleted=True, **within)["items"]] == deleted[2:]
    assert ada.page(singleEvents=True)["items"] == []


def test_an_instance_that_never_was_is_not_found(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3")
    for event_id in ("serie_20261209T090000Z", "serie_20261208", "serie_20261222T090000Z", "other_20261208T090000Z"):
        assert ada.refused("events.get", calendarId="primary", eventId=event_id) == (404, "notFound")


def test_an_instance_cannot_become_a_series(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3")
    body = {"recurrence": ["RRULE:FREQ=DAILY"]}
    assert ada.refused("events.patch", body, calendarId="primary", eventId="serie_20261208T090000Z")[0] == 400


def test_deleting_a_series_takes_its_exceptions_along(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3")
    ada.patch("serie_20261208T090000Z", {"summary": "Changed"})
    ada.delete("serie")
    assert ada.page()["items"] == []
    assert ada.page(singleEvents=True)["items"] == []
    assert ada.refused("events.instances", calendarId="primary", eventId="serie") == (404, "notFound")


def test_this_and_following_is_a_shorter_series_and_a_new_one(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=4")
    ada.patch("serie_20261222T090000Z", {"summary": "Changed"})
    _, token = ada.sync()
    ada.patch("serie", {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20261214T225959Z"]})
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=2", event_id="serie2", day="2026-12-15", hour=11)
    assert [start[:13] for start in starts(ada)] == ["2026-12-01T10", "2026-12-08T10"]
    assert [start[:13] for start in starts(ada, "serie2")] == ["2026-12-15T11", "2026-12-22T11"]
    rows, _ = ada.sync(syncToken=token)
    assert {(row["id"], row["status"]) for row in rows} == {
        ("serie", "confirmed"),
        ("serie_20261222T090000Z", "cancelled"),
        ("serie2", "confirmed"),
    }


def test_exceptions_follow_their_series_where_they_have_not_gone_their_own_way(ada):
    series(ada, "RRULE:FREQ=WEEKLY;COUNT=3", location="Room Oak")
    ada.patch("serie_20261208T090000Z", {"summary": "Special"})
    ada.patch("serie", {"summary": "Renamed", "location": "Room Birch"})
    exception = ada.get("serie_20261208T090000Z")
    assert (exception["summary"], exception["location"]) == ("Special", "Room Birch")


def test_windows_on_instances_and_lists_look_at_instances(ada):
    series(ada, "RRULE:FREQ=WEEKLY")
    window = {"timeMin": "2027-01-01T00:00:00Z", "timeMax": "2027-01-15T00:00:00Z"}
    assert [start[:10] for start in starts(ada, **window)] == ["2027-01-05", "2027-01-12"]
    assert [row["id"] for row in ada.page(**window)["items"]] == ["serie"]
    assert len(ada.page(singleEvents=True, **window)["items"]) == 2
    past = {"timeMax": "2026-11-01T00:00:00Z"}
    assert ada.page(**past)["items"] == []


def test_instances_have_pages(ada):
    series(ada, "RRULE:FREQ=DAILY;COUNT=5")
    first = ada.ok("events.instances", calendarId="primary", eventId="serie", query={"maxResults": 3})
    rest = ada.ok(
        "events.instances",
        calendarId="primary",
        eventId="serie",
        query={"maxResults": 3, "pageToken": first["nextPageToken"]},
    )
    assert (len(first["items"]), len(rest["items"])) == (3, 2)
    assert "nextPageToken" not in rest


def test_damaged_events_are_served_and_stop_nothing(google, ada):
    google.human("POST", "ada@example.com", body=meeting(id="broken", recurrence=["RRULE:FREQ=NO"]), trusted=True)
    wrong = {"id": "wrong", "start": {"date": "2026-12-03"}, "end": {"date": "2026-12-01"}}
    google.human("POST", "ada@example.com", body=wrong, trusted=True)
    ada.insert(meeting(id="sound"))
    assert {row["id"] for row in ada.sync()[0]} == {"broken", "wrong", "sound"}
    assert len(ada.page(singleEvents=True, orderBy="startTime")["items"]) == 3
    window = {"timeMin": "2026-11-30T00:00:00Z", "timeMax": "2026-12-30T00:00:00Z"}
    assert len(ada.page(**window)["items"]) == 3
    body = {**window, "items": [{"id": "primary"}]}
    assert len(ada.ok("freebusy.query", body)["calendars"]["primary"]["busy"]) == 1
