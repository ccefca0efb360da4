"""How often a calendar is asked (P3)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.sync.polling import next_poll

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BASE = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        (None, 120),
        (timedelta(minutes=1), 30),
        (timedelta(minutes=10), 60),
        (timedelta(hours=6), 60),
        (timedelta(hours=7), 120),
    ],
)
def test_p3_lively_calendars_are_asked_more_often(quiet: timedelta | None, expected: int) -> None:
    changed = None if quiet is None else NOW - quiet
    assert next_poll(BASE, now=NOW, watched_until=None, changed_at=changed) == timedelta(seconds=expected)


def test_p3_behind_a_watch_stands_a_slow_poll_that_costs_five_minutes_at_most() -> None:
    watched = NOW + timedelta(hours=1)
    pause = next_poll(BASE, now=NOW, watched_until=watched, changed_at=NOW)
    assert timedelta(minutes=2) < pause * 1.25 <= timedelta(minutes=5)
    assert next_poll(BASE, now=NOW, watched_until=NOW, changed_at=NOW) == BASE / 2, "a watch that has ended is none"
    assert next_poll(timedelta(hours=1), now=NOW, watched_until=watched, changed_at=None) == timedelta(hours=1)
