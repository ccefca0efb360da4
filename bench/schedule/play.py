"""One scenario from the seed to its figures.

The one rule: the same seed for every scenario, so that the people, their changes and the latencies are the same.
"""

import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from app.calendar import ProviderName
from bench.measure import Figure, Goal
from bench.schedule.measures import Ledger, calendars_of, percentile
from bench.schedule.population import Population
from bench.schedule.scenarios import Scenario, scenarios
from bench.schedule.servers import Server
from bench.schedule.simulation import CONCURRENT, Play

_SEED: Final = 20261121
_FULL_SIZE: Final = 100_000
_LAST_SECONDS: Final = 360.0
_PER_USER_MINUTE: Final = 600
_SLOWEST: Final = 99


@dataclass(frozen=True, slots=True)
class Stage:
    """How large it is played."""

    calendars: int
    accounts: int
    processes: int | None = None
    """None: as many as the scenario has workers. A small play has fewer and larger ones, or each had too little to do
    to learn anything from."""


FULL: Final = Stage(calendars=_FULL_SIZE, accounts=2000)
QUICK: Final = Stage(calendars=4000, accounts=200, processes=2)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    scenario: Scenario
    population: Population
    ledger: Ledger
    servers: dict[str, Server]
    seconds: float
    """How long it took to play."""

    @property
    def _span(self) -> tuple[float, float]:
        return self.scenario.measured_from * 60.0, self.scenario.minutes * 60.0 - _LAST_SECONDS

    def staleness(self) -> list[float]:
        """How old changes were when they were seen; whom nobody can read does not count."""
        return self.ledger.staleness(*self._span, self._readable)

    def staleness_at(self, provider: ProviderName) -> list[float]:
        """The same at one provider."""
        return self.ledger.staleness(*self._span, self._readable & self._at(provider))

    def staleness_of(self, accounts: set[int]) -> list[float]:
        """The same of these accounts' watched calendars: who is polled more often is seen earlier, however fair."""
        calendars = calendars_of(accounts, self.population.account) & self._readable
        return self.ledger.staleness(*self._span, {each for each in calendars if self.population.watched[each]})

    def lateness(self) -> tuple[float, float]:
        """The slowest hundredth's wait beyond what was due: of the smallest accounts, and of the largest."""
        small, large = (calendars_of(some, self.population.account) for some in self.population.small_and_large())
        late = (self.ledger.lateness(small), self.ledger.lateness(large))
        return percentile(late[0], _SLOWEST), percentile(late[1], _SLOWEST)

    def drain(self) -> float | None:
        """Seconds from the end of the trouble until 99 of 100 changes made meanwhile had been seen."""
        if self.scenario.down is not None:
            begin, end = (minutes * 60.0 for minutes in self.scenario.down)
            drained = self.ledger.drained_at(begin, end, range(len(self.population)))
            return None if drained is None else drained - end
        for trouble in self.scenario.troubles:
            if trouble.account is None:
                drained = self.ledger.drained_at(trouble.begin, trouble.end, self._at(trouble.provider))
                return None if drained is None else drained - trouble.end
        return None

    @property
    def _readable(self) -> set[int]:
        sick = {trouble.account for trouble in self.scenario.troubles}
        return {number for number, account in enumerate(self.population.account) if account not in sick}

    def _at(self, provider: ProviderName) -> set[int]:
        return {number for number, name in enumerate(self.population.provider) if name is provider}


def population_of(stage: Stage) -> Population:
    """The people of all scenarios."""
    return Population.of(stage.calendars, stage.accounts, Random(_SEED))


def scenarios_for(population: Population) -> list[Scenario]:
    """All scenarios; the sick account is the largest with a server of its own."""
    first = population.provider.index(ProviderName.EXCHANGE)
    return scenarios(population.account[first])


def play(scenario: Scenario, population: Population, stage: Stage) -> Played:
    """Play it."""
    random, scale = Random(_SEED), stage.calendars / _FULL_SIZE
    servers: dict[str, Server] = {
        provider: Server(provider, random, troubles=scenario.troubles) for provider in ProviderName
    }
    servers[ProviderName.GOOGLE] = Server(
        ProviderName.GOOGLE,
        random,
        per_minute=scenario.google_per_minute * scale,
        per_user_minute=_PER_USER_MINUTE,
        troubles=scenario.troubles,
    )
    processes = stage.processes or scenario.workers
    slots = max(1, round(CONCURRENT * scenario.workers * scale / processes))
    with _uncollected():
        began = time.perf_counter()
        ledger = Play(scenario, population, servers, processes=processes, slots=slots, random=random).run()
        return Played(scenario, population, ledger, servers, time.perf_counter() - began)


def figures_of(played: Played) -> Iterator[Figure]:
    """Staleness with the load that it took, fairness, and how long the trouble had an effect."""
    scenario, name = played.scenario, f"schedule.{played.scenario.name}"
    stale = played.staleness()
    goal = None if scenario.staleness_goal is None else Goal("<=", scenario.staleness_goal)
    yield Figure(f"{name}.staleness.p99", "s", [percentile(stale, 99)], goal=goal, details=_details(played, stale))
    small, large = (percentile(played.staleness_of(some), 99) for some in played.population.small_and_large())
    fair = None if scenario.fairness_goal is None else Goal("<=", scenario.fairness_goal)
    late_small, late_large = played.lateness()
    beside = {"late_p99_small": late_small, "late_p99_large": late_large}
    yield Figure(
        f"{name}.fairness", "s", [small], [large], "largest accounts", fair, {"who": "smallest accounts", **beside}
    )
    if (drained := played.drain()) is not None:
        yield Figure(f"{name}.drained", "s", [drained])


def _details(played: Played, stale: list[float]) -> dict[str, object]:
    scenario, ledger, seconds = played.scenario, played.ledger, played.scenario.minutes * 60.0
    quotas = {ProviderName.GOOGLE: scenario.google_per_minute * len(played.population) / _FULL_SIZE / 60.0}
    return {
        "p50": percentile(stale, 50),
        "p95": percentile(stale, 95),
        "max": percentile(stale, 100),
        "p99_at": {name: round(percentile(played.staleness_at(name), 99), 1) for name in ProviderName},
        "requests_per_second": {name: round(server.asked / seconds, 1) for name, server in played.servers.items()},
        "busiest_second": {name: server.busiest for name, server in played.servers.items()},
        "refused": {name: server.refused for name, server in played.servers.items() if server.refused},
        "quota_per_second": {name: round(quota, 1) for name, quota in quotas.items() if quota < math.inf},
        "runs_per_second": ledger.runs / seconds,
        "put_off_per_second": ledger.put_off / seconds,
        "most_waiting": ledger.most_waiting,
        "workers": scenario.workers,
        "calendars": len(played.population),
        "changes": len(stale),
        "minutes": scenario.minutes,
        "played_in": played.seconds,
    }


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of small values without a cycle among them: looking for cycles would take a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
