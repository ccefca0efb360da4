"""Which times are proposed when nobody names them (R43): chosen well, never overlapping, never too often."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scheduling.proposals.choice import MOST_PROPOSALS, choose, commitments, nearest

HALF_HOUR = 1800


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def grid(first: str, last: str, zone: str = "UTC", step: int = 900) -> list[int]:
    return list(range(at(first, zone), at(last, zone), step))


def clocks(starts: list[int], zone: str = "UTC") -> list[str]:
    return [datetime.fromtimestamp(start, ZoneInfo(zone)).strftime("%d %H:%M") for start in starts]


WEEK = [start for day in range(2, 7) for start in grid(f"2026-03-{day:02}T00:00", f"2026-03-{day + 1:02}T00:00")]


def test_r43_times_are_spread_over_days_mornings_and_afternoons_by_turns() -> None:
    chosen = choose(WEEK, seconds=HALF_HOUR, zone="UTC", count=3, spread=True)
    assert clocks(chosen) == ["02 08:00", "03 12:00", "04 08:00"]


def test_r43_more_times_than_days_take_a_second_of_each_day() -> None:
    chosen = choose(WEEK, seconds=HALF_HOUR, zone="UTC", count=7, spread=True)
    assert clocks(chosen) == ["02 08:00", "02 12:00", "03 08:00", "03 12:00", "04 08:00", "05 12:00", "06 08:00"]


def test_r43_the_earliest_times_are_taken_when_not_spread_and_do_not_overlap() -> None:
    chosen = choose(WEEK, seconds=HALF_HOUR, zone="UTC", count=3, spread=False)
    assert clocks(chosen) == ["02 08:00", "02 08:30", "02 09:00"]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_r43_day_and_night_are_those_of_the_recipient(zone: str) -> None:
    chosen = choose(WEEK, seconds=HALF_HOUR, zone=zone, count=4, spread=True)
    hours = [datetime.fromtimestamp(start, ZoneInfo(zone)).hour for start in chosen]
    assert all(8 <= hour < 20 for hour in hours)
    assert {hour < 12 for hour in hours} == {True, False}


def test_r43_days_are_the_recipients_also_when_the_clocks_change() -> None:
    around = grid("2026-03-28T00:00", "2026-03-31T00:00", "Europe/Stockholm")  # the 29th has 23 hours
    chosen = choose(around, seconds=HALF_HOUR, zone="Europe/Stockholm", count=3, spread=True)
    assert clocks(chosen, "Europe/Stockholm") == ["28 08:00", "29 12:00", "30 08:00"]


def test_r43_at_night_is_better_than_not_at_all() -> None:
    night = grid("2026-03-02T01:00", "2026-03-02T03:00", step=HALF_HOUR)
    assert choose(night, seconds=HALF_HOUR, zone="UTC", count=3, spread=True) == night[:3]
    mixed = [*night, at("2026-03-02T10:00")]
    assert clocks(choose(mixed, seconds=HALF_HOUR, zone="UTC", count=2, spread=True)) == ["02 01:00", "02 10:00"]


@given(
    starts=st.sets(st.integers(0, 2000), max_size=60),
    seconds=st.sampled_from([900, 1800, 5400]),
    count=st.integers(1, 10),
    spread=st.booleans(),
)
def test_r43_the_choice_is_of_what_is_offered_without_overlap_and_never_less_than_it_could_be(
    starts: set[int], seconds: int, count: int, spread: bool
) -> None:
    base = at("2026-10-20T00:00")
    offered = sorted(base + number * 900 for number in starts)
    chosen = choose(offered, seconds=seconds, zone="Europe/Warsaw", count=count, spread=spread)
    assert chosen == sorted(chosen)
    assert set(chosen) <= set(offered)
    assert len(chosen) <= count
    assert all(late - early >= seconds for early, late in pairwise(chosen))
    if len(chosen) < count:  # then nothing else would fit
        assert all(any(abs(start - other) < seconds for other in chosen) for start in offered)


spans = st.tuples(st.integers(0, 200), st.integers(1, 40)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(proposals=st.lists(st.lists(spans, max_size=5), max_size=8), wanted=spans)
def test_r43_commitments_count_each_proposal_once(
    proposals: list[list[tuple[int, int]]], wanted: tuple[int, int]
) -> None:
    meet = [any(start < wanted[1] and wanted[0] < end for start, end in times) for times in proposals]
    assert commitments(proposals).full(wanted) == (sum(meet) >= MOST_PROPOSALS)


def test_r43_the_nearest_are_on_both_sides_and_rise() -> None:
    assert nearest([10, 20, 40, 50, 90], 30, 3) == [10, 20, 40], "of equals the earlier"
    assert nearest([10, 20, 40, 51, 90], 30, 3) == [10, 20, 40]
    assert nearest([], 30, 3) == []
