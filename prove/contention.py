"""Crowds at a running service: of all who want the same time at once, exactly as many win as there are hosts (P1).

    team     ten people with calendars, and pages of one, two and all of them
    rounds   two hundred contenders before one or two processes of the API; bookings, groups, turns, holds, moves,
             cancellations, clicks that come twice, requests that are accepted
    tables   no overlap, every 201 is there at its time, and nothing else is; PostgreSQL counted no deadlock

The one rule: rate limits are lifted by settings, everybody comes from a network of their own, and nothing else is
otherwise than in earnest. The short mode makes some ten thousand attempts, as far as a minute goes; the long mode makes
a million.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from prove.contention_crowd import Crowd
from prove.contention_invariants import DEADLOCKS, broken, unkept
from prove.contention_scenes import IN_TURN, SCENES, Arena, Scene, requests
from prove.contention_team import UsedUpError, make_team
from prove.lines import Line, say
from prove.plan import Plan
from prove.stage import Stage, module, open_stage
from sandbox.ports import HOST, free_port
from sandbox.stack import SANDBOX

_BATTERY: Final = "contention"
SETTINGS: Final = {"CALENDAR_CONNECT_TRUSTED_PROXIES": "1", "CALENDAR_CONNECT_LIVE_CHECK_SECONDS": "10"}
_GOAL: Final = 1.0
"""Seconds in which ninety-nine of a hundred losers know it, on a machine of its own."""
_BEARABLE: Final = 5.0
"""The same where clients, database and worker share a few idle cores: what fails the run. More, where others work."""
_SHOWN: Final = 5
_LOOKED_AT_EVERY: Final = 100  # rounds
_ASKED_EVERY: Final = 7
"""So many times everything is played; once of these with the scene that needs a newcomer."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it."""

    attempts: int
    contenders: int = 200
    seconds: float = float("inf")
    """No round begins later."""


SHORT: Final = Scale(10_000, seconds=60)
LONG: Final = Scale(1_000_000)


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """Everything, before one process of the API and before two."""
    async with open_stage(overrides=SETTINGS) as stage, open_doors(stage) as ports:
        scale = LONG if plan.long else SHORT
        arena = await play(stage, ports, plan, replace(scale, seconds=plan.seconds(scale.seconds)))
        for line in await judged(stage, arena):
            yield line


@asynccontextmanager
async def open_doors(stage: Stage, count: int = 2) -> AsyncIterator[list[int]]:
    """So many more processes of the API over the same database, whose Google answers at once: nothing keeps a crowd
    apart but the service itself. Their ports.
    """
    google, ports = free_port(), [free_port() for _ in range(count)]
    environment = {**stage.stack.environment, "CALENDAR_CONNECT_GOOGLE_API_URL": f"http://{HOST}:{google}"}
    commands = {"google": module("bench.instant_google", str(google))}
    commands |= {f"door-{port}": module("app.cli", "serve", "--host", HOST, "--port", str(port)) for port in ports}
    doors = {name: stage.stack.child(name, command, environment) for name, command in commands.items()}
    stage.stack.children.update(doors)  # who ends the stack ends them
    for child in doors.values():
        child.start()
    await asyncio.gather(*map(_listens, [google, *ports]))
    yield ports


async def _listens(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def play(stage: Stage, ports: list[int], plan: Plan, scale: Scale) -> Arena:
    """Round after round, every kind of scene in turn, before one process and before both."""
    chance = plan.chance(_BATTERY)
    arena = Arena(await make_team(stage), Crowd(ports), scale.contenders, chance)
    began, rounds, times = time.monotonic(), 0, count()
    while arena.tally.attempts < scale.attempts and time.monotonic() - began < scale.seconds:
        scenes: list[Scene] = [*SCENES, requests] if next(times) % _ASKED_EVERY == 0 else list(SCENES)
        chance.shuffle(scenes)
        for scene in scenes:
            arena.crowd.ports = ports[:1] if chance.random() < 1 / 3 else ports
            await _played(stage, arena, scene)
            rounds += 1
            if time.monotonic() - began > scale.seconds:
                break
        if rounds % _LOOKED_AT_EVERY < len(scenes):
            say(f"{arena.tally.attempts} attempts in {rounds} rounds")
            arena.wrong += await broken(stage.fetch)
    return arena


async def _played(stage: Stage, arena: Arena, scene: Scene) -> None:
    arena.scene = scene.__name__
    try:
        await scene(arena)
    except UsedUpError:
        arena.team = await make_team(stage)
        await scene(arena)


async def judged(stage: Stage, arena: Arena) -> list[Line]:
    """Answers, tables, deadlocks, and how long losing took."""
    tally = arena.tally
    figures = {"attempts": tally.attempts, "statuses": dict(sorted(tally.statuses.items()))}
    lines = [
        Line(_BATTERY, "every slot has exactly as many winners as hosts", not arena.wrong, _told(arena.wrong)),
        Line(_BATTERY, "every answer is a yes or a known no", not tally.odd, {**figures, **_told(tally.odd)}),
    ]
    there, kept = await broken(stage.fetch), await unkept(stage.fetch, arena.promised)
    promised = {"bookings": len(arena.promised)}
    lines.append(Line(_BATTERY, "nobody is engaged twice", not there, _told(there)))
    lines.append(Line(_BATTERY, "every 201 is there, and nothing else", not kept, {**promised, **_told(kept)}))
    lines.append(_losers(arena, "who loses one slot knows soon", tally.losing.keys() - IN_TURN, judged=True))
    lines.append(_losers(arena, "who loses to many, one after another", IN_TURN, judged=False))
    return [*lines, await _deadlocks(stage)]


def _losers(arena: Arena, check: str, scenes: Collection[str], *, judged: bool) -> Line:
    """How long losing took. The goal is for a machine of its own; the bound is for this one, as busy as it is."""
    tally, load = arena.tally, os.getloadavg()[0]
    slow, bound = tally.percentile(99, scenes), round(_BEARABLE * max(1.0, load / (os.cpu_count() or 1)), 1)
    figures: dict[str, object] = {"p50": tally.percentile(50, scenes), "p99": slow, "goal": _GOAL}
    figures |= {"goal_met": slow <= _GOAL, "fails_at": bound if judged else None, "load": round(load, 1)}
    figures |= {"contenders": arena.contenders, "by_scene": {each: tally.percentile(99, {each}) for each in scenes}}
    return Line(_BATTERY, check, not judged or slow <= bound, figures)


async def _deadlocks(stage: Stage) -> Line:
    """PostgreSQL's own count; sessions tell for certain when they end, so every process ends first."""
    await asyncio.gather(*(child.stop() for name, child in stage.stack.children.items() if name != SANDBOX))
    [row] = await stage.fetch(DEADLOCKS)
    return Line(_BATTERY, "no deadlock", row["deadlocks"] == 0, {"deadlocks": row["deadlocks"]})


def _told(wrong: list[str]) -> dict[str, object]:
    return {"wrong": len(wrong), "first": wrong[:_SHOWN]} if wrong else {}
