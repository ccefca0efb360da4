"""What a person sets for a calendar on their list."""

import pytest

POPUP = {"method": "popup", "minutes": 10}


@pytest.fixture
def other(ada):
    return ada.ok("calendars.insert", {"summary": "Other"})["id"]


def patch(api, calendar, body, **query):
    return api.ok("calendarList.patch", body, calendarId=calendar, query=query)


def test_an_index_brings_its_colours(ada, other):
    palette = ada.ok("colors.get")["calendar"]
    changed = patch(ada, other, {"colorId": "3"})
    assert (changed["colorId"], changed["backgroundColor"]) == ("3", palette["3"]["background"])
    assert changed["foregroundColor"] == palette["3"]["foreground"]
    assert ada.refused("calendarList.patch", {"colorId": "99"}, calendarId=other) == (400, "invalid")


def test_colours_count_only_when_said_so_and_bring_the_nearest_index(ada, other):
    colors = {"backgroundColor": "#f93b23", "foregroundColor": "#ffffff"}
    assert patch(ada, other, colors)["colorId"] == "14"
    changed = patch(ada, other, colors, colorRgbFormat=True)
    assert {name: changed[name] for name in colors} == colors
    assert changed["colorId"] == "3"
    for bad in ("red", "#12345", "#1234567"):
        body, query = {"backgroundColor": bad}, {"colorRgbFormat": True}
        assert ada.refused("calendarList.patch", body, calendarId=other, query=query) == (400, "invalid")


def test_an_entry_that_is_read_and_sent_back_keeps_its_colours(ada, other):
    colors = {"backgroundColor": "#123456", "foregroundColor": "#ffffff"}
    entry = patch(ada, other, colors, colorRgbFormat=True)
    again = ada.ok("calendarList.update", {**entry, "summaryOverride": "Mine"}, calendarId=other)
    assert {name: again[name] for name in colors} == colors
    assert patch(ada, other, {"selected": False})["backgroundColor"] == "#123456"
    assert patch(ada, other, {"colorId": "1"})["backgroundColor"] == "#ac725e"


def test_an_entry_comes_with_what_was_set_when_it_was_put_on_the_list(ada, other):
    ada.ok("calendarList.delete", calendarId=other)
    body = {"id": other, "backgroundColor": "#ac725f", "foregroundColor": "#000000", "defaultReminders": [POPUP]}
    entry = ada.ok("calendarList.insert", body, query={"colorRgbFormat": True})
    assert (entry["colorId"], entry["backgroundColor"], entry["defaultReminders"]) == ("1", "#ac725f", [POPUP])


def test_default_reminders_are_the_persons_and_stand_in_the_list_of_events(ada, bo, other):
    assert ada.ok("calendarList.get", calendarId="primary")["defaultReminders"] == [POPUP]
    assert ada.page()["defaultReminders"] == [POPUP]
    assert ada.page(other)["defaultReminders"] == []
    mine = [{"method": "email", "minutes": 30}]
    assert patch(ada, other, {"defaultReminders": mine})["defaultReminders"] == mine
    ada.ok("acl.insert", {"scope": {"type": "user", "value": "bo@example.com"}, "role": "reader"}, calendarId=other)
    assert ada.page(other)["defaultReminders"] == mine
    assert bo.page(other)["defaultReminders"] == []
    assert patch(ada, "primary", {"defaultReminders": []})["defaultReminders"] == []
    assert ada.page()["defaultReminders"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"defaultReminders": [{"method": "sms", "minutes": 1}]},
        {"defaultReminders": [{"method": "popup"}]},
        {"defaultReminders": [{"method": "popup", "minutes": 40321}]},
        {"notificationSettings": {"notifications": [{"method": "sms", "type": "agenda"}]}},
        {"notificationSettings": {"notifications": [{"method": "email", "type": "eventMoved"}]}},
    ],
)
def test_a_bad_reminder_or_mail_is_refused(ada, other, body):
    before = ada.ok("calendarList.get", calendarId=other)
    assert ada.refused("calendarList.patch", body, calendarId=other) == (400, "invalid")
    assert ada.ok("calendarList.get", calendarId=other) == before
