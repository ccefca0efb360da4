"""The scheduler, played small: staleness and fairness are bounded, and the play notices when they are not (P3)."""

from dataclasses import replace

import pytest

from app.sync.shares import Turn
from bench.schedule import calendars, simulation
from bench.schedule.measures import percentile
from bench.schedule.play import QUICK, Played, play, population_of, scenarios_for

PEOPLE = population_of(QUICK)
FIVE_MINUTES = 300.0


def played(name: str, processes: int = 2) -> Played:
    [scenario] = [item for item in scenarios_for(PEOPLE) if item.name == name]
    return play(scenario, PEOPLE, replace(QUICK, processes=processes))


def late(name: str) -> tuple[float, float]:
    """How long polls of the smallest and of the largest accounts wait: the slowest hundredth."""
    return played(name).lateness()


@pytest.mark.parametrize("pushes", ["delivered", "half_dropped", "dropped"])
def test_p3_whatever_becomes_of_pushes_changes_are_seen_within_five_minutes(pushes: str):
    stale = played(pushes).staleness()
    assert len(stale) > 300
    assert percentile(stale, 99) <= FIVE_MINUTES


def test_p3_pushes_are_what_makes_it_quick():
    assert percentile(played("delivered").staleness(), 50) < 10 < percentile(played("dropped").staleness(), 50)


def test_p3_an_account_with_everything_due_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch):
    small, large = late("few_workers")
    assert small < large / 2, "what is scarce is missing where there is most"
    monkeypatch.setattr(
        calendars, "share_out", lambda accounts, limit, window: Turn([*range(len(accounts))][:limit], [])
    )
    unfair_small, unfair_large = late("few_workers")
    assert unfair_small > unfair_large * 0.8, "or this could not fail"


def test_p3_an_outage_ends_for_us_minutes_after_it_ended(monkeypatch: pytest.MonkeyPatch):
    outage = played("outage")
    drained = outage.drain()
    assert drained is not None
    assert drained <= FIVE_MINUTES * 1.5, "in so small a play the probes, which failed often, are many"
    others = outage.staleness_at(calendars.ProviderName.OFFICE365)
    assert percentile(others, 99) <= FIVE_MINUTES, "nobody else noticed"
    asked = outage.servers["google"].asked

    class AsTheyCome(simulation.Paces):
        def put_off(self, *_: object, **__: object) -> None:
            return None

    monkeypatch.setattr(simulation, "Paces", AsTheyCome)
    without = played("outage")
    assert without.servers["google"].asked > asked * 1.1
    others = without.staleness_at(calendars.ProviderName.OFFICE365)
    assert percentile(others, 99) > FIVE_MINUTES, "or this could not fail: time-outs take all places"


def test_p3_a_hanging_server_of_one_account_takes_nobody_elses_places():
    assert percentile(played("sick_account").staleness(), 99) <= FIVE_MINUTES


def test_p3_under_a_tenth_of_the_quota_pushes_still_arrive_and_little_is_refused():
    scarce = played("quota_for_a_million", processes=1)
    google = scarce.servers["google"]
    assert google.refused < google.asked * 0.3
    assert percentile(scarce.staleness_at(calendars.ProviderName.OFFICE365), 99) < 120
    assert percentile(scarce.staleness(), 50) < 120
