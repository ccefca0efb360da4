"""Crashes: under a load of bookings, hands in calendars and pushes, parts of the service die; then all is checked.

The one rule: the load and the saboteur know nothing of each other; what was promised is judged afterwards, from what
stands written.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.failpoints import Failpoint
from prove.checker import judge
from prove.crash_client import Client
from prove.crash_disk import SIZE, Disk, NoDiskError, open_disk
from prove.crash_hosts import HostHands
from prove.crash_saboteur import ACTS, DISK_FULL, OF_THE_API, OF_THE_WORKER, Saboteur
from prove.crash_visitors import Venue, Visitors, shared_out
from prove.evidence import Disturbance, Evidence, gather, waiting
from prove.journal import Attempt, Journal, read_journal
from prove.lines import Line, say
from prove.plan import Plan
from prove.records import new_records
from prove.stage import SECOND_WORKER, Stage, open_stage
from sandbox.demo_booking import list_slots
from sandbox.stack import API, WORKER

BATTERY: Final = "crash"
PARTS: Final = ACTS
"""What happens by chance can be chosen; the failpoints are always there."""
_FULL: Final = "the disk was full, and people asked meanwhile"
QUICK_POLLS: Final = {"CALENDAR_CONNECT_SYNC_POLL_SECONDS": "10", "CALENDAR_CONNECT_PUSH_POLL_SECONDS": "20"}
"""A push that died with its receiver costs at most a poll: the run is not to wait four minutes for it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it."""

    hosts: tuple[str, ...]
    """Their providers; beside them one host has none."""
    crowds: int
    """Visitors at once, at each page."""
    stopped_seconds: float
    """How long a worker stands still: longer than the lease of a write."""
    rounds: int
    """Of everything that happens by chance."""
    repeats: int
    """Of the whole play."""
    settle_seconds: float
    points: tuple[tuple[str, tuple[Failpoint, ...]], ...] = ((WORKER, OF_THE_WORKER), (API, OF_THE_API))
    """At which moments which process dies."""
    disk_bytes: int = SIZE
    """The database's disk: several times what the whole play leaves there."""


SHORT: Final = Scale(("google", "google", "office365", "office365", "exchange"), 2, 65, 1, 1, 240)
LONG: Final = Scale(
    ("google", "google", "office365", "office365", "exchange") * 2, 3, 130, 10, 12, 1200, disk_bytes=6 * SIZE
)
"""Stopped longer than the lease of a sync as well."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What has happened, and what stands written now."""

    seconds: float
    """From the first attempt to the last."""
    settled: float | None
    """Seconds until nothing spoke against any promise; None: something still does."""
    saboteur: Saboteur
    evidence: Evidence

    def lines(self) -> Iterator[Line]:
        """What is to be said of it."""
        yield _disturbed(self)
        yield _failpoints(self.saboteur)
        yield faultless(self.evidence)
        yield Line(BATTERY, "all is done in the end", self.settled is not None, {"seconds": self.settled})
        for verdict in judge(self.evidence):
            yield Line(BATTERY, verdict.check, verdict.ok, verdict.figures)


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """All of it."""
    records, scale = new_records(BATTERY, plan), LONG if plan.long else SHORT
    with ExitStack() as files:
        echo, (disk, why_none) = files.enter_context(records.listening()), _disk(files, scale.disk_bytes)
        directory = None if disk is None else disk.directory
        async with open_stage(overrides=QUICK_POLLS, echo=echo, data_directory=directory) as stage:
            performance = await perform(stage, plan, scale, records.journal, disk=disk)
    full = Line(BATTERY, _FULL, True, {"left_out": why_none}) if disk is None else full_disk(performance)
    lines = [*performance.lines(), full]
    for line in lines:
        yield line
    records.close(lines)


def _disk(files: ExitStack, size: int) -> tuple[Disk | None, str]:
    """One that can be filled, or why there is none."""
    try:
        return files.enter_context(open_disk(size)), ""
    except NoDiskError as error:
        say(f"no disk is filled: {error}")
        return None, str(error)


async def perform(stage: Stage, plan: Plan, scale: Scale, path: Path, *, disk: Disk | None = None) -> Performance:
    """Set the stage, let it run and die, and wait until all is done. The journal goes to `path`."""
    await stage.add_worker()
    saboteur = Saboteur(stage, plan.chance("saboteur"), disk)
    began, everybody = time.monotonic(), list[Venue]()
    with Journal(path) as journal:
        for repeat in range(scale.repeats):
            if repeat and time.monotonic() - began > plan.seconds(math.inf):
                break
            # Others each time: a calendar has only so many times that can be booked.
            venues = await open_venues(stage, plan, scale.hosts, f"host-{repeat}-")
            everybody += venues
            await _Cast(stage, plan, scale, venues, Client(stage.api, journal), saboteur).run(repeat)
    seconds = round(time.monotonic() - began, 1)
    say("waiting for all to be done")
    people = [(venue.host.house.provider, venue.name) for venue in everybody]
    settled, evidence = await settle(stage, people, read_journal(path), saboteur.disturbances, scale.settle_seconds)
    return Performance(seconds, settled, saboteur, evidence)


async def open_venues(stage: Stage, plan: Plan, providers: Sequence[str], name: str = "host") -> list[Venue]:
    """The hosts with their pages; the last has no calendar, so that people ask instead of booking."""

    async def opened(number: int, provider: str) -> Venue:
        connected = number < len(providers)
        host = await stage.host(provider, f"{name}{number}", connected=connected)
        await stage.page(host)
        slots: list[dict[str, Any]] = []
        while not slots:  # the first sync is a job
            slots = await list_slots(host, days=40)
            await asyncio.sleep(0.1)
        visitors, own = shared_out(slots[96:], plan.chance(f"slots {name}{number}"))
        return Venue(host, visitors, own if connected else [])

    venues = await asyncio.gather(*(opened(number, provider) for number, provider in enumerate([*providers, "google"])))
    say(f"{len(venues)} hosts")
    return venues


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who takes part."""

    stage: Stage
    plan: Plan
    scale: Scale
    venues: list[Venue]
    client: Client
    saboteur: Saboteur

    async def run(self, repeat: int) -> None:
        """Load on, death in, load off."""
        await self.stage.stack.children[WORKER].stop()  # so that what is held next is held by the other one
        stop, standing = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as load:
            for act in self._load(repeat, stop):
                load.create_task(act)
            await asyncio.sleep(2)
            try:
                async with asyncio.TaskGroup() as deaths:
                    still = self.saboteur.stop_past_leases(SECOND_WORKER, self.scale.stopped_seconds, standing)
                    deaths.create_task(still)
                    await standing.wait()
                    for name, points in self.scale.points:
                        deaths.create_task(self.saboteur.at_every_failpoint(name, points))
                say("every failpoint was tried")
                await self.saboteur.by_chance(self.scale.rounds, self.plan.only)
            finally:
                stop.set()

    def _load(self, repeat: int, stop: asyncio.Event) -> Iterator[Coroutine[Any, Any, None]]:
        for at, venue in enumerate(self.venues):
            for crowd in range(self.scale.crowds):
                name = f"v{repeat}-{at}-{crowd}"
                yield Visitors(self.client, venue, self.plan.chance(name), name, stop).run()
            if venue.for_the_host:
                chance = self.plan.chance(f"hands {repeat} {at}")
                yield HostHands(self.client, self.stage.sandbox, venue, chance, stop).run()


async def settle(
    stage: Stage,
    people: list[tuple[str, str]],
    attempts: list[Attempt],
    disturbances: Sequence[Disturbance],
    seconds: float,
) -> tuple[float | None, Evidence]:
    """Wait until nothing speaks against any promise, twice in a row; what is known when that is so, or time is up."""
    began, quiet = time.monotonic(), 0
    while True:
        waited = round(time.monotonic() - began, 1)
        late = waited > seconds
        if not late and await waiting(stage.stack.database_url):  # a cheap look before a dear one
            quiet = 0
            await asyncio.sleep(1)
            continue
        evidence = await gather(
            stage.stack.database_url,
            stage.sandbox,
            people=people,
            attempts=attempts,
            disturbances=disturbances,
        )
        quiet = quiet + 1 if all(verdict.ok for verdict in judge(evidence)) else 0
        if quiet > 1:
            return waited, evidence
        if late:
            return None, evidence
        await asyncio.sleep(1)


def _disturbed(performance: Performance) -> Line:
    attempts, saboteur = performance.evidence.attempts, performance.saboteur
    acts = Counter(attempt.act for attempt in attempts)
    answers = Counter("none" if attempt.status is None else str(attempt.status) for attempt in attempts)
    figures = {
        "seconds": performance.seconds,
        "attempts": len(attempts),
        "acts": dict(acts.most_common()),
        "answers": dict(answers.most_common()),
        "disturbances": dict(saboteur.done),
        "leases_of_the_stopped": saboteur.leases_of_the_stopped,
    }
    enough = bool(answers["none"]) and bool(saboteur.leases_of_the_stopped) and bool(answers["201"])
    return Line(BATTERY, "there was load, and it was disturbed", enough, figures)


def faultless(evidence: Evidence) -> Line:
    """Whatever dies: nobody is told of a fault of ours, and who is to come back is told when."""
    told = [attempt for attempt in evidence.attempts if attempt.status is not None and attempt.status >= 500]
    wrong = [
        attempt
        for attempt in told
        if attempt.status == 500 or (attempt.status == 503 and "retry_after" not in attempt.answer)
    ]
    shown = [f"{attempt.act}: {attempt.status} {attempt.answer} at {attempt.at}" for attempt in wrong[:5]]
    figures = {"answers": len(told), **({"wrong": len(wrong), "such_as": shown} if wrong else {})}
    return Line(BATTERY, "no fault of ours is answered, and 503 says when to come back", not wrong, figures)


def full_disk(performance: Performance) -> Line:
    """The disk was full by the database's own word, for its tables and for its log, and people asked meanwhile."""
    saboteur = performance.saboteur
    spans = [(each.began, each.ended) for each in saboteur.disturbances if each.what == DISK_FULL]
    asked = [each for each in performance.evidence.attempts if any(began <= each.at <= ended for began, ended in spans)]
    answers = Counter("none" if attempt.status is None else str(attempt.status) for attempt in asked)
    figures = {
        "times": len(spans),
        **{what: saboteur.done[what] for what in ("no table could grow", "the log could not grow")},
        "started_again": saboteur.done["database started after a full disk"],
        "answers": dict(answers.most_common()),
    }
    met = bool(saboteur.done["no table could grow"]) and bool(saboteur.done["the log could not grow"])
    return Line(BATTERY, _FULL, met and bool(asked), figures)


def _failpoints(saboteur: Saboteur) -> Line:
    missed = [point.value for point in saboteur.asked if not saboteur.hit[point]]
    hit = {point.value: times for point, times in saboteur.hit.items()}
    return Line(BATTERY, "every failpoint was hit", not missed, {"hit": hit, "missed": missed})
