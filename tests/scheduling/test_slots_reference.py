"""R31, R32: the fast answer against the minute-by-minute one, on random pages around the days clocks change.

The one rule: whatever a page can be told is drawn here: hours and overrides, notice, window, buffers, caps, what is
taken. A normal run tries five hundred pages; twenty thousand are tried with

    CALENDAR_CONNECT_LONG=1 pytest tests/scheduling -k reference
"""

from datetime import UTC, date, datetime, timedelta
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.scheduling.configuration import Increment
from app.scheduling.slots import offering as slots
from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import Refusal, SlotRules
from app.scheduling.slots.window import DateRange, RollingDays, RollingWeeks
from app.timespan import merge, to_seconds
from tests.scheduling import reference
from tests.support.long import normally

MINUTE, HOUR, DAY = 60, 3600, 86_400

# A zone and a day on which something happens to its clocks.
DAYS = [
    ("UTC", date(2026, 3, 30)),
    ("Asia/Kolkata", date(2026, 3, 30)),
    ("Europe/Stockholm", date(2026, 3, 29)),
    ("Europe/Stockholm", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Pacific/Auckland", date(2026, 4, 5)),
    ("Pacific/Auckland", date(2026, 9, 27)),
    ("Africa/Cairo", date(2026, 4, 24)),  # no midnight
    ("Africa/Cairo", date(2026, 10, 29)),  # 23:00 twice
    ("Asia/Beirut", date(2026, 3, 29)),  # no midnight
    ("Asia/Beirut", date(2026, 10, 24)),  # 23:00 twice
    ("America/Asuncion", date(2023, 10, 1)),  # no midnight
    ("America/Asuncion", date(2024, 3, 23)),  # 23:00 twice
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Antarctica/Troll", date(2026, 3, 29)),  # two hours
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("America/St_Johns", date(2010, 11, 7)),  # at 00:01 back to 23:01 of the day before
]


@st.composite
def rarely(draw, unusual, *, otherwise):
    """Mostly the usual: rules that each close a page now and then would together leave hardly any page open."""
    return draw(unusual if draw(st.integers(0, 4)) == 4 else otherwise)


minute_of_day = st.one_of(
    st.sampled_from([0, 30, 60, 90, 120, 150, 180, 540, 720, 1020, 1320, 1380, 1410, 1440]), st.integers(0, 1440)
)
interval = (
    st.tuples(minute_of_day, minute_of_day)
    .filter(lambda bounds: bounds[0] != bounds[1])
    .map(lambda bounds: LocalInterval(min(bounds), max(bounds)))
)
office = st.sampled_from(
    [
        (LocalInterval(0, 1440),),
        (LocalInterval(0, 180), LocalInterval(1320, 1440)),
        (LocalInterval(0, 90), LocalInterval(90, 720), LocalInterval(780, 1440)),
        (LocalInterval(30, 1410),),
    ]
)
intervals = rarely(st.lists(interval, max_size=3).map(tuple), otherwise=office)


@st.composite
def all_rules(draw, zone: str, day: date) -> SlotRules:
    near = st.integers(-3, 3).map(lambda days: day + timedelta(days=days))
    hours = WorkingHours(
        zone, tuple(draw(intervals) for _ in range(7)), draw(st.dictionaries(near, intervals, max_size=2))
    )
    window = st.one_of(
        st.builds(RollingDays, st.integers(0, 5)),
        st.builds(RollingWeeks, st.integers(1, 2)),
        st.tuples(near, near).map(lambda dates: DateRange(min(dates), max(dates))),
    )
    always = st.just(DateRange(day - timedelta(days=9), day + timedelta(days=9)))
    duration = draw(rarely(st.integers(1, 1700), otherwise=st.sampled_from([15, 20, 30, 45, 60, 90])))
    buffer = rarely(st.integers(0, 90), otherwise=st.sampled_from([0, 5, 15]))
    cap = rarely(st.integers(1, 3), otherwise=st.none())
    return SlotRules(
        duration_minutes=duration,
        increment_minutes=draw(st.sampled_from([*get_args(Increment), duration])),
        hours=hours,
        window=draw(rarely(window, otherwise=always)),
        buffer_before_minutes=draw(buffer),
        buffer_after_minutes=draw(buffer),
        minimum_notice_minutes=draw(rarely(st.integers(0, 2000), otherwise=st.just(0))),
        daily_cap=draw(cap),
        weekly_cap=draw(cap),
    )


@st.composite
def questions(draw, most_busy: int = 6):
    """Rules and the other arguments of `offered`, all near one of the days."""
    zone, day = draw(st.sampled_from(DAYS))
    noon = to_seconds(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    instant = st.integers(noon - 40 * HOUR, noon + 40 * HOUR)
    on_the_minute = instant.map(lambda second: second // (5 * MINUTE) * 5 * MINUTE)
    length = rarely(st.integers(0, 9 * HOUR), otherwise=st.sampled_from([0, 15 * MINUTE, HOUR, HOUR + 1]))
    span = st.tuples(st.one_of(on_the_minute, instant), length).map(lambda pair: (pair[0], pair[0] + pair[1]))
    spans = st.lists(span, max_size=most_busy)
    start = draw(st.integers(noon - 36 * HOUR, noon))
    return draw(all_rules(zone, day)), {
        "busy": draw(spans),
        "reserved": draw(spans),
        "booked_starts": draw(st.lists(st.integers(noon - 8 * DAY, noon + 8 * DAY), max_size=8)),
        "now": noon + draw(rarely(st.integers(-2 * DAY, 6 * HOUR), otherwise=st.integers(-5 * DAY, -2 * DAY))),
        "between": (
            start,
            start + draw(rarely(st.integers(0, 24 * HOUR), otherwise=st.integers(24 * HOUR, 30 * HOUR))),
        ),
    }


def tried(examples: int) -> settings:
    """So many pages in a normal run."""
    return settings(
        max_examples=normally(examples, when_long=20_000),
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )


@tried(500)
@given(questions())
def test_the_slots_are_those_of_the_minute_by_minute_reference(question):
    rules, told = question
    assert slots.offered(rules, **told) == reference.offered(rules, **told)


@tried(500)
@given(questions())
def test_a_time_is_refused_exactly_when_it_is_not_offered(question):
    rules, told = question
    start, end = told.pop("between")
    found = set(slots.offered(rules, between=(start, end), **told))
    for minute in {*reference.minutes((start, min(end, start + 3 * HOUR))), *found, start, end - 1} - {end}:
        refusal = slots.refusal(rules, start=minute, **told)
        if start <= minute < end:
            assert (refusal is None) == (minute in found)
        too_soon = minute < told["now"] + rules.minimum_notice_minutes * MINUTE
        outside = too_soon or not reference.in_window(rules, minute, told["now"])
        assert (refusal is Refusal.OUTSIDE_BOOKING_WINDOW) == outside


@tried(200)
@given(questions())
def test_no_matter_how_what_is_taken_is_told(question):
    rules, told = question
    usual = slots.offered(rules, **told)
    busy, reserved = told.pop("busy"), told.pop("reserved")
    assert slots.offered(rules, busy=reversed([*busy, *reserved]), **told) == usual
    assert slots.offered(rules, busy=merge(busy, reserved), **told) == usual
    assert slots.offered(rules, busy=merge(busy), reserved=merge(reserved), **told) == usual


@tried(200)
@given(questions(), st.integers(0, 30 * HOUR))
def test_two_halves_of_a_question_have_the_answer_of_the_whole(question, part):
    rules, told = question
    start, end = told.pop("between")
    middle = min(start + part, end)
    halves = [slots.offered(rules, between=half, **told) for half in ((start, middle), (middle, end))]
    assert halves[0] + halves[1] == slots.offered(rules, between=(start, end), **told)
