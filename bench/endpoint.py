"""The slots endpoint: 30 days of a calendar with 100 and 5,000 events, beside FastAPI alone and one SELECT.

The one rule: every answer counted is a 200 with slots in it; what is timed is what a visitor's browser waits for.

The events lie apart, on every other day: merged they are as many, which is the most work there can be. The other days
stay free, so that both calendars have slots to offer. Clients of one page that ask at once share what is read for them;
`apart` is how it goes where each looks at a page of their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from statistics import median
from types import MappingProxyType

import msgspec

from bench.floor_app import PAGES
from bench.hosts import TYPICAL, Host
from bench.load import BenchError, Load, Plan, get
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.stage import FLOOR, SERVICE, Stage

FEW, MANY = 100, 5000
APART = "apart"
_GOAL_CLIENTS = 16
_PING, _SELECT = "FastAPI ping", "one SELECT"
Rounds = dict[str, list[Load]]


async def figures(stage: Stage, scale: Scale) -> AsyncIterator[Figure]:
    """All figures of this bench."""
    crowd = [(TYPICAL, FEW)] * (_GOAL_CLIENTS if _GOAL_CLIENTS in scale.clients else 0)
    few, many, *others = await stage.hosts.make([(TYPICAL, FEW), (TYPICAL, MANY), *crowd])
    apart = [get(host.slots_path) for host in others]
    await stage.settle()
    sizes = {str(FEW): await size_of(stage, few), str(MANY): await size_of(stage, many)}
    await stage.warm(SERVICE, [get(few.slots_path), get(many.slots_path)], times=scale.warming)
    for clients in scale.clients:
        samples = {
            str(FEW): sample(stage, SERVICE, [get(few.slots_path)], clients, scale.seconds),
            str(MANY): sample(stage, SERVICE, [get(many.slots_path)], clients, scale.seconds),
            _PING: sample(stage, FLOOR, [get("/ping")], clients, scale.seconds),
            _SELECT: sample(stage, FLOOR, [get(f"/pages/{n + 1}") for n in range(PAGES)], clients, scale.seconds),
        }
        if clients == _GOAL_CLIENTS:
            samples[APART] = sample(stage, SERVICE, apart, clients, scale.seconds)
        rounds = await alternate(samples, scale.rounds)
        for figure in _compared(rounds, clients, sizes):
            yield figure


def sample(
    stage: Stage, server: str, requests: list[str], clients: int, seconds: float
) -> Callable[[], Awaitable[Load]]:
    """One round of so many clients; all their answers must be good."""
    plan = Plan(stage.ports[server], clients, requests, seconds)

    async def taken() -> Load:
        return (await stage.load.run(plan)).all_answered(200)

    return taken


async def size_of(stage: Stage, host: Host) -> dict[str, object]:
    """What the answer holds. Raises: BenchError when it offers nothing."""
    answer = await stage.api.get(host.slots_path)
    slots = len(msgspec.json.decode(answer.content).get("items", ()))
    if slots == 0:
        raise BenchError(f"no slots: {answer.text}")
    return {"slots": slots, "bytes": len(answer.content)}


def _compared(rounds: Rounds, clients: int, sizes: Mapping[str, Mapping[str, object]]) -> Iterator[Figure]:
    judged = clients == _GOAL_CLIENTS
    few, many = str(FEW), str(MANY)
    for events in (few, many):
        name = f"slots_endpoint.{events}.c{clients}"
        for floor in (_PING, _SELECT):
            goal = Goal(">=", 0.15) if judged and events == few and floor == _PING else None
            yield rate_beside(name, rounds[events], rounds[floor], floor_name=floor, goal=goal, more=sizes[events])
        yield spread(name, rounds[events], Goal("<=", 4) if judged else None)
    if APART in rounds:
        yield rate_beside(f"slots_endpoint.{APART}.c{clients}", rounds[APART], rounds[_PING], floor_name=_PING)
    goal = Goal(">=", 0.6) if judged else None
    name = f"slots_endpoint.{many}_to_{few}.c{clients}"
    yield rate_beside(name, rounds[many], rounds[few], floor_name=f"slots_endpoint.{few}", goal=goal)


def rate_beside(
    name: str,
    loads: Sequence[Load],
    floors: Sequence[Load],
    *,
    floor_name: str,
    goal: Goal | None = None,
    more: Mapping[str, object] = MappingProxyType({}),
) -> Figure:
    """Answers a second beside the floor's, with the latencies of both."""
    details: dict[str, object] = {"p50_ms": percentile(loads, 50), "p99_ms": percentile(loads, 99)}
    details |= {"floor_p50_ms": percentile(floors, 50), "floor_p99_ms": percentile(floors, 99), **more}
    rates, floor_rates = [load.rate for load in loads], [load.rate for load in floors]
    return Figure(name, "requests/s", rates, floor_rates, floor_name, goal, details)


def spread(name: str, loads: Sequence[Load], goal: Goal | None) -> Figure:
    """The slowest hundredth beside the middle."""
    slow, middle = ([load.percentile(percent) for load in loads] for percent in (99, 50))
    return Figure(f"{name}.p99", "ms", slow, middle, "its own p50", goal)


def percentile(loads: Sequence[Load], percent: float) -> float:
    """The median of the rounds' percentiles."""
    return median(load.percentile(percent) for load in loads)
