"""Calendars of canned providers, synced: whole, a few changes at a time, and eight at once.

The one rule: what is timed ends with the commit, and only what stands in the mirror to the row is counted.

    full      a calendar from nothing to its cursor: pages, rows, packed months, all committed
    changes   many calendars, three changes each time, as pushes bring them
    memory    by how much the process grows, beside a smaller calendar
    lag       how long the event loop keeps others waiting while eight calendars are listed
    upsert    rows into the mirror, without anything else; and again, over those that stand

A listing that takes far too long is given up: its line then says `"finished": false`, and its rate is that of the rows
committed so far. The providers are canned (`canned_*.py`), so that no simulator is what is waited for. They are
processes of their own on this machine, and so is the database: on two cores they take time from what is measured, as
they do from the floors.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

from app.calendar import ProviderName
from bench import sync_floors
from bench.canned_exchange import PATH
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.sync_floors import Copying, Fetching, FollowingBarely, Reading
from bench.sync_people import CannedServer
from bench.sync_stage import SyncStage
from bench.sync_subject import Following, Mirrored, Saving, Syncing, Took, follow, save, sync_all

_EIGHT: Final = 8
_AT_ONCE: Final = 16
_AT_A_TIME: Final = 2000
_SMALL: Final = 120
"""Events of a calendar that changes, or warms up."""
_LARGE: Final = 10_000
"""From so many events on, memory may grow no more: below it one page may be all there is."""
_LEAST_MEGABYTES: Final = 5.0
"""Less is the allocator's own and tells nothing."""
_BYTES, _COPY, _PLAIN, _BARE = "bytes only", "COPY", "exchangelib", "a fetch and one upsert"
_BOTH: Final = "bytes only, then COPY"
_OF_BYTES: Final = {ProviderName.GOOGLE: Goal(">=", 0.3), ProviderName.OFFICE365: Goal(">=", 0.3)}

Sample = Callable[[], Awaitable[Took]]


async def figures(stage: SyncStage, scale: Scale) -> AsyncIterator[Figure]:
    """All figures of this bench."""
    for provider in ProviderName:
        bench = _Provider(stage, scale, provider)
        for figure in [*await bench.listed(), *await bench.followed()]:
            yield figure
    yield await _upsert(stage, scale)
    yield await _upsert_again(stage, scale)


@dataclass(frozen=True, slots=True)
class _Provider:
    """The figures of one provider."""

    stage: SyncStage
    scale: Scale
    provider: ProviderName

    @property
    def server(self) -> CannedServer:
        """Where it listens."""
        return self.stage.servers[self.provider]

    async def listed(self) -> list[Figure]:
        """Of whole calendars."""
        sizes = self.scale.sync
        whole = await self._calendars(sizes.events, "whole")
        few = await self._calendars(sizes.few, "few")
        eight = await self._calendars(sizes.together, "eight", _EIGHT)
        (warming,) = await self._calendars(_SMALL, "warming")
        samples = {
            "whole": self._syncing(whole, sizes.events, warming),
            "few": self._syncing(few, sizes.few, warming),
            "eight": self._syncing(eight, sizes.together, warming),
            **self._floors(whole[0]),
        }
        took = await _alternate_within(sizes.seconds, samples, self.scale.rounds)
        return [*self._full(took), self._memory(took["whole"], took["few"]), self._lag(took["eight"])]

    async def followed(self) -> list[Figure]:
        """Of calendars with changes."""
        calendars = await self._calendars(_SMALL, "followed", self.scale.sync.followed)
        sample = self._following(calendars)
        await sample()  # lists them all
        await sample()  # asks for changes, which is remembered and can be asked again
        took = await alternate({"changes": sample, _BARE: self._following_barely(calendars)}, self.scale.rounds)
        rates, name = [one.rate for one in took["changes"]], f"sync.{self.provider}.changes"
        details = {"calendars": len(calendars), "processor": _processor(took["changes"])}
        return [
            Figure(name, "syncs/s", rates, goal=Goal(">=", 1000), details=details),
            Figure(name, "syncs/s", rates, [one.rate for one in took[_BARE]], _BARE),
        ]

    async def _calendars(self, size: int, name: str, count: int = 1) -> list[Mirrored]:
        return await self.stage.calendars(self.server, size, name, count)

    def _syncing(self, calendars: Sequence[Mirrored], size: int, warming: Mirrored) -> Sample:
        longest = self.scale.sync.seconds
        plan = Syncing(self.stage.environment, calendars, size * len(calendars), warming, longest)

        async def sample() -> Took:
            took = await self.stage.forks.run(sync_all, plan)
            if took.finished:
                await self.stage.check(self.provider, calendars)
            await self.stage.forget([*calendars, warming])
            return took

        return sample

    def _following(self, calendars: Sequence[Mirrored]) -> Sample:
        plan = Following(self.stage.environment, calendars, _AT_ONCE, self.scale.seconds)

        async def sample() -> Took:
            took = await self.stage.forks.run(follow, plan)
            await self.stage.check(self.provider, calendars)
            await self.stage.tidy()
            return took

        return sample

    def _following_barely(self, calendars: Sequence[Mirrored]) -> Sample:
        url, server = self.stage.database.url, self.server
        names, rows = [calendar.name for calendar in calendars], self.stage.rows(self.provider, _SMALL)
        plan = FollowingBarely(url, server.url, server.authority, names, rows, _AT_ONCE, self.scale.seconds)
        return lambda: self.stage.forks.run(sync_floors.follow_barely, plan)

    def _floors(self, whole: Mirrored) -> dict[str, Sample]:
        """What is beside the listing of a calendar."""
        sizes, stage, server = self.scale.sync, self.stage, self.server
        fetching = Fetching(server.url, server.authority, whole.name)
        copying = Copying(stage.database.url, stage.rows(self.provider, sizes.events), sizes.events)
        floors: dict[str, Sample] = {
            _BYTES: lambda: stage.forks.run(sync_floors.fetch, fetching),
            _COPY: lambda: stage.forks.run(sync_floors.copy, copying),
        }
        if self.provider is ProviderName.EXCHANGE:
            reading = Reading(server.url + PATH, str(stage.certificates.authority), whole.name, sizes.plain)
            floors[_PLAIN] = lambda: stage.forks.run(sync_floors.read_plainly, reading)
        return floors

    def _full(self, took: dict[str, list[Took]]) -> Iterator[Figure]:
        goals = {_BYTES: _OF_BYTES.get(self.provider), _COPY: None, _PLAIN: Goal(">=", 0.8)}
        fetched = took[_BYTES][0]
        details = {
            "events": self.scale.sync.events,
            "pages": fetched.pages,
            "bytes": fetched.bytes,
            "finished": all(one.finished for one in took["whole"]),
            "processor": _processor(took["whole"]),
        }
        rates, name = [one.rate for one in took["whole"]], f"sync.{self.provider}.full"
        for floor in (floor for floor in goals if floor in took):
            floors = [one.rate for one in took[floor]]
            yield Figure(name, "events/s", rates, floors, floor, goals[floor], details)
        one_by_one = zip(took[_BYTES], took[_COPY], strict=True)
        both = [1 / (1 / fetched.rate + 1 / copied.rate) for fetched, copied in one_by_one]
        yield Figure(name, "events/s", rates, both, _BOTH, None, details)

    def _memory(self, whole: list[Took], few: list[Took]) -> Figure:
        sizes = self.scale.sync
        grown, little = ([max(one.megabytes, _LEAST_MEGABYTES) for one in each] for each in (whole, few))
        goal = Goal("<=", 1.3) if sizes.few >= _LARGE else None
        name, details = f"sync.{self.provider}.memory", {"events": sizes.events}
        return Figure(name, "MB", grown, little, f"{sizes.few} events", goal, details)

    def _lag(self, eight: list[Took]) -> Figure:
        details = {
            "p50_ms": median(one.lag(50) for one in eight),
            "worst_ms": max(one.lag(100) for one in eight),
            "calendars": _EIGHT,
            "events": self.scale.sync.together * _EIGHT,
            "events_per_second": median(one.rate for one in eight),
        }
        slow = [one.lag(99) for one in eight]
        return Figure(f"sync.{self.provider}.lag.p99", "ms", slow, goal=Goal("<=", 50), details=details)


async def _alternate_within(seconds: float, samples: dict[str, Sample], rounds: int) -> dict[str, list[Took]]:
    """As `alternate`, but with fewer rounds where one takes long; the first counts where it leaves time for none."""
    began = perf_counter()
    first = {name: [await sample()] for name, sample in samples.items()}
    once = perf_counter() - began
    rounds = min(rounds, int(seconds / once) - 1)
    results: dict[str, list[Took]] = {name: [] for name in samples}
    for number in range(rounds):
        ahead = number % len(samples)
        names = list(samples)
        for name in names[ahead:] + names[:ahead]:
            results[name].append(await samples[name]())
    return results if rounds > 0 else first


async def _upsert(stage: SyncStage, scale: Scale) -> Figure:
    """The mirror's own statements beside COPY, in portions as large, each of them committed."""
    size = scale.sync.events
    (calendar,) = await stage.calendars(stage.servers[ProviderName.GOOGLE], size, "upsert")

    async def saved(plan: Saving) -> Took:
        took = await stage.forks.run(save, plan)
        await stage.forget([calendar])
        return took

    return await _saved("sync.upsert", stage, calendar, size=size, rounds=scale.rounds, saved=saved)


async def _upsert_again(stage: SyncStage, scale: Scale) -> Figure:
    """The same over rows that stand already, once PostgreSQL has looked at how many they are."""
    size = scale.sync.few
    (calendar,) = await stage.calendars(stage.servers[ProviderName.GOOGLE], size, "again")
    await stage.forks.run(save, Saving(stage.environment, calendar, stage.rows(ProviderName.GOOGLE, size), _AT_A_TIME))
    await stage.database.execute("ANALYZE mirror_events")

    async def saved(plan: Saving) -> Took:
        took = await stage.forks.run(save, plan)
        await stage.tidy()
        return took

    return await _saved("sync.upsert.again", stage, calendar, size=size, rounds=scale.rounds, saved=saved)


async def _saved(
    name: str,
    stage: SyncStage,
    calendar: Mirrored,
    *,
    size: int,
    rounds: int,
    saved: Callable[[Saving], Awaitable[Took]],
) -> Figure:
    rows = stage.rows(ProviderName.GOOGLE, size)
    saving = Saving(stage.environment, calendar, rows, _AT_A_TIME)
    copying = Copying(stage.database.url, rows, _AT_A_TIME)
    samples: dict[str, Sample] = {
        "saved": lambda: saved(saving),
        _COPY: lambda: stage.forks.run(sync_floors.copy, copying),
    }
    took = await alternate(samples, rounds)
    rates, floors = ([one.rate for one in took[each]] for each in ("saved", _COPY))
    details = {"rows": size, "at_a_time": _AT_A_TIME, "processor": _processor(took["saved"])}
    return Figure(name, "rows/s", rates, floors, _COPY, Goal(">=", 0.6), details)


def _processor(took: Sequence[Took]) -> float:
    """Which part of the time the process itself was at work; the rest it waited."""
    return median(one.processor_seconds / one.seconds for one in took)
