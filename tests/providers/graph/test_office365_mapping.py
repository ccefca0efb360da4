"""Graph's events in our words: realistic, odd and damaged ones."""

import json
from datetime import UTC, date, datetime

import msgspec
import pytest

from app.calendar import (
    AccessRole,
    AllDay,
    Attendee,
    Busy,
    CalendarRef,
    Removed,
    Response,
    SeriesTouched,
    Timed,
    Unreadable,
    Upsert,
)
from app.providers.graph.mapping import calendar_of, changes_of, event_of
from app.providers.graph.marks import transaction_id
from app.providers.graph.wire import WireCalendar, decode_calendars, decode_event, decode_events
from tests.providers.graph.payloads import (
    MINE,
    SERIES,
    at,
    guest,
    marked,
    master,
    occurrence,
    page,
    removed,
    single,
    stub,
)


def event(**changes):
    return event_of(decode_event(json.dumps(single(**changes)).encode()))


def changes(*rows):
    return changes_of(decode_events(json.dumps(page(*rows)).encode()).value)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_meeting_arrives_whole():
    found = event()
    assert found.id == MINE
    assert found.when == Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), "Europe/Berlin")
    assert found.busy is Busy.BUSY
    assert found.etag == 'W/"wgMLBV3JBEOnWI9UGI4kTQADJmgusw=="'
    assert found.ical_uid == "040000008200E00074C5B7101A82E008000000002CFCE63DC56CDA01"
    assert (found.series_id, found.cancelled, found.private, found.quarantined) == (None, False, False, False)
    assert (found.title, found.description, found.location) == ("Quarterly review", "Agenda\nReview", "Room 5")
    assert found.organizer == "ada@example.com"
    assert found.attendees == (Attendee("grace@example.com", "grace@example.com", Response.TENTATIVE),), "no room"
    assert found.video_url == "https://teams.microsoft.com/l/meetup-join/1"
    assert found.key == "booking-1"
    assert found.updated_at == utc(2026, 2, 22, 19, 58, 19, 270000)


def test_our_key_is_read_from_either_mark():
    assert event(transactionId=None, singleValueExtendedProperties=marked("moved")).key == "moved"
    assert transaction_id("ä/?&= b", 3).isascii()
    assert event(transactionId=transaction_id("ä/?&= b", 3)).key == "ä/?&= b"
    for foreign in ("localevent:c95ac848-7295-ad3e-ee1e-f3832b10bf3e", "calendar-connect:x:y", "", ...):
        assert event(transactionId=foreign).key is None
    other = [{"id": "String {00020329-0000-0000-C000-000000000046} Name Color", "value": "Green"}]
    assert event(transactionId=None, singleValueExtendedProperties=other).key is None


@pytest.mark.parametrize(
    ("changes", "busy"),
    [
        ({}, Busy.BUSY),
        ({"showAs": "Busy"}, Busy.BUSY),
        ({"showAs": "free"}, Busy.FREE),
        ({"showAs": "tentative"}, Busy.TENTATIVE),
        ({"showAs": "oof"}, Busy.OUT_OF_OFFICE),
        ({"showAs": "workingElsewhere"}, Busy.FREE),
        ({"showAs": "unknown"}, Busy.BUSY),
        ({"showAs": "somethingNew"}, Busy.BUSY),
        ({"showAs": ...}, Busy.BUSY),
        ({"isCancelled": True}, Busy.FREE),
        ({"responseStatus": {"response": "declined"}}, Busy.FREE),
        ({"responseStatus": {"response": "notResponded"}, "showAs": "tentative"}, Busy.TENTATIVE),
        ({"responseStatus": ...}, Busy.BUSY),
    ],
)
def test_r31_what_blocks_time(changes, busy):
    assert event(**changes).busy is busy


@pytest.mark.parametrize(
    ("sensitivity", "private"), [("normal", False), ("private", True), ("confidential", True), (..., False)]
)
def test_private_events_are_marked(sensitivity, private):
    assert event(sensitivity=sensitivity).private is private


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("India Standard Time", "Asia/Kolkata"),
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Custom", None),
        ("Customized Time Zone", None),
        ("Europe", None),
        ("../../etc/passwd", None),
        (..., None),
    ],
)
def test_the_authors_zone_is_told_where_anybody_knows_it(zone, name):
    found = event(originalStartTimeZone=zone)
    assert found.when == Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), name)
    assert not found.quarantined


def test_times_in_another_zone_than_we_asked_for_mean_what_they_say():
    found = event(
        start=at("2026-07-01T09:00:00", "Pacific Standard Time"), end=at("2026-07-01T19:00:00", "Europe/Berlin")
    )
    assert (found.when.start, found.when.end) == (utc(2026, 7, 1, 16), utc(2026, 7, 1, 17))


def test_seven_digits_of_a_second_are_no_obstacle():
    when = {"dateTime": "2026-03-02T09:00:00.1234567", "timeZone": "UTC"}
    assert event(start=when).when.start == utc(2026, 3, 2, 9, 0, 0, 123456)


@pytest.mark.parametrize(
    ("start", "end", "zone", "days", "quarantined"),
    [
        ("2026-03-02T00:00:00", "2026-03-04T00:00:00", "UTC", (2, 4), False),
        ("2026-03-02T00:00:00", "2026-03-03T00:00:00", "tzone://Microsoft/Custom", (2, 3), False),
        ("2026-03-01T23:00:00", "2026-03-03T23:00:00", "W. Europe Standard Time", (2, 4), False),
        ("2026-03-01T22:00:00", "2026-03-02T22:00:00", "tzone://Microsoft/Custom", (2, 3), True),
        ("2026-03-02T00:00:00", "2026-03-02T00:00:00", "UTC", (2, 3), True),
    ],
)
def test_whole_days_are_days_whichever_midnight_they_were_made_at(start, end, zone, days, quarantined):
    found = event(isAllDay=True, start=at(start), end=at(end), originalStartTimeZone=zone)
    assert found.when == AllDay(date(2026, 3, days[0]), date(2026, 3, days[1]))
    assert found.quarantined is quarantined


def test_whole_days_over_a_change_of_clocks_stay_whole():
    """Midnight in Berlin is at 23:00 UTC before 29 March and at 22:00 after."""
    found = event(isAllDay=True, start=at("2026-03-27T23:00:00"), end=at("2026-03-29T22:00:00"))
    assert found.when == AllDay(date(2026, 3, 28), date(2026, 3, 30))
    assert not found.quarantined


# damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "span"),
    [
        ({"end": None}, (9, 10)),
        ({"end": at("2026-03-02T08:00:00")}, (8, 9)),
        ({"end": {"dateTime": "later"}}, (9, 10)),
        ({"subject": 7}, (9, 10)),
        ({"attendees": "everybody"}, (9, 10)),
        ({"body": []}, (9, 10)),
        ({"isAllDay": "no"}, (9, 10)),
        ({"type": "occurrence"}, (9, 10)),
    ],
)
def test_a_damaged_event_keeps_its_time_busy(damage, span):
    found = event(**damage)
    assert found.quarantined
    assert (found.busy, found.when.start.hour, found.when.end.hour) == (Busy.BUSY, *span)


@pytest.mark.parametrize("start", [None, {"dateTime": "?"}, {"dateTime": 5}, "soon", {}, at("0000-00-00T00:00:00")])
def test_an_event_whose_time_cannot_be_read_is_no_event(start):
    assert event(start=start) is None
    assert changes(single(start=start)) == (Unreadable(MINE),), "who knows it keeps what they know"


def test_the_edges_of_the_calendar_are_survived():
    assert event(start=at("0001-01-01T00:00:00", "Tokyo Standard Time")) is None
    assert event(isAllDay=True, start=at("9999-12-31T00:00:00"), end=None) is None


def test_one_damaged_row_does_not_spoil_its_page():
    rows = [single(id="a"), {"id": 7}, single(id="b", subject=["x"]), stub(attendees=5), removed("c")]
    content = json.dumps(page(*rows, **{"@odata.nextLink": "n", "@odata.deltaLink": "d"})).encode()
    answer = decode_events(content.replace(b'"Quarterly review"', b'"\xff\\ud800"'))
    assert [row.id for row in answer.value] == ["a", "b", f"{SERIES}2026-03-09", "c"]
    assert (answer.next_link, answer.delta_link) == ("n", "d")
    first, second, third, fourth = changes_of(answer.value)
    assert (first.event.quarantined, second.event.quarantined) == (False, True)
    assert third == SeriesTouched(SERIES)
    assert fourth == Removed("c")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"value": 7}', b"<html>", b'{"error": {"code": "x"}}'])
def test_what_is_no_page_is_refused(content):
    with pytest.raises(msgspec.DecodeError):
        decode_events(content)
    with pytest.raises(msgspec.DecodeError):
        decode_event(content)


# changes ----------------------------------------------------------------------------------------------------------


def test_single_events_come_as_they_are_and_series_by_name_only():
    found = changes(single(), master(), stub("2026-03-09"), occurrence("2026-03-16", type="exception"))
    assert isinstance(found[0], Upsert)
    assert found[0].event.key == "booking-1", "our own events are known again, also in a delta"
    assert found[1:] == (SeriesTouched(SERIES),)


def test_a_series_itself_never_becomes_an_event():
    """It is listed with the dates of its first occurrence, also when none of its dates is in the page."""
    assert changes(master()) == (SeriesTouched(SERIES),)
    assert changes(master(type="SeriesMaster", subject=7)) == (SeriesTouched(SERIES),), "a damaged one neither"


def test_a_stub_never_becomes_an_event():
    assert changes(stub()) == (SeriesTouched(SERIES),)
    assert changes(stub(type="exception", start=None, subject="Moved")) == (SeriesTouched(SERIES),)


@pytest.mark.parametrize("reason", ["deleted", "changed"])
def test_a_removal_is_a_removal_for_either_reason_also_of_what_nobody_knew(reason):
    assert changes(removed("x", reason), removed("y", reason)) == (Removed("x"), Removed("y"))


@pytest.mark.parametrize("flip", [1, -1])
def test_a_series_that_is_told_as_removed_and_as_standing_is_read_again(flip):
    rows = [stub(), removed(SERIES)][::flip]
    assert changes(*rows) == (SeriesTouched(SERIES),)


def test_a_deleted_date_is_never_announced_but_its_series_is_told_again():
    assert changes(stub("2026-03-02"), stub("2026-03-16"), master()) == (SeriesTouched(SERIES),)


def test_the_last_word_about_an_event_wins():
    assert changes(single(), removed(MINE)) == (Removed(MINE),)
    (kept,) = changes(removed(MINE), single(subject="Back"))
    assert kept.event.title == "Back"
    (repeated,) = changes(single(subject="Old"), single(subject="New"))
    assert repeated.event.title == "New"


def test_a_cancelled_meeting_is_gone_though_it_still_stands_in_the_guests_calendar():
    assert changes(single(isCancelled=True)) == (Removed(MINE),)
    assert event(isCancelled=True).cancelled


# calendars --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "role"),
    [
        ({"isDefaultCalendar": True}, AccessRole.OWNER),
        ({"canShare": True, "canEdit": True}, AccessRole.OWNER),
        ({"canShare": False, "canEdit": True}, AccessRole.WRITER),
        ({"canShare": False, "canEdit": False}, AccessRole.READER),
        ({"canEdit": None}, AccessRole.READER),
    ],
)
def test_roles_follow_from_what_one_may_do(entry, role):
    assert calendar_of(msgspec.convert({"id": "x", **entry}, WireCalendar), "UTC").role is role


def test_calendars_and_those_that_cannot_be_read():
    content = json.dumps({"value": [{"id": "a", "name": "Team", "isDefaultCalendar": True}, {"id": 7}, {"id": "b"}]})
    first, second = decode_calendars(content.encode()).value
    assert calendar_of(first, "Europe/Rome") == CalendarRef("a", "Team", "Europe/Rome", AccessRole.OWNER, primary=True)
    assert calendar_of(second, "UTC").name == "b"


def test_guests_answers():
    answers = ["none", "notResponded", "accepted", "tentativelyAccepted", "declined", "organizer"]
    found = event(attendees=[guest(f"{answer}@example.com", answer) for answer in answers] + [{"type": "required"}])
    assert [person.response for person in found.attendees] == [
        Response.NEEDS_ACTION,
        Response.NEEDS_ACTION,
        Response.ACCEPTED,
        Response.TENTATIVE,
        Response.DECLINED,
        Response.ACCEPTED,
    ]
