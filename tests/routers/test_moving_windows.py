"""Counting what came in the last so many seconds: to the one, at the same cost for everybody, and forgotten in time."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.routers.moving_windows import MovingWindow


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_window_moves_and_has_no_edge(clock: Clock) -> None:
    """Three at the end of one minute and three at the beginning of the next are six in one minute."""
    window = MovingWindow(3, 60, clock)
    clock.now += 59
    assert [window.hit("a").allowed for _ in range(4)] == [True, True, True, False]
    clock.now += 2
    assert not window.hit("a").allowed
    clock.now += 58
    assert [window.hit("a").allowed for _ in range(4)] == [True, True, True, False]


def test_it_tells_what_is_left_and_when_the_next_may_come(clock: Clock) -> None:
    window = MovingWindow(2, 60, clock)
    told = []
    for pause in (0, 10.5, 10, 39.4, 0.2, 0):
        clock.now += pause
        count = window.hit("a")
        told.append((count.allowed, count.remaining, count.frees_in))
    assert told == [
        (True, 1, 60),
        (True, 0, 50),
        (False, 0, 40),
        (False, 0, 1),
        (True, 0, 11),
        (False, 0, 11),
    ]


def test_keys_know_nothing_of_each_other(clock: Clock) -> None:
    window = MovingWindow(1, 60, clock)
    assert [window.hit(key).allowed for key in "abab"] == [True, True, False, False]


def test_who_is_gone_is_forgotten_by_those_who_come(clock: Clock) -> None:
    window = MovingWindow(5, 60, clock)
    for number in range(1000):
        window.hit(f"gone {number}")
    clock.now += 60
    for _ in range(500):
        window.hit("here")
    assert len(window) == 1


def test_whoever_keeps_coming_is_counted_although_others_are_forgotten(clock: Clock) -> None:
    window = MovingWindow(2, 60, clock)
    window.hit("stays")
    for number in range(50):
        window.hit(f"passes {number}")
    clock.now += 30
    window.hit("stays")
    clock.now += 31
    for number in range(100):
        window.hit(f"comes {number}")
    assert len(window) == 101, "it is in nobody's way"
    assert window.hit("stays").allowed
    assert not window.hit("stays").allowed, "its second time is thirty seconds old"


@given(
    st.integers(min_value=1, max_value=4),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(min_value=0, max_value=40)), max_size=80),
)
def test_it_is_what_a_list_of_everything_would_say(amount: int, hits: list[tuple[str, int]]) -> None:
    clock = Clock()
    window, times = MovingWindow(amount, 60, clock), defaultdict[str, list[float]](list)
    for key, pause in hits:
        clock.now += pause
        counted = [time for time in times[key] if time > clock.now - 60]
        count = window.hit(key)
        assert count.allowed == (len(counted) < amount)
        if count.allowed:
            times[key].append(clock.now)
            counted.append(clock.now)
        assert count.remaining == amount - len(counted)
        assert count.frees_in == max(1, counted[0] + 60 - clock.now)
