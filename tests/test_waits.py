"""Waits that grow."""

from datetime import timedelta

import pytest

from app.waits import doubled, jittered

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.mark.parametrize(("times", "wait"), [(-1, 1), (0, 1), (1, 2), (5, 32), (11, 2048), (12, 3600), (10_000, 3600)])
def test_a_wait_doubles_up_to_the_longest_however_often(times, wait):
    assert doubled(SECOND, HOUR, times) == wait * SECOND


def test_half_of_a_wait_is_left_to_chance():
    assert [jittered(HOUR, chance) for chance in (0.0, 0.5, 1.0)] == [HOUR / 2, HOUR * 0.75, HOUR]
