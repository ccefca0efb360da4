"""What a failed write means: when it is tried again, when it is given up, when the host is told (R46)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.calendar_writes.patience import Verdict, verdict
from app.providers.base import (
    AmbiguousOutcome,
    AuthExpired,
    CalendarGone,
    EditConflict,
    InvalidRequest,
    Misconfigured,
    PermissionDenied,
    ProtocolError,
    ProviderError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
    Unsupported,
)
from app.sync.backoff import OwnFault

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOME_DAY = NOW + timedelta(days=30)
PASSING = [Transient, RateLimited, AmbiguousOutcome, ProtocolError, EditConflict, AuthExpired, Misconfigured, OwnFault]
REFUSED = [PermissionDenied, CalendarGone, InvalidRequest, Unsupported]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def decide(
    error: ProviderError, *, failing: timedelta = timedelta(), left: timedelta = SOME_DAY - NOW, attempts: int = 1
) -> Verdict:
    return verdict(error, attempts=attempts, failing_since=NOW - failing, ends_at=NOW + left, now=NOW, chance=0.0)


@pytest.mark.parametrize("kind", PASSING)
def test_r46_what_passes_is_tried_again_within_seconds_and_then_every_few_minutes(kind: type[ProviderError]) -> None:
    waits = [decide(kind(), attempts=attempts).wait for attempts in (1, 2, 3, 40, 10_000)]
    assert waits == [timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 120, 120)]


@pytest.mark.parametrize("kind", REFUSED)
def test_r46_what_is_refused_is_asked_for_again_slower_and_slower(kind: type[ProviderError]) -> None:
    waits = [decide(kind(), failing=failing).wait for failing in (timedelta(), 10 * MINUTE, 20 * MINUTE, DAY)]
    assert waits == [10 * MINUTE, 10 * MINUTE, 20 * MINUTE, 6 * HOUR]


@pytest.mark.parametrize("kind", [*PASSING, QuotaExceeded, *REFUSED])
def test_r46_nothing_is_given_up_before_the_meeting_is_over(kind: type[ProviderError]) -> None:
    decision = decide(kind(), failing=60 * DAY, left=MINUTE)
    assert not decision.given_up
    assert decision.wait is not None


def test_r46_a_quota_is_waited_for_as_long_as_the_sync_does_and_asked_once_more_before_the_end() -> None:
    assert decide(QuotaExceeded(), attempts=40).wait == HOUR
    assert decide(QuotaExceeded(), left=20 * MINUTE).wait == 20 * MINUTE
    assert decide(QuotaExceeded(), left=-HOUR).wait == 4 * MINUTE
    assert decide(QuotaExceeded(), failing=DAY, left=-HOUR).given_up


def test_r46_the_last_try_of_a_refused_write_is_when_the_meeting_ends() -> None:
    assert decide(PermissionDenied(), failing=5 * HOUR, left=20 * MINUTE).wait == 20 * MINUTE
    assert decide(PermissionDenied(), failing=5 * HOUR, left=timedelta()) == Verdict(None, given_up=True, tell=True)


def test_r46_an_outage_is_waited_for_a_day_even_when_the_meeting_is_over() -> None:
    assert decide(Transient(), failing=23 * HOUR, left=-HOUR).wait is not None
    assert decide(Transient(), failing=DAY, left=-HOUR) == Verdict(None, given_up=True, tell=True)


def test_r46_what_the_operator_mends_is_no_refusal_of_one_person() -> None:
    """A client's secret that expired, for everybody: as soon as it is renewed everything is written."""
    assert decide(Misconfigured(), failing=DAY, attempts=400).wait == 2 * MINUTE
    assert not decide(Misconfigured(), left=-HOUR).given_up


@pytest.mark.parametrize("kind", [Transient, PermissionDenied])
def test_r46_the_host_is_told_after_an_hour(kind: type[ProviderError]) -> None:
    assert not decide(kind(), failing=59 * MINUTE).tell
    assert decide(kind(), failing=HOUR).tell


def test_r46_a_wait_is_never_shorter_than_what_was_asked_for() -> None:
    for kind in (RateLimited, PermissionDenied):
        assert decide(kind(retry_after=3500)).wait == timedelta(seconds=3500)


def test_r16_a_dead_grant_is_the_persons_to_heal() -> None:
    assert decide(ReauthRequired(), failing=DAY, left=-DAY) == Verdict(None, broken=True)
