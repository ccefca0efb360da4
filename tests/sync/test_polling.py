"""How often a calendar is asked (P3)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.sync.polling import doubts_watch, next_poll, spread

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
    assert timedelta(minutes=2) < spread(pause, chance=0.0) < spread(pause, chance=1.0) < timedelta(minutes=5)
    assert next_poll(BASE, now=NOW, watched_until=NOW, changed_at=NOW) == BASE / 2, "a watch that has ended is none"
    assert next_poll(timedelta(hours=1), now=NOW, watched_until=watched, changed_at=None) == timedelta(hours=1)


def test_p3_behind_a_watch_the_poll_can_be_slower() -> None:
    watched = NOW + timedelta(hours=1)
    hour = timedelta(hours=1)
    assert next_poll(BASE, now=NOW, watched_until=watched, changed_at=NOW, behind_watch=hour) == hour
    assert next_poll(BASE, now=NOW, watched_until=None, changed_at=NOW, behind_watch=hour) == BASE / 2


def test_p3_what_is_listed_whole_each_time_is_asked_as_slowly_as_behind_a_watch() -> None:
    pause = next_poll(BASE, now=NOW, watched_until=None, changed_at=NOW, whole=True)
    assert timedelta(minutes=3) < spread(pause, chance=0.0) < spread(pause, chance=1.0) < timedelta(minutes=5)
    watched = NOW + timedelta(hours=1)
    for behind_watch, wanted in ((timedelta(minutes=1), pause), (timedelta(hours=1), timedelta(hours=1))):
        known = {"watched_until": watched, "changed_at": NOW, "behind_watch": behind_watch}
        assert next_poll(BASE, now=NOW, whole=True, **known) == wanted


def test_p3_jitter_is_a_fifth_to_either_side() -> None:
    drawn = [spread(BASE) / BASE for _ in range(500)]
    assert 0.8 <= min(drawn) < 0.85
    assert 1.15 < max(drawn) <= 1.2


def test_p3_a_watch_is_doubted_when_a_poll_finds_what_nobody_told() -> None:
    assert doubts_watch(changed=True, told=False)
    assert not doubts_watch(changed=True, told=True)
    assert not doubts_watch(changed=False, told=False)
