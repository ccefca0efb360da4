"""Waits that grow."""

from datetime import timedelta

import pytest

from app.waits import as_long_again, doubled, jittered

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.mark.parametrize(("times", "wait"), [(-1, 1), (0, 1), (1, 2), (5, 32), (11, 2048), (12, 3600), (10_000, 3600)])
def test_a_wait_doubles_up_to_the_longest_however_often(times, wait):
    assert doubled(SECOND, HOUR, times) == wait * SECOND


def test_half_of_a_wait_is_left_to_chance():
    assert [jittered(HOUR, chance) for chance in (0.0, 0.5, 1.0)] == [HOUR / 2, HOUR * 0.75, HOUR]


@pytest.mark.parametrize(("failing", "wait"), [(0, 60), (59, 60), (61, 61), (1800, 1800), (3600, 3600), (86_400, 3600)])
def test_a_wait_is_as_long_as_it_has_failed_between_the_first_and_the_longest(failing, wait):
    assert as_long_again(failing * SECOND, 60 * SECOND, HOUR) == wait * SECOND
