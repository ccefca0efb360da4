"""Working hours (R32): what the clocks of a zone show, as instants."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from app.errors import TimeZoneUnknown
from app.scheduling.slots.hours import LocalInterval, WorkingHours, stretches
from app.scheduling.slots.zones import DAY, civil_day, day_number, monday, offset_at, runs, weekday, zone_named
from app.timespan import Spans, merge, to_seconds
from tests.scheduling import reference

FULL_DAY = (LocalInterval(0, 1440),)
OFFICE = (LocalInterval(9 * 60, 17 * 60),)


def open_spans(hours: WorkingHours, first: date, last: date) -> Spans:
    """The working time of the civil days from `first` to `last`, both included; what touches is joined."""
    days = range(day_number(first), day_number(last) + 1)
    around = ((days.start - 1) * DAY, (days.stop + 1) * DAY)  # no clock is a whole day from UTC
    return merge([(start, end) for start, end, _, day in stretches(hours, around) if day in days])


def shown(spans: Spans) -> list[str]:
    """Spans as UTC texts, the date only where it differs from that of the start."""
    texts = []
    for span in spans:
        start, end = (datetime.fromtimestamp(second, UTC) for second in span)
        texts.append(f"{start:%m-%dT%H:%M}/{end:{'%H:%M' if start.date() == end.date() else '%m-%dT%H:%M'}}")
    return texts


def on(zone: str, day: date, *intervals: LocalInterval) -> list[str]:
    return shown(open_spans(WorkingHours(zone, (intervals,) * 7), day, day))


def length(zone: str, day: date) -> timedelta:
    spans = open_spans(WorkingHours(zone, (FULL_DAY,) * 7), day, day)
    return timedelta(seconds=sum(end - start for start, end in spans))


def test_office_hours_follow_the_clocks():
    assert on("Europe/Stockholm", date(2026, 3, 28), *OFFICE) == ["03-28T08:00/16:00"]
    assert on("Europe/Stockholm", date(2026, 3, 29), *OFFICE) == ["03-29T07:00/15:00"]
    assert on("Asia/Kolkata", date(2026, 3, 30), *OFFICE) == ["03-30T03:30/11:30"]
    assert on("Pacific/Auckland", date(2026, 9, 26), *OFFICE) == ["09-25T21:00/09-26T05:00"]
    assert on("Pacific/Auckland", date(2026, 9, 27), *OFFICE) == ["09-26T20:00/09-27T04:00"]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", date(2026, 3, 29), 24),
        ("Europe/Stockholm", date(2026, 3, 29), 23),
        ("Europe/Stockholm", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Africa/Cairo", date(2026, 10, 29), 25),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Asuncion", date(2023, 10, 1), 23),
        ("America/Asuncion", date(2024, 3, 23), 25),
        ("Antarctica/Troll", date(2026, 3, 29), 22),
        ("Pacific/Apia", date(2011, 12, 29), 24),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Apia", date(2011, 12, 31), 24),
    ],
)
def test_a_civil_day_is_as_long_as_its_clocks_make_it(zone, day, hours):
    assert length(zone, day) == timedelta(hours=hours)


def test_a_day_without_midnight_begins_when_its_clocks_do():
    """In Cairo the clocks went from Thursday 24:00 to Friday 01:00, which is 22:00 UTC."""
    assert on("Africa/Cairo", date(2026, 4, 24), LocalInterval(0, 120)) == ["04-23T22:00/23:00"]
    assert on("Africa/Cairo", date(2026, 4, 24), LocalInterval(0, 60)) == []


def test_an_interval_that_ends_inside_a_repeated_hour_is_open_twice():
    """02:15 comes at 00:15 and at 01:15 UTC; 02:30 to 03:00 is closed both times."""
    night = LocalInterval(60, 150)
    assert on("Europe/Stockholm", date(2026, 10, 25), night) == ["10-24T23:00/10-25T00:30", "10-25T01:00/01:30"]


def test_an_interval_inside_a_skipped_hour_is_not_there():
    assert on("Europe/Stockholm", date(2026, 3, 29), LocalInterval(120, 180)) == []
    assert on("Europe/Stockholm", date(2026, 3, 29), LocalInterval(90, 150)) == ["03-29T00:30/01:00"]


def test_a_day_that_comes_back_after_midnight_is_that_day_both_times():
    """In St. John's the clocks went at 00:01 back to 23:01 of the day before."""
    late = LocalInterval(23 * 60, 1440)
    assert on("America/St_Johns", date(2010, 11, 6), late) == ["11-07T01:30/02:30", "11-07T02:31/03:30"]
    assert on("America/St_Johns", date(2010, 11, 7), LocalInterval(0, 60)) == ["11-07T02:30/02:31", "11-07T03:30/04:30"]


def test_days_that_touch_are_joined_also_over_a_day_that_never_was():
    hours = WorkingHours("Pacific/Apia", (FULL_DAY,) * 7)
    assert shown(open_spans(hours, date(2011, 12, 29), date(2011, 12, 31))) == ["12-29T10:00/12-31T10:00"]


def test_an_override_replaces_the_weekly_hours_and_none_close_the_day():
    overrides = {date(2026, 3, 31): (LocalInterval(600, 660),), date(2026, 4, 1): ()}
    hours = WorkingHours("UTC", (OFFICE,) * 5 + ((), ()), overrides)
    assert shown(open_spans(hours, date(2026, 3, 29), date(2026, 4, 2))) == [
        "03-30T09:00/17:00",
        "03-31T10:00/11:00",
        "04-02T09:00/17:00",
    ]


def test_intervals_may_come_in_any_order_and_overlap():
    day = (LocalInterval(720, 780), LocalInterval(540, 660), LocalInterval(600, 630), LocalInterval(650, 700))
    assert on("UTC", date(2026, 3, 30), *day) == ["03-30T09:00/11:40", "03-30T12:00/13:00"]


@pytest.mark.parametrize("bounds", [(-1, 60), (60, 60), (60, 30), (0, 1441)])
def test_an_interval_lies_within_one_day(bounds):
    with pytest.raises(ValueError, match="interval"):
        LocalInterval(*bounds)


def test_a_week_has_seven_days():
    with pytest.raises(ValueError, match="seven"):
        WorkingHours("UTC", (OFFICE,) * 6)


@pytest.mark.parametrize(
    "name",
    ["", ".", "Mars/Olympus", "America", "../../etc/passwd", "/etc/localtime", "localtime", "posixrules", "right/UTC",
     "posix/UTC", "UTC\x00", "x" * 5000, "Europe/stockholm", "tzdata.zi"],
)  # fmt: skip
def test_an_unknown_zone_is_an_error_that_says_so(name):
    with pytest.raises(TimeZoneUnknown):
        zone_named(name)
    with pytest.raises(TimeZoneUnknown):
        open_spans(WorkingHours(name, (OFFICE,) * 7), date(2026, 3, 30), date(2026, 3, 30))


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Stockholm", "Australia/Lord_Howe", "America/Asuncion", "Africa/Casablanca", "Pacific/Apia"]
)
def test_an_offset_is_that_of_the_clocks_all_through_twenty_years(zone):
    start = to_seconds(datetime(2010, 12, 25, tzinfo=UTC))
    for instant in range(start, start + 20 * 365 * 86_400, 3 * 3600 + 7):
        wall = reference.on_the_wall.__wrapped__(zone, instant)
        assert timedelta(seconds=instant + offset_at(zone, instant)) == wall - datetime(1970, 1, 1)  # noqa: DTZ001
        assert civil_day(zone, instant) == (wall.date() - date(1970, 1, 1)).days


def test_runs_make_up_the_span_that_was_asked_for():
    between = (to_seconds(datetime(2025, 1, 1, tzinfo=UTC)) + 7, to_seconds(datetime(2027, 1, 1, tzinfo=UTC)) + 7)
    found = list(runs("Europe/Stockholm", between))
    assert (found[0].start, found[-1].end) == between
    assert all(earlier.end == later.start for earlier, later in pairwise(found))
    changes = [later.start for earlier, later in pairwise(found) if later.offset != earlier.offset]
    assert [f"{datetime.fromtimestamp(change, UTC):%Y-%m-%dT%H:%M:%S}" for change in changes] == [
        "2025-03-30T01:00:00",
        "2025-10-26T01:00:00",
        "2026-03-29T01:00:00",
        "2026-10-25T01:00:00",
    ]


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_no_errors(year):
    hours = WorkingHours("Pacific/Auckland", (FULL_DAY,) * 7)
    assert len(open_spans(hours, date(year, 1, 1), date(year, 12, 31))) == 1


def test_days_are_counted_from_1970_and_weeks_begin_on_monday():
    for day in (date(1969, 12, 28), date(1970, 1, 1), date(2026, 3, 30), date(2027, 1, 3)):
        assert day_number(day) == (day - date(1970, 1, 1)).days
        assert weekday(day_number(day)) == day.weekday()
        assert monday(day_number(day)) == day_number(day - timedelta(days=day.weekday()))
