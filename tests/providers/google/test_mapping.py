"""Google's events in our words: realistic, odd and damaged ones."""

import json
from datetime import UTC, date, datetime, timedelta

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
from app.providers.google.mapping import calendar_of, changes_of, event_of
from app.providers.google.wire import (
    WireCalendar,
    decode_calendars,
    decode_event,
    decode_events,
    decode_free_busy,
    decode_standing,
)
from tests.providers.google.payloads import cancelled_exception, exception, master, page, single


def event(**changes):
    return event_of(decode_event(json.dumps(single(**changes)).encode()))


def changes(*rows):
    answer = decode_events(json.dumps(page(*rows)).encode())
    return changes_of(answer.items, zone=answer.time_zone)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_meeting_arrives_whole():
    found = event()
    assert found.id == "c4p3gchl6ss36b9gcgo64b9kcdh64b9o"
    assert found.when == Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), "Europe/Berlin")
    assert found.busy is Busy.BUSY
    assert found.etag == '"3480508598540894"'
    assert found.ical_uid == "c4p3gchl6ss36b9gcgo64b9kcdh64b9o@google.com"
    assert (found.series_id, found.cancelled, found.private, found.quarantined) == (None, False, False, False)
    assert (found.title, found.description, found.location) == ("Quarterly review", "<b>Agenda</b>", "Room 5")
    assert found.organizer == "ada@example.com"
    assert found.attendees == (
        Attendee("ada@example.com", None, Response.ACCEPTED, is_self=True),
        Attendee("grace@example.com", "Grace", Response.TENTATIVE),
    ), "a room is no person"
    assert found.video_url == "https://meet.google.com/abc-defg-hij"
    assert found.key == "booking-1"
    assert found.updated_at == utc(2026, 2, 22, 19, 58, 19, 270000)


def test_another_vendors_video_link_is_found_too():
    conference = {
        "entryPoints": [{"entryPointType": "phone"}, {"entryPointType": "video", "uri": "https://zoom.us/j/1"}]
    }
    assert event(hangoutLink=None, conferenceData=conference).video_url == "https://zoom.us/j/1"
    assert event(hangoutLink=None, conferenceData=None).video_url is None


@pytest.mark.parametrize(("visibility", "private"), [("private", True), ("confidential", True), ("public", False)])
def test_private_events_are_marked(visibility, private):
    assert event(visibility=visibility).private is private


def _answer(status):
    return [{"email": "ada@example.com", "self": True, "responseStatus": status}]


@pytest.mark.parametrize(
    ("changes", "busy"),
    [
        ({}, Busy.BUSY),
        ({"attendees": None}, Busy.BUSY),
        ({"status": "tentative"}, Busy.TENTATIVE),
        ({"attendees": _answer("tentative")}, Busy.TENTATIVE),
        ({"attendees": _answer("needsAction")}, Busy.BUSY),
        ({"attendees": _answer("declined")}, Busy.FREE),
        ({"attendees": [{"email": "grace@example.com", "responseStatus": "declined"}]}, Busy.BUSY),
        ({"transparency": "transparent"}, Busy.FREE),
        ({"transparency": "opaque"}, Busy.BUSY),
        ({"status": "cancelled"}, Busy.FREE),
        ({"eventType": "workingLocation", "workingLocationProperties": {"type": "homeOffice"}}, Busy.FREE),
        ({"eventType": "birthday"}, Busy.FREE),
        ({"eventType": "outOfOffice"}, Busy.OUT_OF_OFFICE),
        ({"eventType": "outOfOffice", "attendees": _answer("declined")}, Busy.FREE),
        ({"eventType": "focusTime"}, Busy.BUSY),
        ({"eventType": "fromGmail"}, Busy.BUSY),
        ({"eventType": "somethingNew"}, Busy.BUSY),
    ],
)
def test_r31_what_blocks_time(changes, busy):
    assert event(**changes).busy is busy


def test_r31_an_event_that_shows_only_its_time_is_busy():
    """What a calendar shared as free/busy only gives away."""
    row = {
        "id": "x",
        "status": "confirmed",
        "visibility": "private",
        "start": {"dateTime": "2026-03-02T10:00:00Z"},
        "end": {"dateTime": "2026-03-02T11:00:00Z"},
    }
    found = event_of(decode_event(json.dumps(row).encode()))
    assert (found.busy, found.title, found.attendees) == (Busy.BUSY, None, ())


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", (utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1, 30))),
        (
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:30:00+01:00",
            (utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)),
        ),
        ("2026-03-02T10:00:00.250Z", "2026-03-02T10:00:00.250Z", (utc(2026, 3, 2, 10, 0, 0, 250000),) * 2),
        ("2026-03-02T10:00:00", "2026-03-02T11:00:00", (utc(2026, 3, 2, 9), utc(2026, 3, 2, 10))),
    ],
    ids=["spring forward", "fall back: the second half past two", "no length", "no offset: the zone decides"],
)
def test_instants_are_utc(start, end, span):
    zone = "Europe/Berlin"
    found = event(start={"dateTime": start, "timeZone": zone}, end={"dateTime": end, "timeZone": zone})
    assert found.when == Timed(*span, zone)
    assert not found.quarantined


@pytest.mark.parametrize("zone", ["Mars/Olympus", "(UTC+01:00) Amsterdam", "../etc/passwd", "America", "", "Z" * 5000])
def test_an_unknown_zone_leaves_the_offset_to_decide(zone):
    found = event(
        start={"dateTime": "2026-03-02T10:00:00+05:30", "timeZone": zone},
        end={"dateTime": "2026-03-02T11:00:00+05:30", "timeZone": zone},
    )
    assert found.when == Timed(utc(2026, 3, 2, 4, 30), utc(2026, 3, 2, 5, 30), None)


def test_an_instant_without_offset_or_known_zone_is_read_in_the_calendars():
    row = single(start={"dateTime": "2026-03-02T10:00:00"}, end={"dateTime": "2026-03-02T11:00:00", "timeZone": "X"})
    (change,) = changes(row)
    assert change.event.when == Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), None)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-03-02", "2026-03-04", AllDay(date(2026, 3, 2), date(2026, 3, 4))),
        ("2026-03-02", "2026-03-02", AllDay(date(2026, 3, 2), date(2026, 3, 3))),
        ("2026-03-02", "2026-02-01", AllDay(date(2026, 3, 2), date(2026, 3, 3))),
    ],
    ids=["two days", "ends where it starts", "ends before it starts"],
)
def test_all_day_events_are_dates(start, end, days):
    found = event(start={"date": start}, end={"date": end})
    assert found.when == days
    assert found.busy is Busy.BUSY
    assert not found.quarantined


@pytest.mark.parametrize(
    ("damage", "when"),
    [
        ({"end": None}, Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), "Europe/Berlin")),
        ({"end": {"dateTime": "no time"}}, Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), "Europe/Berlin")),
        ({"end": {"dateTime": "2026-03-02T08:00:00Z"}}, Timed(utc(2026, 3, 2, 8), utc(2026, 3, 2, 9), "Europe/Berlin")),
        ({"start": {"date": "2026-03-02"}}, AllDay(date(2026, 3, 2), date(2026, 3, 3))),
        ({"attendees": "many"}, Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), "Europe/Berlin")),
        ({"summary": 7}, Timed(utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), "Europe/Berlin")),
    ],
    ids=["no end", "broken end", "ends before it starts", "a day and an instant", "attendees", "title"],
)
def test_a_damaged_event_keeps_its_id_and_its_time_busy(damage, when):
    found = event(**damage)
    assert (found.id, found.when, found.busy) == ("c4p3gchl6ss36b9gcgo64b9kcdh64b9o", when, Busy.BUSY)
    assert found.quarantined


@pytest.mark.parametrize(
    "start",
    [
        None,
        {},
        {"date": "2026-02-30"},
        {"dateTime": 5},
        {"dateTime": "0001-01-01T00:00:00+05:00"},
        {"date": "9999-12-31"},
    ],
)
def test_an_event_whose_time_cannot_be_read_is_no_event(start):
    assert event(start=start, end=None) is None


def test_googles_year_zero_spoils_nothing():
    found = event(updated="0000-12-29T00:00:00.000Z")
    assert (found.updated_at, found.quarantined) == (None, False)


def test_damage_of_one_row_leaves_the_rest_of_the_page_alone():
    content = json.dumps(
        page(single(id="a1"), single(id="b1", start={"dateTime": "?"}), {"no": "id"}, 7, single(id="c1"))
    )
    rows = decode_events(content.encode()).items
    assert [row.id for row in rows] == ["a1", "b1", "c1"]
    first, damaged, last = changes_of(rows)
    assert (first.event.id, damaged, last.event.id) == ("a1", Unreadable("b1"), "c1")


@pytest.mark.parametrize("text", [b"\\ud800", b"\xff", b"\\u0000"], ids=["lone surrogate", "broken UTF-8", "NUL"])
def test_text_that_is_no_text_does_not_cost_the_page(text):
    content = json.dumps(page(single(summary="HERE"), single(id="b1"))).encode().replace(b"HERE", text)
    found = [event_of(row) for row in decode_events(content).items]
    assert [event.id for event in found] == ["c4p3gchl6ss36b9gcgo64b9kcdh64b9o", "b1"]
    assert found[0].attendees
    found[0].title.encode()


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b"{}", b'{"kind": "drive#files", "items": []}', b'{"kind":']
)
def test_what_is_no_page_is_not_an_empty_page(content):
    with pytest.raises(msgspec.DecodeError):
        decode_events(content)


def test_singles_are_told_as_they_are_and_deleted_ones_by_id():
    upsert, removed = changes(single(), {"id": "gone", "status": "cancelled"})
    assert isinstance(upsert, Upsert)
    assert upsert.event.title == "Quarterly review"
    assert removed == Removed("gone")


def test_a_series_is_only_named_whatever_changed_in_it():
    assert changes(master()) == (SeriesTouched("weekly"),)
    assert changes(exception()) == (SeriesTouched("weekly"),)
    assert changes(cancelled_exception()) == (SeriesTouched("weekly"),)
    assert changes(exception(start={"dateTime": "?"}, end=None)) == (SeriesTouched("weekly"),)
    assert changes(master(start={"dateTime": "?"})) == (SeriesTouched("weekly"),)


def test_a_series_is_named_once_a_page():
    rows = [master(), exception("20260309"), exception("20260323"), cancelled_exception("20260330"), master()]
    assert changes(*rows) == (SeriesTouched("weekly"),)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_deleted_series_is_gone_with_all_its_cancelled_dates(turn):
    rows = [master(status="cancelled"), cancelled_exception("20260309"), cancelled_exception("20260323")]
    assert changes(*rows[::turn]) == (Removed("weekly"),)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_guest_taken_off_a_series_but_kept_on_one_date_keeps_that_date(turn):
    rows = [master(status="cancelled"), exception("20260309"), cancelled_exception("20260323")]
    assert changes(*rows[::turn]) == (SeriesTouched("weekly"),)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_series_that_became_a_single_event_is_that_event(turn):
    rows = [single(id="weekly"), cancelled_exception("20260309")]
    (change,) = changes(*rows[::turn])
    assert isinstance(change, Upsert)
    assert change.event.id == "weekly"


def test_a_cancelled_date_with_nothing_but_its_original_start_can_be_told():
    found = event_of(decode_event(json.dumps(cancelled_exception()).encode()))
    assert (found.cancelled, found.busy, found.quarantined) == (True, Busy.FREE, False)
    assert found.when == Timed(utc(2026, 3, 9, 9), utc(2026, 3, 9, 9) + timedelta(hours=1), None)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("owner", AccessRole.OWNER),
        ("writer", AccessRole.WRITER),
        ("writerWithoutPrivateAccess", AccessRole.WRITER),
        ("reader", AccessRole.READER),
        ("freeBusyReader", AccessRole.FREE_BUSY_READER),
        ("emperor", AccessRole.FREE_BUSY_READER),
        (None, AccessRole.FREE_BUSY_READER),
    ],
)
def test_access_roles(role, expected):
    assert calendar_of(WireCalendar("c", access_role=role)).role is expected


def test_a_calendar_goes_by_the_name_its_person_gave_it_and_by_a_zone_we_know():
    entry = {
        "id": "c@group.calendar.google.com",
        "summary": "Team",
        "summaryOverride": "My team",
        "timeZone": "Atlantis/Poseidon",
        "accessRole": "owner",
        "primary": True,
    }
    answer = {"kind": "calendar#calendarList", "items": [entry, {"id": 5}, {"id": "d", "timeZone": "Asia/Tokyo"}]}
    first, second = map(calendar_of, decode_calendars(json.dumps(answer).encode()).items)
    assert first == CalendarRef("c@group.calendar.google.com", "My team", "UTC", AccessRole.OWNER, primary=True)
    assert (second.name, second.time_zone, second.primary) == ("d", "Asia/Tokyo", False)


def test_null_means_what_a_missing_member_means():
    row = single(hangoutLink=None) | {"attendees": None, "conferenceData": None, "recurrence": None, "nothing": None}
    row["organizer"] |= {"self": None, "displayName": None}
    content = json.dumps(page(row) | {"nextPageToken": None}).encode()
    (found,) = map(event_of, decode_events(content).items)
    assert not found.quarantined
    assert (found.key, found.attendees, found.organizer) == ("booking-1", (), "ada@example.com")


def test_null_hides_no_calendar_and_no_busy_time():
    entry = {"id": "ada@example.com", "summary": "Ada", "accessRole": "owner", "primary": True, "deleted": None}
    other = {"id": "team", "summary": None, "accessRole": "reader", "primary": None}
    listed = decode_calendars(json.dumps({"kind": "calendar#calendarList", "items": [entry, other]}).encode())
    assert [(item.id, item.primary, item.deleted) for item in listed.items] == [
        ("ada@example.com", True, False),
        ("team", False, False),
    ]
    span = {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T10:00:00Z"}
    answer = json.dumps({"calendars": {"team": {"errors": None, "busy": [span]}}}).encode()
    assert len(decode_free_busy(answer)["team"].busy) == 1
    standing = decode_standing(json.dumps({"etag": '"1"', "attendees": None, "extendedProperties": None}).encode())
    assert (standing.etag, standing.attendees) == ('"1"', ())
