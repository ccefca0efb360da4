"""Batteries as processes of their own, so that the short mode is short: what waits much runs beside what waits much.

    ALONE     parts that judge how long something takes: one after another, and nothing beside them
    BESIDE    all others, a few at once, the longest first; guesses are timed as well, but hits and misses in turns, so
              that what else the machine does meets both alike

The one rule: what a battery says is what it would say alone; a process that ends without a word is a failure.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from prove.lines import Line, say
from prove.plan import Plan
from prove.stage import module
from sandbox.children import Child
from sandbox.stack import ROOT

AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Job:
    """A battery, or parts of it."""

    battery: str
    only: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For its progress."""
        return " ".join((self.battery, *self.only))

    def command(self, plan: Plan) -> list[str]:
        """The program that runs it, and it alone."""
        options = [word for part in self.only for word in ("--only", part)]
        options += [] if plan.minutes is None else ["--minutes", str(plan.minutes)]
        return [*module("prove", "--seed", str(plan.seed)), *options, self.battery]


ALONE: Final = (
    Job("faults", ("sick",)),
    Job("migrations", ("expand",)),
    Job("contention"),
    Job("soak"),
)
"""Those first that load the machine least: bounds grow by its load."""
BESIDE: Final = (
    Job("crash"),
    Job("faults", ("waits", "grid", "outage")),
    Job("calibration"),
    Job("secrets"),
    Job("authorisation"),
    Job("fuzz"),
    Job("attack"),
    Job("migrations", ("rounds", "straight")),
)

Command = Callable[[Job], Sequence[str]]
Took = Callable[[Line], None]
"""Called with each line as it is said, from the thread that reads it."""


async def side_by_side(alone: Sequence[Job], beside: Sequence[Job], command: Command, took: Took) -> None:
    """First those that must be alone, then the others."""
    for job in alone:
        await _run(job, command(job), took)
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(job: Job) -> None:
        async with turns:
            await _run(job, command(job), took)

    async with asyncio.TaskGroup() as jobs:
        for job in beside:
            jobs.create_task(in_turn(job))


async def _run(job: Job, command: Sequence[str], took: Took) -> None:
    """To its end. One that fails has said of what, or dies of it; then this is its line."""
    failed: list[Line] = []

    def hear(name: str, text: str) -> None:
        line = read(text)
        if line is None:
            print(f"{name} | {text}", file=sys.stderr, flush=True)
            return
        took(line)
        if not line.ok:
            failed.append(line)

    child, began = Child(job.name, command, os.environ, ROOT, hear), time.monotonic()
    say(job.name)
    child.start()
    try:
        await child.exited.wait()
    finally:
        if child.pid is not None:
            await child.stop()
    say(f"{job.name}: {time.monotonic() - began:.0f} s")
    if child.exit_code != 0 and not failed:
        took(Line(job.battery, "ran to its end", False, {"code": child.exit_code, "end": child.last_lines[-2000:]}))


def read(text: str) -> Line | None:
    """A line as `Line.to_json` writes it; None: it is something else."""
    if not text.startswith('{"battery": '):
        return None
    said = json.loads(text)
    return Line(said.pop("battery"), said.pop("check"), said.pop("ok"), said)
