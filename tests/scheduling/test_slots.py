"""Which times a page offers: R31, R32, R45, one sentence at a time."""

from datetime import UTC, date, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from app.scheduling.configuration import Increment
from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import Refusal, SlotRules, offered, refusal
from app.scheduling.slots.window import DateRange, RollingDays, RollingWeeks
from app.timespan import merge, overlaps, to_seconds

MORNING = (LocalInterval(9 * 60, 12 * 60),)
ALL_DAY = (LocalInterval(0, 1440),)
MONDAY = date(2026, 3, 30)


def at(text: str, zone: str = "UTC") -> int:
    return to_seconds(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def page(week=(MORNING,) * 7, *, zone="UTC", overrides=None, **rules) -> SlotRules:
    usual = {"duration_minutes": 30, "increment_minutes": 30, "window": RollingDays(365)}
    return SlotRules(hours=WorkingHours(zone, week, overrides or {}), **(usual | rules))


def times(rules: SlotRules, *, day: date = MONDAY, **told) -> list[str]:
    """The wall times offered on one UTC day."""
    midnight = to_seconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    usual = {"busy": [], "now": at("2026-03-01T00:00"), "between": (midnight, midnight + 86_400)}
    zone = ZoneInfo(rules.hours.zone)
    return [f"{datetime.fromtimestamp(start, zone):%H:%M}" for start in offered(rules, **(usual | told))]


def test_r32_a_free_morning_is_offered_whole():
    assert times(page()) == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]


def test_r31_a_slot_may_touch_an_event_but_not_overlap_it_by_a_second():
    ten, half_past = at("2026-03-30T10:00"), at("2026-03-30T10:30")
    assert times(page(), busy=[(ten, half_past)]) == ["09:00", "09:30", "10:30", "11:00", "11:30"]
    assert times(page(), busy=[(ten - 1, half_past)]) == ["09:00", "10:30", "11:00", "11:30"]
    assert times(page(), busy=[(ten, half_past + 1)]) == ["09:00", "09:30", "11:00", "11:30"]


def test_r31_an_event_of_no_length_blocks_nothing():
    assert times(page(), busy=[(at("2026-03-30T10:10"),) * 2]) == times(page())


def test_r31_events_may_come_in_any_order_and_overlap():
    bounds = [("11:00", "11:10"), ("09:15", "10:40"), ("09:45", "10:05")]
    busy = [(at(f"2026-03-30T{start}"), at(f"2026-03-30T{end}")) for start, end in bounds]
    assert times(page(), busy=busy) == ["11:30"]
    assert times(page(), busy=merge(busy)) == ["11:30"]


def test_r27_a_group_is_free_when_all_of_its_hosts_are():
    first = [(at("2026-03-30T09:00"), at("2026-03-30T10:00"))]
    second = [(at("2026-03-30T09:30"), at("2026-03-30T11:30"))]
    assert times(page(), busy=merge(first, second)) == ["11:30"]


@pytest.mark.parametrize("increment", get_args(Increment))
def test_r32_slots_begin_at_every_increment_from_the_beginning_of_the_interval(increment):
    hours = (LocalInterval(9 * 60 + 10, 17 * 60),)
    found = times(page((hours,) * 7, increment_minutes=increment))
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in found]
    assert minutes == list(range(9 * 60 + 10, 17 * 60 - 29, increment))


def test_r32_the_increment_may_be_the_duration():
    rules = page(duration_minutes=50, increment_minutes=50)
    assert times(rules) == ["09:00", "09:50", "10:40"]


def test_r32_each_interval_begins_a_grid_of_its_own():
    hours = (LocalInterval(9 * 60, 10 * 60), LocalInterval(13 * 60 + 20, 14 * 60 + 20))
    assert times(page((hours,) * 7)) == ["09:00", "09:30", "13:20", "13:50"]


def test_r32_a_slot_may_run_from_one_interval_into_one_that_touches_it():
    hours = (LocalInterval(9 * 60, 10 * 60), LocalInterval(10 * 60, 11 * 60))
    rules = page((hours,) * 7, duration_minutes=45, increment_minutes=45)
    assert times(rules) == ["09:00", "09:45", "10:00"]


def test_r32_a_slot_may_run_over_midnight_when_both_days_are_worked():
    late, early = (LocalInterval(23 * 60, 1440),), (LocalInterval(0, 30),)
    week = (late, early, *((),) * 5)
    assert times(page(week)) == ["23:00", "23:30"]
    assert times(page(week, duration_minutes=60)) == ["23:00", "23:30"]
    assert times(page((late, *((),) * 6), duration_minutes=60)) == ["23:00"]


def test_r32_a_buffer_keeps_its_distance_from_events_on_its_own_side():
    busy = [(at("2026-03-30T10:00"), at("2026-03-30T10:30"))]
    assert times(page(buffer_before_minutes=10), busy=busy) == ["09:00", "09:30", "11:00", "11:30"]
    assert times(page(buffer_after_minutes=10), busy=busy) == ["09:00", "10:30", "11:00", "11:30"]
    assert times(page(buffer_before_minutes=30, buffer_after_minutes=30), busy=busy) == ["09:00", "11:00", "11:30"]


def test_r32_buffers_may_lie_outside_of_working_hours():
    assert times(page(buffer_before_minutes=60, buffer_after_minutes=60)) == times(page())


def test_r45_a_slot_is_offered_exactly_when_the_exclusion_constraint_would_take_it():
    rules = page(increment_minutes=5, buffer_before_minutes=5, buffer_after_minutes=20)
    reservation = rules.buffered(at("2026-03-30T10:00"))
    assert reservation == (at("2026-03-30T09:55"), at("2026-03-30T10:50"))
    free = set(times(rules, reserved=[reservation]))
    for text in times(rules):
        taken = overlaps([reservation], rules.buffered(at(f"2026-03-30T{text}")))
        assert (text in free) == (not taken)
    assert "09:05" in free
    assert "10:55" in free
    assert not free & {"09:10", "10:00", "10:50"}


def test_r32_no_sooner_than_the_minimum_notice_and_then_at_once():
    rules = page(minimum_notice_minutes=120)
    assert times(rules, now=at("2026-03-30T07:30"))[0] == "09:30"
    assert times(rules, now=at("2026-03-30T07:30") + 1)[0] == "10:00"
    assert times(page(), now=at("2026-03-30T10:00"))[0] == "10:00"
    assert times(page(), now=at("2026-03-31T00:00")) == []


def days_offered(rules: SlotRules, now: str, zone: str = "UTC") -> list[str]:
    between = (at("2026-03-01T00:00"), at("2026-06-01T00:00"))
    found = offered(rules, busy=[], now=at(now, zone), between=between)
    return sorted({f"{datetime.fromtimestamp(start, ZoneInfo(rules.hours.zone)):%m-%d}" for start in found})


def test_r32_rolling_days_are_today_and_that_many_days_more():
    assert days_offered(page(window=RollingDays(2)), "2026-03-30T00:00") == ["03-30", "03-31", "04-01"]
    assert days_offered(page(window=RollingDays(0)), "2026-03-30T00:00") == ["03-30"]


def test_r32_today_is_what_the_page_s_zone_calls_today():
    rules = page(zone="Pacific/Auckland", window=RollingDays(0))
    assert days_offered(rules, "2026-03-30T10:59") == []
    assert days_offered(rules, "2026-03-30T11:00") == ["03-31"]


def test_r32_rolling_weeks_end_on_sunday():
    rules = page(window=RollingWeeks(1))
    assert days_offered(rules, "2026-04-03T00:00") == ["04-03", "04-04", "04-05"]
    assert days_offered(rules, "2026-04-05T00:00") == ["04-05"]
    assert days_offered(page(window=RollingWeeks(2)), "2026-04-05T00:00")[-1] == "04-12"


def test_r32_a_date_range_includes_both_its_ends():
    window = DateRange(date(2026, 4, 2), date(2026, 4, 4))
    assert days_offered(page(window=window), "2026-03-30T00:00") == ["04-02", "04-03", "04-04"]
    assert days_offered(page(window=window), "2026-04-05T00:00") == []


def test_r32_the_window_is_about_where_a_meeting_begins():
    rules = page((ALL_DAY,) * 7, window=DateRange(MONDAY, MONDAY), duration_minutes=120, increment_minutes=60)
    assert times(rules)[-1] == "23:00"


def test_r32_a_day_with_as_many_meetings_as_its_cap_is_closed():
    rules = page(daily_cap=2)
    booked = [at("2026-03-30T00:00"), at("2026-03-30T23:59")]
    assert times(rules, booked_starts=booked) == []
    assert times(rules, booked_starts=booked[:1]) == times(page())
    assert times(rules, booked_starts=booked, day=date(2026, 3, 31)) == times(page())


def test_r32_a_meeting_counts_for_the_day_of_the_page_s_zone():
    rules = page(zone="Asia/Kolkata", daily_cap=1)
    assert times(rules, booked_starts=[at("2026-03-29T18:30")]) == []
    assert times(rules, booked_starts=[at("2026-03-29T18:29")]) != []


def test_r32_a_week_with_as_many_meetings_as_its_cap_is_closed_from_monday_to_sunday():
    booked = [at("2026-03-30T09:00"), at("2026-04-05T09:00"), at("2026-04-05T11:00")]
    rules = page(weekly_cap=3)
    between = (at("2026-03-23T00:00"), at("2026-04-13T00:00"))
    found = offered(rules, busy=[], booked_starts=booked, now=between[0], between=between)
    days = sorted({datetime.fromtimestamp(start, UTC).day for start in found})
    assert days == [6, 7, 8, 9, 10, 11, 12, *range(23, 30)]


def test_r32_a_date_override_replaces_the_day_and_an_empty_one_closes_it():
    afternoon = (LocalInterval(13 * 60, 14 * 60),)
    overrides = {MONDAY: afternoon, date(2026, 3, 31): ()}
    assert times(page(overrides=overrides)) == ["13:00", "13:30"]
    assert times(page(overrides=overrides), day=date(2026, 3, 31)) == []
    assert times(page(overrides=overrides), day=date(2026, 4, 1)) == times(page())


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)])
def test_r32_nine_o_clock_is_nine_o_clock_on_both_sides_of_a_change_of_the_clocks(day):
    assert times(page(zone="Europe/Stockholm"), day=day) == times(page())


def test_r32_a_skipped_hour_is_not_offered_and_a_repeated_one_is_offered_twice():
    night = page(((LocalInterval(60, 240),),) * 7, zone="Europe/Stockholm")
    spring = (at("2026-03-29T00:00", "Europe/Stockholm"), at("2026-03-29T12:00", "Europe/Stockholm"))
    assert times(night, between=spring) == ["01:00", "01:30", "03:00", "03:30"]
    autumn = (at("2026-10-25T00:00", "Europe/Stockholm"), at("2026-10-25T12:00", "Europe/Stockholm"))
    assert times(night, between=autumn) == ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00", "03:30"]


def test_a_slot_belongs_to_the_span_it_begins_in():
    ten = at("2026-03-30T10:00")
    assert times(page(), between=(ten, ten + 1800)) == ["10:00"]
    assert times(page(), between=(ten + 1, ten + 1801)) == ["10:30"]
    assert times(page(), between=(ten, ten)) == []


def test_a_refused_time_says_whether_the_window_or_the_calendar_is_the_reason():
    rules = page(window=RollingDays(1), minimum_notice_minutes=60)
    now, nine = at("2026-03-30T08:00"), at("2026-03-30T09:00")

    def answer(start: int, **told) -> Refusal | None:
        return refusal(rules, start=start, **({"busy": [], "now": now} | told))

    assert answer(nine) is None
    assert answer(nine, now=now + 1) is Refusal.OUTSIDE_BOOKING_WINDOW
    assert answer(nine + 86_400) is None
    assert answer(nine + 2 * 86_400) is Refusal.OUTSIDE_BOOKING_WINDOW
    assert answer(nine + 60) is Refusal.SLOT_UNAVAILABLE
    assert answer(at("2026-03-30T12:00")) is Refusal.SLOT_UNAVAILABLE
    assert answer(nine, busy=[(nine, nine + 1)]) is Refusal.SLOT_UNAVAILABLE
    assert answer(nine, reserved=[(nine - 600, nine + 1)]) is Refusal.SLOT_UNAVAILABLE


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_minutes": 0, "increment_minutes": 15},
        {"increment_minutes": -5},
        {"increment_minutes": 0},
        {"buffer_before_minutes": -1},
        {"buffer_after_minutes": -1},
        {"minimum_notice_minutes": -1},
        {"daily_cap": 0},
        {"weekly_cap": 0},
    ],
)
def test_rules_that_make_no_sense_are_no_rules(wrong):
    with pytest.raises(ValueError, match=r"."):
        page(**wrong)


def test_windows_that_never_open_are_no_windows():
    for wrong in (lambda: RollingDays(-1), lambda: RollingWeeks(0), lambda: DateRange(MONDAY, date(2026, 3, 29))):
        with pytest.raises(ValueError, match="window"):
            wrong()
