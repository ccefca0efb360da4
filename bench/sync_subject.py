"""The synchronisation itself, as the worker runs it: real settings, real engine, real wire; and what it took.

The one rule: it runs in a process of its own, and only what it does for the calendars is timed.

Everything here runs in a fork (`bench.forks`).
"""

import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import func, select

from app.bootstrap import Services, open_services
from app.calendar import Busy, Event, Timed
from app.database import transaction
from app.logs import configure_logs
from app.models.connections import Calendar
from app.models.mirror import MirrorEvent
from app.settings import Settings
from app.sync.batch import Batch
from app.sync.mirror import Mirror
from bench.lag import LagMeter
from bench.sync_rows import Row

_MEGABYTE: Final = 2**20
_MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
_HORIZON: Final = timedelta(days=500)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A calendar that is connected."""

    account_id: UUID
    calendar_id: UUID
    name: str
    """The provider's id."""


@dataclass(frozen=True, slots=True)
class Syncing:
    """Sync each of these calendars once, all at the same time."""

    environment: Mapping[str, str]
    calendars: Sequence[Mirrored]
    events: int
    """In all of them."""
    warming: Mirrored
    """Synced before, so that what is loaded on first use is loaded."""
    longest: float
    """Seconds; after them it is given up."""


@dataclass(frozen=True, slots=True)
class Following:
    """Sync these calendars again and again, for so many seconds."""

    environment: Mapping[str, str]
    calendars: Sequence[Mirrored]
    at_once: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Saving:
    """Put these rows into a calendar's mirror, so many at a time."""

    environment: Mapping[str, str]
    calendar: Mirrored
    rows: Sequence[Row]
    at_a_time: int


@dataclass(frozen=True, slots=True)
class Took:
    """What it took."""

    seconds: float
    done: int
    """Events, or rows, or syncs of a few changes."""
    processor_seconds: float = 0
    """Of this process alone, threads included."""
    megabytes: float = 0
    """By how much the process was larger at its largest than before."""
    lags: tuple[float, ...] = ()
    """How many milliseconds the event loop kept others waiting, sampled evenly over time."""
    finished: bool = True
    """False: it was given up, and what was done is what had been committed by then."""
    pages: int = 0
    bytes: int = 0
    """Fetched."""

    @property
    def rate(self) -> float:
        """Done a second."""
        return self.done / self.seconds

    def lag(self, percent: float) -> float:
        """The lag that so many of a hundred do not exceed."""
        ordered = sorted(self.lags)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def sync_all(plan: Syncing) -> Took:
    """Carry out the plan."""
    return _as_the_worker(_sync_all(plan))


def follow(plan: Following) -> Took:
    """Carry out the plan."""
    return _as_the_worker(_follow(plan))


def save(plan: Saving) -> Took:
    """Carry out the plan."""
    return _as_the_worker(_save(plan))


async def _sync_all(plan: Syncing) -> Took:
    async with _services(plan.environment) as services:
        await services.sync.run(plan.warming.account_id, plan.warming.calendar_id)
        finished = True

        async def work() -> int:
            nonlocal finished
            runs = (services.sync.run(each.account_id, each.calendar_id) for each in plan.calendars)
            try:
                async with asyncio.timeout(plan.longest):
                    await asyncio.gather(*runs)
            except TimeoutError:
                finished = False
            return plan.events

        took = await _measured(work)
        return took if finished else replace(took, finished=False, done=await _committed(services, plan.calendars))


async def _committed(services: Services, calendars: Sequence[Mirrored]) -> int:
    """How many events stand in the mirror."""
    count = 0
    for calendar in calendars:
        async with transaction(services.sessions, calendar.account_id) as session:
            mine = select(func.count()).where(MirrorEvent.calendar_id == calendar.calendar_id)
            count += await session.scalar(mine) or 0
    return count


async def _follow(plan: Following) -> Took:
    async with _services(plan.environment) as services:
        await _rounds(services, plan, seconds=0)  # each calendar once: statements are prepared, planned, compiled
        return await _measured(lambda: _rounds(services, plan, seconds=plan.seconds))


async def _rounds(services: Services, plan: Following, *, seconds: float) -> int:
    """Everybody takes the next calendar until the time is up; no calendar is left out. How many syncs there were."""
    deadline, done, turns = time.perf_counter() + seconds, 0, cycle(plan.calendars)

    async def work() -> None:
        nonlocal done
        while done < len(plan.calendars) or time.perf_counter() < deadline:
            done += 1
            calendar = next(turns)
            await services.sync.run(calendar.account_id, calendar.calendar_id)

    await asyncio.gather(*(work() for _ in range(min(plan.at_once, len(plan.calendars)))))
    return done


async def _save(plan: Saving) -> Took:
    events = [_event(row) for row in plan.rows]
    horizon = Timed(datetime.now(UTC) - _HORIZON, datetime.now(UTC) + _HORIZON)
    async with _services(plan.environment) as services:

        async def work() -> int:
            for first in range(0, len(events), plan.at_a_time):
                batch = Batch(events={event.id: event for event in events[first : first + plan.at_a_time]})
                async with transaction(services.sessions, plan.calendar.account_id) as session:
                    calendar = await session.get_one(Calendar, (plan.calendar.account_id, plan.calendar.calendar_id))
                    await Mirror(session, calendar, generation=1, horizon=horizon).save(batch)
            return len(events)

        return await _measured(work)


async def _measured(work: Callable[[], Awaitable[int]]) -> Took:
    gc.collect()
    before, processor, meter = _largest(), time.process_time(), LagMeter()
    began = time.perf_counter()
    async with meter:
        done = await work()
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    return Took(seconds, done, processor, (_largest() - before) / _MEGABYTE, tuple(meter.lags))


@asynccontextmanager
async def _services(environment: Mapping[str, str]) -> AsyncIterator[Services]:
    os.environ.update(environment)
    configure_logs("WARNING", "console")
    async with open_services(Settings(_env_file=None)) as services:
        yield services


def _as_the_worker(work: Coroutine[Any, Any, T]) -> T:
    """On the event loop that `app.cli` runs the worker on."""
    return asyncio.run(work)


def _event(row: Row) -> Event:
    return Event(id=row.event_id, when=Timed(row.starts_at, row.ends_at), busy=Busy.BUSY, etag=row.etag)


def _largest() -> int:
    """How large the process has ever been, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT
