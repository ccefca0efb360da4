"""Series: patterns, occurrences, exceptions, and what becomes of them."""

import pytest

from tests.sandbox.microsoft.live import WEST, at, guest, meeting, weekly

YEAR = ("2026-11-01T00:00:00Z", "2028-12-31T00:00:00Z")


def series(day="2026-12-01", *, pattern=None, **more):
    limits = {"type": "numbered", "numberOfOccurrences": 4, **more.pop("limits", {})}
    recurrence = weekly(day, **limits)
    if pattern is not None:
        recurrence["pattern"] = {"interval": 1, **pattern}
    return meeting(day, recurrence=recurrence, **more)


def instances(ada, series_id, window=YEAR, **more):
    query = {"startDateTime": window[0], "endDateTime": window[1]}
    return ada.ok("GET", f"/me/events/{series_id}/instances", S_top=999, **query, **more)["value"]


def days(rows):
    return [row["start"]["dateTime"][:10] for row in rows]


@pytest.mark.parametrize(
    ("first", "pattern", "expected"),
    [
        ("2026-12-01", {"type": "daily", "interval": 3}, ["2026-12-01", "2026-12-04", "2026-12-07", "2026-12-10"]),
        (
            "2026-12-01",
            {"type": "weekly", "interval": 2, "daysOfWeek": ["Monday", "tuesday"], "firstDayOfWeek": "sunday"},
            ["2026-12-01", "2026-12-14", "2026-12-15", "2026-12-28"],
        ),
        (
            "2026-12-31",
            {"type": "absoluteMonthly", "dayOfMonth": 31},
            ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"],
        ),
        (
            "2026-12-01",
            {"type": "relativeMonthly", "daysOfWeek": ["thursday"], "index": "last"},
            ["2026-12-31", "2027-01-28", "2027-02-25", "2027-03-25"],
        ),
        (
            "2026-12-01",
            {"type": "relativeMonthly", "daysOfWeek": ["monday", "tuesday"]},
            ["2026-12-01", "2027-01-04", "2027-02-01", "2027-03-01"],
        ),
        ("2027-02-28", {"type": "absoluteYearly", "dayOfMonth": 29, "month": 2}, ["2027-02-28", "2028-02-29"]),
        (
            "2026-12-01",
            {"type": "relativeYearly", "daysOfWeek": ["friday"], "index": "second", "month": 12},
            ["2026-12-11", "2027-12-10", "2028-12-08"],
        ),
    ],
)
def test_every_pattern_gives_its_days(ada, first, pattern, expected):
    made = ada.create(series(first, pattern=pattern))
    assert made["type"] == "seriesMaster"
    assert made["start"]["dateTime"][:10] == expected[0], "the series begins on the first day the pattern gives"
    assert made["recurrence"]["range"]["startDate"] == expected[0]
    assert days(instances(ada, made["id"])) == expected


def test_a_recurrence_comes_back_with_its_defaults(ada):
    made = ada.create(meeting(recurrence=weekly()))
    assert made["recurrence"] == {
        "pattern": {
            "type": "weekly",
            "interval": 1,
            "month": 0,
            "dayOfMonth": 0,
            "daysOfWeek": ["tuesday"],
            "firstDayOfWeek": "monday",
            "index": "first",
        },
        "range": {
            "type": "noEnd",
            "startDate": "2026-12-01",
            "endDate": "0001-01-01",
            "recurrenceTimeZone": WEST,
            "numberOfOccurrences": 0,
        },
    }


def test_a_series_stays_on_the_wall_clock_when_the_clocks_change(ada):
    made = ada.create(series("2027-03-23"))
    told = [row["start"]["dateTime"][:16] for row in instances(ada, made["id"])]
    assert told == ["2027-03-23T09:00", "2027-03-30T08:00", "2027-04-06T08:00", "2027-04-13T08:00"]


def test_a_range_ends_on_its_last_day(ada):
    made = ada.create(series(limits={"type": "endDate", "endDate": "2026-12-15"}))
    assert days(instances(ada, made["id"])) == ["2026-12-01", "2026-12-08", "2026-12-15"]


@pytest.mark.parametrize(
    ("recurrence", "code"),
    [
        ({"pattern": {"type": "hourly"}, "range": {}}, "RequestBodyRead"),
        ({"pattern": {"type": "weekly", "interval": 1}, "range": weekly()["range"]}, "ErrorPropertyValidationFailure"),
        ({"pattern": {"type": "daily", "interval": 0}, "range": weekly()["range"]}, "ErrorPropertyValidationFailure"),
        (weekly("2026-12-08"), "ErrorPropertyValidationFailure"),
        (weekly(type="endDate", endDate="2026-11-01"), "ErrorPropertyValidationFailure"),
        (weekly(type="numbered"), "ErrorPropertyValidationFailure"),
        (
            {
                "pattern": {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["monday"], "index": "third"},
                "range": {"type": "endDate", "startDate": "2026-12-01", "endDate": "2026-12-02"},
            },
            "ErrorRecurrenceHasNoOccurrence",
        ),
    ],
)
def test_a_recurrence_that_makes_no_sense_is_refused(ada, recurrence, code):
    assert ada.refused("POST", "/me/events", meeting(recurrence=recurrence)) == (400, code)


def test_an_occurrence_may_not_last_into_the_next(ada):
    body = {**meeting(recurrence=weekly()), "end": at("2026-12-09T10:00:00")}
    assert ada.refused("POST", "/me/events", body) == (400, "ErrorOccurrenceTimeSpanTooBig")


def test_a_view_shows_occurrences_whole_and_a_list_shows_the_series(ada):
    made = ada.create(series(subject="Weekly"))
    rows = ada.view(*YEAR)
    assert {row["type"] for row in rows} == {"occurrence"}
    assert {row["subject"] for row in rows} == {"Weekly"}
    assert {row["seriesMasterId"] for row in rows} == {made["id"]}
    assert [row["originalStart"][:10] for row in rows] == days(rows)
    assert len({row["iCalUId"] for row in rows} | {made["iCalUId"]}) == 5
    assert all(row["recurrence"] is None for row in rows)
    assert rows[0]["occurrenceId"] == f"OID.{made['id']}.2026-12-01"
    assert [row["type"] for row in ada.ok("GET", "/me/events")["value"]] == ["seriesMaster"]
    single = ada.create(meeting())
    assert ada.refused("GET", f"/me/events/{single['id']}/instances", startDateTime=YEAR[0], endDateTime=YEAR[1]) == (
        400,
        "ErrorInvalidRequest",
    )


def test_an_edited_occurrence_becomes_an_exception_under_the_same_id(ada):
    made = ada.create(series())
    second = instances(ada, made["id"])[1]
    body = {"subject": "Special", "start": at("2026-12-09T15:00:00"), "end": at("2026-12-09T16:00:00")}
    edited = ada.patch(second["id"], body)
    assert (edited["id"], edited["type"], edited["subject"]) == (second["id"], "exception", "Special")
    assert edited["originalStart"] == "2026-12-08T09:00:00.0000000Z"
    rows = instances(ada, made["id"])
    assert [row["type"] for row in rows] == ["occurrence", "exception", "occurrence", "occurrence"]
    assert days(rows) == ["2026-12-01", "2026-12-09", "2026-12-15", "2026-12-22"]
    expanded = ada.get(made["id"], S_expand="exceptionOccurrences")
    assert [row["id"] for row in expanded["exceptionOccurrences"]] == [second["id"]]
    only_then = instances(ada, made["id"], ("2026-12-08T00:00:00Z", "2026-12-09T00:00:00Z"))
    assert only_then == [], "it is where it was moved to, not where the rule has it"


def test_an_occurrence_stays_between_its_neighbours(ada):
    made = ada.create(series())
    second = instances(ada, made["id"])[1]["id"]
    for day in ("2026-12-01", "2026-11-20", "2026-12-15", "2027-01-20"):
        body = {"start": at(f"{day}T15:00:00"), "end": at(f"{day}T16:00:00")}
        assert ada.refused("PATCH", f"/me/events/{second}", body) == (400, "ErrorOccurrenceCrossingBoundary")
    assert ada.patch(second, {"start": at("2026-12-14T15:00:00"), "end": at("2026-12-14T16:00:00")})
    third = instances(ada, made["id"])[2]["id"]
    body = {"start": at("2026-12-14T17:00:00"), "end": at("2026-12-14T18:00:00")}
    assert ada.refused("PATCH", f"/me/events/{third}", body) == (400, "ErrorOccurrenceCrossingBoundary")


def test_a_deleted_occurrence_is_gone_and_told_only_to_who_asks_the_series(ada):
    made = ada.create(series())
    second = instances(ada, made["id"])[1]["id"]
    ada.delete(second)
    assert ada.refused("GET", f"/me/events/{second}") == (404, "ErrorItemNotFound")
    assert days(instances(ada, made["id"])) == ["2026-12-01", "2026-12-15", "2026-12-22"]
    assert "cancelledOccurrences" not in ada.get(made["id"])
    asked = ada.get(made["id"], S_select="cancelledOccurrences")
    assert asked["cancelledOccurrences"] == [f"OID.{made['id']}.2026-12-08"]


def test_a_series_that_gets_other_times_forgets_its_exceptions(ada):
    made = ada.create(series())
    rows = instances(ada, made["id"])
    ada.patch(rows[1]["id"], {"subject": "Special"})
    ada.delete(rows[2]["id"])
    ada.patch(made["id"], {"subject": "Renamed"})
    subjects = [row["subject"] for row in instances(ada, made["id"])]
    assert subjects == ["Renamed", "Special", "Renamed"], "an exception keeps what it says itself"
    ada.patch(made["id"], {"start": at("2026-12-01T14:00:00"), "end": at("2026-12-01T15:00:00")})
    rows = instances(ada, made["id"])
    assert [row["type"] for row in rows] == ["occurrence"] * 4
    assert {row["subject"] for row in rows} == {"Renamed"}
    assert {row["start"]["dateTime"][11:16] for row in rows} == {"13:00"}


def test_a_series_moved_to_another_day_takes_its_range_along(ada):
    made = ada.create(series(pattern={"type": "daily"}))
    moved = ada.patch(made["id"], {"start": at("2026-12-03T10:00:00"), "end": at("2026-12-03T11:00:00")})
    assert moved["recurrence"]["range"]["startDate"] == "2026-12-03"
    assert days(instances(ada, made["id"])) == ["2026-12-03", "2026-12-04", "2026-12-05", "2026-12-06"]


def test_a_series_can_become_a_single_event_and_back(ada):
    made = ada.create(series())
    assert ada.patch(made["id"], {"recurrence": None})["type"] == "singleInstance"
    assert len(ada.view(*YEAR)) == 1
    assert ada.patch(made["id"], {"recurrence": weekly()})["type"] == "seriesMaster"
    occurrence = instances(ada, made["id"])[0]["id"]
    assert ada.refused("PATCH", f"/me/events/{occurrence}", {"recurrence": weekly()}) == (
        400,
        "ErrorInvalidPropertySet",
    )


def test_a_whole_day_series_keeps_to_its_days(ada):
    body = {
        "subject": "Day",
        "isAllDay": True,
        "start": at("2027-03-23"),
        "end": at("2027-03-24"),
        "recurrence": weekly("2027-03-23", type="numbered", numberOfOccurrences=2),
    }
    made = ada.create(body)
    rows = instances(ada, made["id"])
    assert days(rows) == ["2027-03-23", "2027-03-30"]
    assert [row["end"]["dateTime"][:10] for row in rows] == ["2027-03-24", "2027-03-31"]


def test_guests_of_one_occurrence_are_told_of_that_one(ms, ada):
    made = ada.create(series(attendees=[guest("x@out.example")]))
    second = instances(ada, made["id"])[1]["id"]
    ada.patch(second, {"location": {"displayName": "Elsewhere"}})
    ada.delete(second)
    mails = ms.control("GET", "/outbox")
    assert [(mail["kind"], mail["start"][:10]) for mail in mails] == [
        ("invitation", "2026-12-01"),
        ("update", "2026-12-08"),
        ("cancellation", "2026-12-08"),
    ]
    assert mails[1]["event_id"] == mails[2]["event_id"] == second
