"""Load at the machine's limit: nothing piles up, a release loses nothing, and a flood is turned away at the door.

    mixed load   visitors book, hold, ask, move and call off; hosts edit by hand, with pushes; calendars are polled; the
                 CRM is told by webhooks; mails go out; and readers of slots keep every core busy
    vitals       memory, files, tasks, connections and queue, from the end of the warming on (soak_vitals.py)
    releases     each process is stopped and started again (soak_restart.py)
    flood        five times of what one process can do (soak_overload.py)

The one rule: the people who act do so from the beginning to the end, and all of it is judged afterwards by the checker
of the crash battery, without one excuse: nobody has been killed.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench.load import Load, LoadProcess, get, open_load_process
from bench.load import Plan as LoadPlan
from prove.checker import judge
from prove.crash import open_venues, settle
from prove.crash_client import Client
from prove.crash_hosts import HostHands
from prove.crash_visitors import Venue, Visitors
from prove.evidence import Evidence
from prove.journal import Journal, read_journal
from prove.lines import Line, say
from prove.plan import Plan
from prove.records import new_records
from prove.soak_ground import APIS, Ground, open_ground
from prove.soak_overload import Overload, overload
from prove.soak_restart import restart, restarted
from prove.soak_vitals import BATTERY, BOUNDS, Vitals, flat
from prove.soak_webhooks import all_told, open_receivers, subscribe
from sandbox.stack import API

_REST: Final = 120.0  # seconds that restarts and flood take, roughly: the times of a page have to last
_DAYS: Final = 30
_READERS: Final = 3  # at each door


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it."""

    hosts: tuple[str, ...]
    per_second: float
    """Visitors. What one causes (events, mails, webhooks, the feed) is much; readers of slots take what is left."""
    warm_seconds: float
    window_seconds: float
    """While vitals are judged."""
    every: float
    """Seconds between two readings."""
    pause: float
    """Around restarts."""
    ramp_seconds: float
    flood_seconds: float
    settle_seconds: float = 240.0

    @property
    def seconds(self) -> float:
        """All of it, roughly."""
        return self.warm_seconds + self.window_seconds + self.flood_seconds + _REST


SHORT: Final = Scale(("google", "office365", "exchange"), 1.5, 15, 40, 1, 1.5, 2, 8)
LONG: Final = Scale(("google", "google", "office365", "office365", "exchange") * 2, 3, 180, 1800, 5, 5, 5, 60, 600)


@dataclass(slots=True)
class Soaked:
    """What was seen."""

    vitals: Vitals
    reads: list[Load]
    """Of slots, while vitals were taken."""
    restarts: list[Line]
    flood: Overload
    settled: float | None
    evidence: Evidence
    webhooks: Line
    bounds: dict[str, float] = field(default_factory=lambda: dict(BOUNDS))

    def lines(self) -> Iterator[Line]:
        """What is to be said of it."""
        yield self._load()
        yield from flat(self.vitals.series, self.bounds)
        yield from self.restarts
        yield from self.flood.lines()
        yield Line(BATTERY, "all is done in the end", self.settled is not None, {"seconds": self.settled})
        yield self.webhooks
        for verdict in judge(self.evidence):
            yield Line(BATTERY, verdict.check, verdict.ok, verdict.figures)

    def _load(self) -> Line:
        attempts = self.evidence.attempts
        answers = Counter("none" if attempt.status is None else str(attempt.status) for attempt in attempts)
        read = sum((Counter(load.statuses) for load in self.reads), Counter[int]())
        figures = {
            "acts": dict(Counter(attempt.act for attempt in attempts).most_common()),
            "answers": dict(answers.most_common()),
            "reads": dict(read),
            "reads_per_second": round(sum(load.rate for load in self.reads), 1),
            "reads_p99_ms": [round(load.percentile(99)) for load in self.reads],
        }
        good = bool(answers["201"]) and read.keys() == {200} and not answers["500"]
        return Line(BATTERY, "there was load, and it was answered", good, figures)


async def prove(plan: Plan) -> AsyncIterator[Line]:
    """All of it."""
    records = new_records(BATTERY, plan)
    with records.listening() as echo:
        async with open_ground(echo) as ground:
            scale = LONG if plan.long else SHORT
            scale = replace(scale, window_seconds=plan.seconds(scale.window_seconds))
            soaked = await soak(ground, plan, scale, records.journal)
    lines = list(soaked.lines())
    for line in lines:
        yield line
    records.close(lines)


async def soak(ground: Ground, plan: Plan, scale: Scale, path: Path) -> Soaked:
    """Set the stage, wear the service out, and wait until all is done. The journal goes to `path`."""
    stage = ground.stage
    venues = await open_venues(stage, plan, scale.hosts)
    with open_receivers(len(venues)) as receivers:
        crm = [await subscribe(venue.host, receiver) for venue, receiver in zip(venues, receivers, strict=True)]
        with Journal(path) as journal:
            async with _mixed_load(ground, plan, scale, venues, journal):
                vitals, reads = await _window(ground, scale, venues)
                stopped = await restart(ground, pause=scale.pause)
                flood = await _flood(ground, scale, venues)
        restarts = await restarted(ground, stopped)
        say("waiting for all to be done")
        people = [(venue.host.house.provider, venue.name) for venue in venues]
        settled, evidence = await settle(stage, people, read_journal(path), [], scale.settle_seconds)
        return Soaked(vitals, reads, restarts, flood, settled, evidence, await all_told(stage, crm))


@asynccontextmanager
async def _mixed_load(
    ground: Ground, plan: Plan, scale: Scale, venues: Sequence[Venue], journal: Journal
) -> AsyncIterator[None]:
    """Everybody acts while the block runs, and ends what they are at after it."""
    client, stop = Client(ground.stage.api, journal), asyncio.Event()
    async with asyncio.TaskGroup() as people:
        for at, venue in enumerate(venues):
            name, pause = f"v{at}", _pause(scale, venue.visitors, of=len(venues))
            people.create_task(Visitors(client, venue, plan.chance(name), name, stop, pause=pause).run())
            if venue.for_the_host:
                chance, pause = plan.chance(f"hands {at}"), _pause(scale, venue.for_the_host, of=len(venues))
                hands = HostHands(client, ground.stage.sandbox, venue, chance, stop, pause=pause)
                people.create_task(hands.run())
        try:
            yield
        finally:
            stop.set()


def _pause(scale: Scale, times: Sequence[str], *, of: int) -> tuple[float, float]:
    """Such that so many come in a second to all pages, and that the times of a page last to the end."""
    return 0.0, 2 * max(of / scale.per_second, 2 * scale.seconds / len(times))


async def _window(ground: Ground, scale: Scale, venues: Sequence[Venue]) -> tuple[Vitals, list[Load]]:
    """Readers keep every core busy; once the service is warm its vitals are read."""
    vitals = Vitals(ground)
    async with open_load_process() as one, open_load_process() as other:
        readers = dict(zip(APIS, (one, other), strict=True))
        say("warming")
        await _read(readers, ground, venues, scale.warm_seconds)
        say("reading the vitals")
        reads, _ = await asyncio.gather(
            _read(readers, ground, venues, scale.window_seconds),
            vitals.watch(seconds=scale.window_seconds, every=scale.every),
        )
    return vitals, reads


async def _read(
    readers: Mapping[str, LoadProcess], ground: Ground, venues: Sequence[Venue], seconds: float
) -> list[Load]:
    """A few at each door ask for slots, and again as soon as they have them."""
    paths = [get(slots_path(venue)) for venue in venues if venue.for_the_host]
    plans = {name: LoadPlan(ground.ports[name], _READERS, paths, seconds) for name in readers}
    return await asyncio.gather(*(load.run(plans[name]) for name, load in readers.items()))


def slots_path(venue: Venue) -> str:
    """A month of the venue's page, as a visitor's calendar asks for it."""
    first = datetime.now(UTC).date() + timedelta(days=1)
    query = {"time_zone": "Europe/Stockholm", "first_day": first, "last_day": first + timedelta(days=_DAYS - 1)}
    return f"/v1/public/scheduling-pages/{venue.host.page_id}/slots?{urlencode({**query, 'duration_minutes': 30})}"


async def _flood(ground: Ground, scale: Scale, venues: Sequence[Venue]) -> Overload:
    """One process is flooded; those who act meet it as well, and the other one."""
    paths = [get(slots_path(venue)) for venue in venues if venue.for_the_host]
    seconds = {"ramp_seconds": scale.ramp_seconds, "flood_seconds": scale.flood_seconds}
    return await overload(ground.ports[API], paths, **seconds)
