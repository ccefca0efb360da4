"""The small resources: settings, colors, an event from a sentence, a calendar cleared."""

import pytest

from tests.sandbox.google.live import ADA, AUTH, BO, meeting


def test_a_setting_is_told_alone_and_among_all(google, ada):
    page = ada.ok("settings.list")
    told = {item["id"]: item["value"] for item in page["items"]}
    assert (told["timezone"], told["defaultEventLength"], len(told)) == ("Europe/Stockholm", "60", 12)
    one = ada.ok("settings.get", setting="timezone")
    assert one in page["items"]
    assert ada.call("settings.get", setting="timezone", headers={"If-None-Match": one["etag"]}).status_code == 304
    assert ada.refused("settings.get", setting="mood") == (404, "notFound")
    first = ada.ok("settings.list", query={"maxResults": 11})
    rest = ada.ok("settings.list", query={"maxResults": 11, "pageToken": first["nextPageToken"]})
    assert first["items"] + rest["items"] == page["items"]
    assert ada.ok("settings.list", query={"syncToken": rest["nextSyncToken"]})["items"] == []
    narrow = google.api(ADA, f"{AUTH}calendar.events")
    assert narrow.refused("settings.list") == (403, "insufficientPermissions")


def test_the_palettes_are_googles(ada):
    colors = ada.ok("colors.get")
    assert (len(colors["calendar"]), len(colors["event"])) == (24, 11)
    assert colors["event"]["11"] == {"background": "#dc2127", "foreground": "#1d1d1d"}
    for color in colors["event"]:
        assert ada.insert(meeting(colorId=color))["colorId"] == color
    listed = ada.ok("calendarList.get", calendarId="primary")
    assert colors["calendar"][listed["colorId"]]["background"] == listed["backgroundColor"]


@pytest.fixture
def on_tuesday(google):
    """Ada on Tuesday, 1 December 2026, at 09:30."""
    google.control("POST", "/clock", {"freeze": "2026-12-01T08:30:00Z"})
    return google.api(ADA)


@pytest.mark.parametrize(
    ("text", "summary", "start", "end"),
    [
        ("Appointment at Somewhere on June 3rd 10am-10:25am", "Appointment at Somewhere", "2027-06-03T10:00", "10:25"),
        ("Dinner with Bo tomorrow 7pm-9pm", "Dinner with Bo", "2026-12-02T19:00", "21:00"),
        ("Call at 15:00", "Call", "2026-12-01T15:00", "16:00"),
        ("Call at 9am", "Call", "2026-12-02T09:00", "10:00"),
        ("Stand-up on Friday from 9 to 9:15am", "Stand-up", "2026-12-04T09:00", "09:15"),
        ("Party today 11pm-1am", "Party", "2026-12-01T23:00", "01:00"),
        ("Review 2026-12-24 2pm", "Review", "2026-12-24T14:00", "15:00"),
        ("Buy 3 apples", "Buy 3 apples", "2026-12-01T09:30", "10:30"),
        ("Room 25:70 and May 45", "Room 25:70 and May 45", "2026-12-01T09:30", "10:30"),
    ],
)
def test_a_sentence_becomes_an_event(on_tuesday, text, summary, start, end):
    made = on_tuesday.ok("events.quickAdd", calendarId="primary", query={"text": text})
    assert (made["summary"], made["start"]["dateTime"][:16], made["end"]["dateTime"][11:16]) == (summary, start, end)
    assert on_tuesday.get(made["id"]) == made


def test_a_sentence_with_a_day_alone_is_an_event_of_the_whole_day(on_tuesday):
    made = on_tuesday.ok("events.quickAdd", calendarId="primary", query={"text": "Holiday on 24 December"})
    assert (made["summary"], made["start"], made["end"]) == ("Holiday", {"date": "2026-12-24"}, {"date": "2026-12-25"})
    assert on_tuesday.refused("events.quickAdd", calendarId="primary", query={"text": " "}) == (400, "required")
    assert on_tuesday.refused("events.quickAdd", calendarId="primary") == (400, "required")


def test_a_primary_calendar_is_cleared_and_no_other(google, ada):
    bo = google.api(BO)
    ada.insert(meeting(id="abcde", attendees=[{"email": BO}]))
    series = ada.insert(meeting(id="bcdef", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    ada.patch(f"{series['id']}_20261202T090000Z", {"summary": "Other"})
    _, token = ada.sync()
    assert ada.call("calendars.clear", calendarId="primary").status_code == 204
    assert ada.page(singleEvents=True)["items"] == []
    rows, _ = ada.sync(syncToken=token)
    assert {row["status"] for row in rows} == {"cancelled"}
    assert len(rows) == 3
    assert bo.get("abcde")["status"] == "cancelled"
    other = ada.ok("calendars.insert", {"summary": "Other"})["id"]
    assert ada.refused("calendars.clear", calendarId=other) == (400, "invalid")
    assert bo.refused("calendars.clear", calendarId=ADA) == (404, "notFound")
