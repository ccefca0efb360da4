"""The availability report of four weeks, beside the slots of the same page: one's own, and a round robin of twenty.

The one rule: both are asked for by the owner of the same page, so that what differs is the explaining.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from bench.endpoint import FEW, MANY, rate_beside, sample
from bench.hosts import TYPICAL, Host
from bench.load import BenchError, get
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.stage import SERVICE, Stage
from bench.teams import CALENDARS, EVENTS, PEOPLE

_FOUR_WEEKS: Final = 28
_CLIENTS: Final = 1
_THREE_TIMES: Final = Goal(">=", 0.333)


async def figures(stage: Stage, scale: Scale) -> AsyncIterator[Figure]:
    """All figures of this bench."""
    few, many = await stage.hosts.make([(TYPICAL, FEW), (TYPICAL, MANY)])
    _, team = await stage.hosts.make_team(TYPICAL, people=PEOPLE, calendars=CALENDARS, busy=EVENTS)
    await stage.settle()
    pages = {str(FEW): few, str(MANY): many, f"round_robin.{PEOPLE}x{CALENDARS}x{EVENTS}": team}
    for name, host in pages.items():
        async for figure in _explained(stage, scale, name, replace(host, days=_FOUR_WEEKS)):
            yield figure
    async for figure in _linear(stage, scale, replace(few, days=_FOUR_WEEKS)):
        yield figure


async def _explained(stage: Stage, scale: Scale, name: str, host: Host) -> AsyncIterator[Figure]:
    """The report beside the slots."""
    report, slots = get(host.report_path, host.bearer), get(host.own_slots_path, host.bearer)
    await stage.warm(SERVICE, [report, slots], times=scale.warming)
    samples = {
        "report": sample(stage, SERVICE, [report], _CLIENTS, scale.seconds),
        "slots": sample(stage, SERVICE, [slots], _CLIENTS, scale.seconds),
    }
    rounds = await alternate(samples, scale.rounds)
    more = await _size_of(stage, host)
    yield rate_beside(
        f"report.{name}", rounds["report"], rounds["slots"], floor_name="its slots", goal=_THREE_TIMES, more=more
    )


async def _linear(stage: Stage, scale: Scale, host: Host) -> AsyncIterator[Figure]:
    """Twice the days beside once."""
    twice = replace(host, days=2 * _FOUR_WEEKS)
    samples = {
        "twice": sample(stage, SERVICE, [get(twice.report_path, host.bearer)], _CLIENTS, scale.seconds),
        "once": sample(stage, SERVICE, [get(host.report_path, host.bearer)], _CLIENTS, scale.seconds),
    }
    rounds = await alternate(samples, scale.rounds)
    goal = Goal(">=", 0.45)
    yield rate_beside("report.twice_the_days", rounds["twice"], rounds["once"], floor_name="four weeks", goal=goal)


async def _size_of(stage: Stage, host: Host) -> dict[str, object]:
    """What the answer holds. Raises: BenchError when it explains nothing."""
    answer = await stage.api.get(host.report_path, headers=dict(host.bearer))
    times = answer.json().get("items", ())
    closed = sum(bool(item["closed_by"]) for item in times)
    if not 0 < closed < len(times):
        raise BenchError(f"not a report of both kinds: {answer.text[:1000]}")
    return {"times": len(times), "closed": closed, "bytes": len(answer.content)}
