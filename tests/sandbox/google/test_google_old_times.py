"""The ends of the calendar: the year 1, which .NET sends for no time at all, and the year 9999."""

import pytest

from tests.sandbox.google.live import meeting, timed

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


def test_a_window_may_begin_and_end_with_the_calendar_itself(ada):
    ada.insert(meeting(id="bbbbb"))
    ada.insert(meeting(id="aaaaa", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    for window in ({"timeMin": FIRST}, {"timeMax": LAST}, {"timeMin": FIRST, "timeMax": LAST}):
        assert len(ada.page(singleEvents=True, **window)["items"]) == 4
        assert len(ada.page(**window)["items"]) == 2
        assert len(ada.ok("events.instances", calendarId="primary", eventId="aaaaa", query=window)["items"]) == 3
    assert ada.refused("events.list", calendarId="primary", query={"updatedMin": FIRST})[0] == 410
    asked = {"timeMin": FIRST, "timeMax": "0001-01-02T00:00:00Z", "items": [{"id": "primary"}]}
    assert ada.ok("freebusy.query", asked)["calendars"] == {"primary": {"busy": []}}


def test_a_bound_that_no_clock_in_london_shows_is_refused(ada):
    for bound in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"):
        for name in ("timeMin", "timeMax", "updatedMin"):
            assert ada.refused("events.list", calendarId="primary", query={name: bound}) == (400, "badRequest")
        asked = {"timeMin": bound, "timeMax": bound, "items": []}
        assert ada.refused("freebusy.query", asked) == (400, "badRequest")


@pytest.mark.parametrize(
    "body",
    [
        timed("0001-01-01T00:00:00+01:00", "2026-12-01T11:00:00"),
        timed(FIRST, "2026-12-01T11:00:00"),
        timed("2026-12-01T11:00:00", "9999-12-31T23:59:59-01:00"),
        timed("2026-12-01T11:00:00", LAST),
        {"start": {"date": "0001-01-01"}, "end": {"date": "0001-01-02"}},
        {"start": {"date": "2026-12-01"}, "end": {"date": "9999-12-31"}},
        timed("2026-12-01T10:00:00", "9999-12-01T11:00:00", recurrence=["RRULE:FREQ=DAILY"]),
        meeting(recurrence=["RRULE:FREQ=DAILY", "EXDATE:00010101T000000Z"]),
        timed(
            "2026-12-01T10:00:00",
            "2026-12-01T11:00:00",
            zone="Etc/GMT+12",
            recurrence=["RDATE;TZID=Etc/GMT-14:00010102T000000"],
        ),
    ],
)
def test_a_time_that_some_zone_cannot_tell_is_refused(ada, body):
    assert ada.refused("events.insert", body, calendarId="primary") == (400, "invalid")
    assert ada.page()["items"] == []


def test_a_rule_may_end_with_the_calendar(ada):
    for event_id, until in (("aaaaa", "99991231T235959Z"), ("bbbbb", "99991231")):
        ada.insert(meeting(id=event_id, recurrence=[f"RRULE:FREQ=DAILY;UNTIL={until}"]))
        first = {"timeMin": FIRST, "maxResults": 1}
        assert len(ada.ok("events.instances", calendarId="primary", eventId=event_id, query=first)["items"]) == 1


def test_an_instance_of_the_first_or_last_day_is_not_found(ada):
    ada.insert(meeting(id="aaaaa", recurrence=["RRULE:FREQ=DAILY"]))
    for original in ("00010101T000000Z", "99991231T235959Z"):
        assert ada.refused("events.get", calendarId="primary", eventId=f"aaaaa_{original}") == (404, "notFound")


def test_a_series_of_the_last_days_is_deleted_like_any_other(ada):
    times = timed("9999-12-29T10:00:00", "9999-12-29T11:00:00", recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    ada.insert({**times, "id": "aaaaa"})
    _, token = ada.sync(singleEvents=True)
    ada.delete("aaaaa")
    assert ada.sync(singleEvents=True, syncToken=token)[0] == []


def test_an_old_time_is_told_in_whole_minutes(ada):
    made = ada.insert(timed("1700-01-01T10:00:00Z", "1700-01-01T11:00:00Z"))
    # New York was four hours, 56 minutes and two seconds behind.
    there = ada.get(made["id"], timeZone="America/New_York")
    assert there["start"]["dateTime"] == "1700-01-01T05:03:00-04:57"
