"""How fast a population is asked: limits, outages, and whom they concern (P3). Times are the test's own."""

from datetime import UTC, datetime, timedelta

import pytest

from app.providers.base import PermissionDenied, ProviderError, RateLimited, Transient
from app.sync.pace import Kin, Paces

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FOUR = timedelta(minutes=4)


class Clinic:
    """One process that asks a provider a hundred times a second."""

    def __init__(self, *, shared: bool = True) -> None:
        self.paces = Paces()
        self.now = NOW
        self.shared = shared
        self.turn = 0

    def kin(self, account: int = 1, connection: int | None = None, provider: str = "google") -> Kin:
        self.turn += 1
        return Kin(provider, account, self.turn % 50 if connection is None else connection, self.shared)

    def wait(self, lag: float | None = 1.0, **kin: object) -> timedelta | None:
        return self.paces.put_off(self.kin(**kin), now=self.now, lag=lag, interval=FOUR, chance=0.0)  # type: ignore[arg-type]

    def ask(self, seconds: float, error: ProviderError | None = None, lag: float | None = 1.0, **kin: object) -> int:
        """Ask for a while; how many runs were admitted."""
        admitted = 0
        for _ in range(int(seconds * 100)):
            self.now += timedelta(milliseconds=10)
            if self.wait(lag, **kin) is not None:
                continue
            admitted += 1
            if error is None:
                self.paces.succeeded(self.kin(**kin), now=self.now)  # type: ignore[arg-type]
            else:
                self.paces.failed(self.kin(**kin), error, now=self.now)  # type: ignore[arg-type]
        return admitted


def test_p3_who_never_fails_is_never_put_off():
    clinic = Clinic()
    assert clinic.ask(10) == 1000


def test_p3_an_outage_leaves_a_few_probes_and_ends_within_a_minute():
    clinic = Clinic()
    clinic.ask(60)
    assert clinic.ask(15, Transient("x")) < 1000, "it is noticed within ten seconds"
    assert clinic.ask(120, Transient("x"), lag=None) <= 120 * 0.1 + 3
    told, poll = clinic.wait(None), clinic.wait(1.0)
    assert told is not None
    assert poll is not None
    assert told <= timedelta(minutes=1) <= timedelta(minutes=2) >= poll, "it is not forgotten in either"
    clinic.ask(60)
    assert clinic.ask(10) >= 500
    clinic.ask(120)
    assert clinic.ask(10) == 1000, "well again"


@pytest.mark.parametrize("error", [RateLimited("x"), Transient("x")])
def test_p3_one_bad_connection_slows_nobody_else(error: ProviderError):
    clinic = Clinic()
    for _ in range(50):
        clinic.ask(0.1)
        clinic.paces.failed(clinic.kin(connection=7), error, now=clinic.now)
    assert clinic.ask(10) == 1000


def test_p3_what_is_a_calendars_own_matter_slows_nobody():
    clinic = Clinic()
    clinic.ask(10, PermissionDenied("x"))
    assert clinic.ask(10) == 1000


def test_p3_a_limit_is_found_and_kept_to():
    """Sixty a second are answered, the others refused."""
    clinic, answered, refused = Clinic(), 0, 0
    for tick in range(100 * 120):
        clinic.now += timedelta(milliseconds=10)
        if tick % 100 == 0:
            room = 60
        if clinic.wait(None) is not None:
            continue
        room -= 1
        if room >= 0:
            answered += tick >= 100 * 60
            clinic.paces.succeeded(clinic.kin(), now=clinic.now)
        else:
            refused += tick >= 100 * 60
            clinic.paces.failed(clinic.kin(), RateLimited("x"), now=clinic.now)
    assert answered >= 60 * 60 * 0.8, "most of the quota is used"
    assert refused <= answered * 0.1


def test_p3_a_whole_provider_that_says_when_is_not_asked_before():
    clinic = Clinic()
    clinic.ask(10)
    clinic.ask(1, RateLimited("x", retry_after=30))
    wait = clinic.wait(None)
    assert wait is not None
    assert wait > timedelta(seconds=28)
    assert clinic.ask(28) == 0
    assert clinic.ask(10) > 0


def test_p3_under_a_limit_whom_somebody_waits_for_goes_first_and_then_the_most_overdue():
    clinic = Clinic()
    clinic.ask(20)
    clinic.ask(0.5, RateLimited("x"))
    clinic.now += timedelta(seconds=3)
    while clinic.wait(1.0) is None:
        pass
    assert clinic.wait(1.0) is not None, "a poll that is just due has to wait"
    assert clinic.wait(30.0) is None, "one that is far overdue does not"
    assert clinic.wait(None) is None


def test_p3_of_servers_of_their_own_only_the_sick_one_is_spared():
    clinic = Clinic(shared=False)
    clinic.ask(5, account=1)
    clinic.ask(20, Transient("x"), account=2)
    assert clinic.wait(account=2) is not None
    assert clinic.wait(account=1) is None
    clinic.ask(120, account=2)
    clinic.ask(60, account=2)
    assert clinic.wait(account=2) is None
    assert not clinic.paces._paces, "who is well is not kept in mind"


def test_p3_another_provider_knows_nothing_of_it():
    clinic = Clinic()
    clinic.ask(20, Transient("x"))
    assert clinic.wait() is not None
    assert clinic.wait(provider="office365") is None
