"""How the benches measure and what they print.

The one rule: a figure is worth something only beside its floor, in the same run, in alternating rounds. Machines
drift; the median ratio of rounds that stand next to each other does not.

A bench yields one JSON line per figure:

    {"bench": "slots.100", "value": 0.18, "unit": "ms", "floor": 0.25, "floor_name": "integer sweep", "ratio": 0.72,
     "rounds": [[0.18, 0.25], …], "goal": "<= 2", "met": true}

`rounds` holds the value and its floor as they were measured, `value` and `floor` their medians; `ratio` is the median
of the rounds' ratios, value ÷ floor. A figure without a floor has none of that, one without a goal is for information.
Some figures add `details` of their own, such as percentiles.
"""

import gc
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Final, Literal, TypeVar

ROUNDS: Final = 7
_LEAST_SECONDS: Final = 0.02

Sample = Callable[[], float]
"""Runs the work once, as often as it needs, and says its figure: milliseconds per call, requests per second, …"""
AsyncSample = Callable[[], Awaitable[float]]

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Goal:
    """Where the ratio, or without a floor the value, has to be."""

    side: Literal["<=", ">=", "=="]
    bound: float

    def met_by(self, number: float) -> bool:
        """Whether the number is on the right side."""
        return {"<=": number <= self.bound, ">=": number >= self.bound, "==": number == self.bound}[self.side]

    def __str__(self) -> str:
        return f"{self.side} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, with what it is compared with."""

    bench: str
    unit: str
    values: Sequence[float]
    floors: Sequence[float] = ()
    """As many as values, in the order they were measured; or none."""
    floor_name: str | None = None
    goal: Goal | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    """What else is worth knowing: further members of the line."""

    @property
    def ratio(self) -> float | None:
        """The median of value ÷ floor."""
        if not self.floors:
            return None
        return median(value / floor for value, floor in zip(self.values, self.floors, strict=True))

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        return self.goal.met_by(median(self.values) if self.ratio is None else self.ratio)

    def to_json(self) -> str:
        """The figure as a line."""
        rounds = zip(self.values, self.floors, strict=True) if self.floors else ([value] for value in self.values)
        line = {
            "bench": self.bench,
            "value": _short(median(self.values)),
            "unit": self.unit,
            "floor": _short(median(self.floors)) if self.floors else None,
            "floor_name": self.floor_name,
            "ratio": _short(self.ratio) if self.ratio is not None else None,
            "rounds": [[_short(number) for number in together] for together in rounds],
            "goal": str(self.goal) if self.goal else None,
            "met": self.met,
            **{name: _short(known) if isinstance(known, float) else known for name, known in self.details.items()},
        }
        return json.dumps(line)


def milliseconds(work: Callable[[], object]) -> Sample:
    """The time of one call, the mean over enough calls for the clock. Garbage of before is collected before."""

    def sample() -> float:
        gc.collect()
        calls, elapsed = 1, _time(work, 1)
        while elapsed < _LEAST_SECONDS:
            calls = max(calls * 2, int(calls * _LEAST_SECONDS / max(elapsed, 1e-9)))
            elapsed = _time(work, calls)
        return elapsed / calls * 1000

    return sample


def compare(
    bench: str,
    value: Sample,
    floor: Sample,
    *,
    unit: str,
    floor_name: str,
    goal: Goal | None = None,
    rounds: int = ROUNDS,
) -> Figure:
    """Measures the two in alternating rounds."""
    values: list[float] = []
    floors: list[float] = []
    for sample, into in _turns((value, values), (floor, floors), rounds):
        into.append(sample())
    return Figure(bench, unit, values, floors, floor_name, goal)


async def compare_async(
    bench: str,
    value: AsyncSample,
    floor: AsyncSample,
    *,
    unit: str,
    floor_name: str,
    goal: Goal | None = None,
    rounds: int = ROUNDS,
) -> Figure:
    """The same for samples that are awaited."""
    values: list[float] = []
    floors: list[float] = []
    for sample, into in _turns((value, values), (floor, floors), rounds):
        into.append(await sample())
    return Figure(bench, unit, values, floors, floor_name, goal)


async def alternate(samples: Mapping[str, Callable[[], Awaitable[S]]], rounds: int) -> dict[str, list[S]]:
    """Several samples in alternating rounds, for one floor beside many figures or many floors beside one.

    First a round that does not count; then each sample is ahead in turn.
    """
    names = list(samples)
    results: dict[str, list[S]] = {name: [] for name in names}
    for name in names:
        await samples[name]()
    for number in range(rounds):
        ahead = number % len(names)
        for name in names[ahead:] + names[:ahead]:
            results[name].append(await samples[name]())
    return results


def _turns(one: tuple[S, list[float]], other: tuple[S, list[float]], rounds: int) -> Iterator[tuple[S, list[float]]]:
    """Whose turn it is, and where the figure goes: first a round that does not count, then each ahead in turn."""
    yield one[0], []
    yield other[0], []
    for number in range(rounds):
        yield from (one, other) if number % 2 == 0 else (other, one)


def _time(work: Callable[[], object], calls: int) -> float:
    started = perf_counter()
    for _ in range(calls):
        work()
    return perf_counter() - started


def _short(number: float) -> float:
    return float(f"{number:.4g}")
