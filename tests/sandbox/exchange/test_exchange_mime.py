"""The MIME content of an item is iCalendar."""

import base64
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from tests.sandbox.exchange.calls import made
from tests.sandbox.exchange.soap_bodies import (
    create,
    delete,
    get,
    item_id,
    meeting,
    set_field,
    update,
    view,
    weekly,
    zone_of,
)

STOCKHOLM = ZoneInfo("Europe/Stockholm")
ZONED = zone_of("W. Europe Standard Time")


def calendar_of(exchange, item):
    answer = exchange.soap(get(item_id(item, key=False), base="IdOnly", paths=("item:MimeContent",)))
    content = answer.one("//t:CalendarItem/t:MimeContent")
    assert content.get("CharacterSet") == "UTF-8"
    return Calendar.from_ical(base64.b64decode(content.text))


def test_an_item_with_everything(exchange):
    body = "<t:Sensitivity>Confidential</t:Sensitivity><t:Body BodyType='HTML'>&lt;b&gt;Hi&lt;/b&gt;</t:Body>"
    extra = "<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Here</t:Location>"
    item = meeting(before_start=body, extra=extra, guests=("x@client.example",))
    sent = exchange.soap(create(item, send="SendToAllAndSaveCopy")).one("//t:ItemId")
    calendar = calendar_of(exchange, sent)
    (event,) = calendar.walk("VEVENT")
    assert (str(calendar["method"]), str(event["summary"]), str(event["location"])) == ("REQUEST", "Meeting", "Here")
    assert (str(event["class"]), str(event["description"])) == ("CONFIDENTIAL", "Hi")
    assert str(event["x-microsoft-cdo-busystatus"]) == "OOF"
    assert (event["organizer"].lower(), event["attendee"].lower()) == (
        "mailto:ada@example.com",
        "mailto:x@client.example",
    )
    assert event["attendee"].params["PARTSTAT"] == "NEEDS-ACTION"
    assert event.decoded("dtstart") == datetime.fromisoformat("2026-12-01T10:00:00Z")


@pytest.mark.usefixtures("bo")
def test_what_is_private_is_its_owners(exchange):
    item = made(exchange, meeting(before_start="<t:Sensitivity>Private</t:Sensitivity>"))
    share = {"account": "bo@example.com", "level": "Reviewer"}
    exchange.control("PUT", "/accounts/ada@example.com/calendars/permissions", share)
    body = get(item_id(item), base="IdOnly", paths=("item:MimeContent",))
    assert exchange.soap(body, email="bo@example.com").all("//t:MimeContent") == []
    assert len(exchange.soap(body).all("//t:MimeContent")) == 1


def test_a_whole_day_is_a_date(exchange):
    day = meeting("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", extra="<t:IsAllDayEvent>1</t:IsAllDayEvent>")
    (event,) = calendar_of(exchange, made(exchange, day)).walk("VEVENT")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (date(2026, 12, 1), date(2026, 12, 2))


def test_a_series_has_its_rule_its_zone_and_what_was_changed(exchange):
    item = made(
        exchange,
        meeting("2026-03-02T10:00:00+01:00", "2026-03-02T11:00:00+01:00", tail=weekly("Monday Thursday") + ZONED),
    )
    days = exchange.soap(view("2026-03-02T00:00:00Z", "2026-03-10T00:00:00Z")).all("//t:ItemId")
    exchange.soap(update(item_id(days[1]), set_field("item:Subject", "<t:Subject>Other</t:Subject>")))
    exchange.soap(delete(item_id(days[2], key=False)))
    calendar = calendar_of(exchange, item)
    master, changed = calendar.walk("VEVENT")
    assert master["rrule"].to_ical() == b"FREQ=WEEKLY;COUNT=8;INTERVAL=1;BYDAY=MO,TH"
    assert master.decoded("dtstart").tzinfo is not None
    assert len(calendar.walk("VTIMEZONE")) == 1
    assert [at.dt.astimezone(STOCKHOLM).day for at in master["exdate"].dts] == [9]
    assert (str(changed["summary"]), changed.decoded("recurrence-id").day) == ("Other", 5)
    (alone,) = calendar_of(exchange, days[0]).walk("VEVENT")
    assert "rrule" not in alone


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (
            (
                "<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>31</t:DayOfMonth>"
                "</t:AbsoluteMonthlyRecurrence>"
            ),
            b"FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
        ),
        (
            (
                "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Tuesday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex>"
                "<t:Month>March</t:Month></t:RelativeYearlyRecurrence>"
            ),
            b"FREQ=YEARLY;INTERVAL=1;BYDAY=TU;BYMONTH=3;BYSETPOS=-1",
        ),
        (
            "<t:DailyRecurrence><t:Interval>2</t:Interval></t:DailyRecurrence>",
            b"FREQ=DAILY;INTERVAL=2",
        ),
    ],
)
def test_patterns(exchange, pattern, told):
    endless = "<t:NoEndRecurrence><t:StartDate>2026-03-31</t:StartDate></t:NoEndRecurrence>"
    series = f"<t:Recurrence>{pattern}{endless}</t:Recurrence>"
    item = made(exchange, meeting("2026-03-31T10:00:00Z", "2026-03-31T11:00:00Z", tail=series))
    (event,) = calendar_of(exchange, item).walk("VEVENT")
    assert event["rrule"].to_ical() == told
