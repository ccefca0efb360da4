"""The slots of a round robin: 60 days of twenty hosts with three calendars of 500 events each, beside one of them.

The one rule: both pages are open at the same hours, and both answers have slots in them.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from bench.endpoint import rate_beside, sample, size_of
from bench.hosts import TYPICAL
from bench.load import get
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.stage import SERVICE, Stage

PEOPLE: Final = 20
CALENDARS: Final = 3
EVENTS: Final = 500
_DAYS: Final = 60
_CLIENTS: Final = 1


async def figures(stage: Stage, scale: Scale) -> AsyncIterator[Figure]:
    """All figures of this bench."""
    one, team = await stage.hosts.make_team(TYPICAL, people=PEOPLE, calendars=CALENDARS, busy=EVENTS)
    one, team = replace(one, days=_DAYS), replace(team, days=_DAYS)
    await stage.settle()
    await stage.warm(SERVICE, [get(one.slots_path), get(team.slots_path)], times=scale.warming)
    samples = {
        "one": sample(stage, SERVICE, [get(one.slots_path)], _CLIENTS, scale.seconds),
        "team": sample(stage, SERVICE, [get(team.slots_path)], _CLIENTS, scale.seconds),
    }
    rounds = await alternate(samples, scale.rounds)
    yield rate_beside(
        f"slots_endpoint.round_robin.{PEOPLE}x{CALENDARS}x{EVENTS}",
        rounds["team"],
        rounds["one"],
        floor_name="the page of one of them",
        goal=Goal(">=", 0.1),
        more=await size_of(stage, team),
    )
