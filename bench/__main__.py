"""`python -m bench`: every figure beside its floor, a JSON line each. The rule: this file only chooses and prints.

    python -m bench [--quick] [slots] [schedule] [sync] [push] [endpoint] [teams] [report] [booking] [race]

Progress goes to standard error. A goal that is missed says so in its line; the exit code is 0 whenever all could be
measured.
"""

import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from typing import Annotated

import typer

from bench import booking, endpoint, push, race, report, slots, sync, teams
from bench.load import BenchError
from bench.measure import Figure
from bench.scale import FULL, QUICK, Scale
from bench.schedule import figures as schedule
from bench.schedule import play
from bench.stage import open_stage
from bench.sync_stage import open_sync_stage


class Bench(StrEnum):
    """What can be measured; `race` comes last, for it ends the servers."""

    SLOTS = "slots"
    SCHEDULE = "schedule"
    SYNC = "sync"
    PUSH = "push"
    ENDPOINT = "endpoint"
    TEAMS = "teams"
    REPORT = "report"
    BOOKING = "booking"
    RACE = "race"


BEGAN = time.perf_counter()
OVER_HTTP = {
    Bench.ENDPOINT: endpoint.figures,
    Bench.TEAMS: teams.figures,
    Bench.REPORT: report.figures,
    Bench.BOOKING: booking.figures,
    Bench.RACE: race.figures,
}


def pure(chosen: set[Bench], scale: Scale) -> Iterator[Figure]:
    """The figures of the benches that need no server."""
    if Bench.SLOTS in chosen:
        _say("slots")
        yield from slots.figures(scale.pure_rounds)
    if Bench.SCHEDULE in chosen:
        _say("schedule")
        yield from schedule.figures(play.QUICK if scale is QUICK else play.FULL)


async def measure(chosen: set[Bench], scale: Scale) -> AsyncIterator[Figure]:
    """The figures of these benches."""
    for figure in pure(chosen, scale):
        yield figure
    if Bench.SYNC in chosen:
        _say("sync")
        async with open_sync_stage() as sync_stage:
            async for figure in sync.figures(sync_stage, scale):
                yield figure
    if Bench.PUSH in chosen:
        _say("push")
        async for figure in push.figures(push.QUICK if scale is QUICK else push.FULL):
            yield figure
    if chosen.isdisjoint(OVER_HTTP):
        return
    _say("starting the servers")
    async with open_stage() as stage:
        for bench, figures in OVER_HTTP.items():
            if bench in chosen:
                _say(bench)
                async for figure in figures(stage, scale):
                    yield figure


async def _print(chosen: set[Bench], scale: Scale) -> None:
    print(
        json.dumps({"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}),
        flush=True,
    )
    async for figure in measure(chosen, scale):
        print(figure.to_json(), flush=True)
    _say("done")


def _say(what: str) -> None:
    print(f"bench: {time.perf_counter() - BEGAN:4.0f} s  {what}", file=sys.stderr, flush=True)


cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    benches: Annotated[list[Bench] | None, typer.Argument(help="All when none is named.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter rounds, about two minutes.")] = False,
) -> None:
    """Measure, and print a JSON line per figure."""
    try:
        asyncio.run(_print(set(benches or Bench), QUICK if quick else FULL))
    except BenchError as error:
        raise SystemExit(f"bench: {error}") from error


if __name__ == "__main__":
    cli()
