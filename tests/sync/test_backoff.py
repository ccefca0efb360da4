"""What a failed run means: how long to wait, and what it says of the calendar (P3, R30)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.connections.eligibility import InactiveReason
from app.providers.base import (
    AuthExpired,
    CalendarGone,
    PermissionDenied,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
)
from app.sync.backoff import Verdict, verdict

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_p3_waits_double_with_jitter_up_to_four_minutes_for_what_passes() -> None:
    def wait(failures: int, chance: float, error: ProviderError | None = None) -> float:
        decision = verdict(error or Transient("x"), failures=failures, failing_since=NOW, now=NOW, chance=chance)
        assert decision.wait is not None
        return decision.wait.total_seconds()

    assert [wait(n, 0.9999) for n in (1, 2, 3)] == pytest.approx([5, 10, 20], rel=0.01)
    assert [wait(n, 0.0) for n in (1, 2, 3)] == [2.5, 5, 10]
    assert wait(60, 0.9999) == wait(60, 0.9999, RateLimited("x")) == pytest.approx(240, rel=0.01)
    assert wait(60, 0.9999, PermissionDenied("x")) == pytest.approx(900, rel=0.01)


def test_p3_a_wait_is_never_shorter_than_what_was_asked_for() -> None:
    limited = RateLimited("x", retry_after=1234)
    decision = verdict(limited, failures=1, failing_since=NOW, now=NOW, chance=0.0)
    assert decision == Verdict("backing_off", timedelta(seconds=1234))
    quota = verdict(QuotaExceeded("x"), failures=1, failing_since=NOW, now=NOW, chance=0.0)
    assert quota.wait is not None
    assert quota.wait >= timedelta(hours=1)


@pytest.mark.parametrize(
    ("error", "sure"),
    [
        (CalendarGone("x"), InactiveReason.CALENDAR_DELETED),
        (PermissionDenied("x"), InactiveReason.PERMISSION_REDUCED),
    ],
)
def test_r30_a_calendar_is_unknown_at_once_and_gone_after_an_hour_of_saying_so(
    error: ProviderError, sure: InactiveReason
) -> None:
    def reason(minutes: int) -> InactiveReason | None:
        since = NOW - timedelta(minutes=minutes)
        return verdict(error, failures=2, failing_since=since, now=NOW, chance=0.5).inactive_reason

    assert reason(0) is InactiveReason.ACCESS_LOST
    assert reason(59) is InactiveReason.ACCESS_LOST
    assert reason(60) is sure


def test_r16_a_dead_grant_is_not_tried_again() -> None:
    decision = verdict(ReauthRequired("x"), failures=1, failing_since=NOW, now=NOW, chance=0.5)
    assert decision == Verdict("paused", None, broken=True)


def test_r16_a_refused_token_is_one_bad_moment_until_it_has_been_refused_for_an_hour() -> None:
    def after(minutes: int) -> Verdict:
        since = NOW - timedelta(minutes=minutes)
        return verdict(AuthExpired("x"), failures=3, failing_since=since, now=NOW, chance=0.0)

    assert after(0) == after(59) == Verdict("backing_off", timedelta(seconds=10))
    assert after(60) == Verdict("paused", None, broken=True)
