"""R32: offered local times are the configured local times, on every day around a change of the clocks.

PostgreSQL is the oracle. It has a tz database of its own, and the two need not be of the same age: a change that they
see differently is not compared but counted, and printed; more than a handful of zones with such a change is a failure.
A normal run looks at a few changes of a dozen zones; all changes of all zones are looked at with

    CALENDAR_CONNECT_LONG=1 pytest tests/scheduling/test_local_times.py

The one rule: a time is offered exactly when the clocks show it and the page is configured for it. So a time that the
clocks skip is not offered, and one that they show twice is offered twice.
"""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import asyncpg
import pytest

from app.scheduling.rendering import CONFIRMABLE, render_slots
from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import SlotRules, offered
from app.scheduling.slots.window import DateRange
from tests.scheduling.postgres_clocks import Interval, LocalTimes, PostgresClocks, Slot
from tests.support.long import LONG, normally

HOUR, DAY = 3600, 86_400
FIRST = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2036, 1, 1, tzinfo=UTC).timestamp())
STEP, CLOSE_LOOK = 6 * HOUR, HOUR // 4
"""How closely ten years are searched for changes, and how closely the two tz databases are compared around one."""
NO_ZONES = {"Factory", "localtime", "posixrules"}
HANDFUL = 20
"""Zones of about six hundred that the two tz databases may see differently. A country that changes its law is often
several zones, each with its links, and the older database has yet to hear of it."""
SAMPLE = (
    "Africa/Cairo",  # no midnight
    "Africa/Casablanca",  # by the moon
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",  # not any more
    "Antarctica/Troll",  # two hours
    "Asia/Beirut",  # no midnight
    "Asia/Gaza",  # by the moon, at two
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # half an hour
    "CET",  # a link
    "Europe/Dublin",  # winter time is the exception
    "Pacific/Auckland",
)
CHANGES_OF_A_SAMPLE = 3


@dataclass(frozen=True, slots=True)
class Around:
    """The civil days from two before a change of the clocks to two after it; in instants a day more on each side."""

    zone: str
    first: date
    last: date

    @property
    def within(self) -> tuple[int, int]:
        return _midnight(self.first) - DAY, _midnight(self.last) + 3 * DAY


@dataclass(slots=True)
class Findings:
    """What came of it all."""

    changes: int = 0
    slots: int = 0
    skipping: int = 0
    """Changes at which the clocks skip a time."""
    repeating: int = 0
    """Changes at which they show a time twice."""
    wrong: list[str] = field(default_factory=list)
    differing: Counter[str] = field(default_factory=Counter)
    """Changes that were not compared, by zone."""

    def __str__(self) -> str:
        differing = ", ".join(f"{zone} ({changes})" for zone, changes in sorted(self.differing.items())) or "none"
        return (
            f"{self.slots} slots around {self.changes} changes compared, at {self.skipping} of which clocks skip times"
            f" and at {self.repeating} repeat them.\nSeen differently by PostgreSQL and Python: {differing}.\n"
        )


@pytest.fixture
async def clocks(database_url: str) -> AsyncIterator[PostgresClocks]:
    connection = await asyncpg.connect(database_url)
    try:
        yield PostgresClocks(connection)
    finally:
        await connection.close()


def pages(around: Around) -> Iterator[LocalTimes]:
    """Two ways to be open: always; and otherwise on each day of the week and on the days around the change."""
    yield LocalTimes(30, 15, [[(0, 1440)]] * 7)
    weekly: list[list[Interval]] = [[(7 * day, 255 + day), (540, 1020), (1275 + 9 * day, 1440)] for day in range(7)]
    changing: list[Interval] = [(5, 95), (110, 230), (1340, 1440)]
    special = {around.first + timedelta(days=2): changing, around.first + timedelta(days=3): changing, around.last: []}
    yield LocalTimes(45, 20, weekly, special)


def rules(around: Around, times: LocalTimes) -> SlotRules:
    """The same in the words of the service."""

    def intervals(some: list[Interval]) -> tuple[LocalInterval, ...]:
        return tuple(LocalInterval(*interval) for interval in some)

    hours = WorkingHours(
        around.zone,
        tuple(intervals(some) for some in times.weekly),
        {day: intervals(some) for day, some in times.overrides.items()},
    )
    window = DateRange(around.first, around.last)
    return SlotRules(times.duration_minutes, times.increment_minutes, hours, window)


def answered(around: Around, times: LocalTimes) -> list[Slot]:
    """What a visitor is shown, in the zone of the page."""
    given, (first, last) = rules(around, times), around.within
    starts = offered(given, busy=(), now=first - DAY, between=(first, last))
    shown = json.loads(render_slots(starts, given.duration_minutes, around.zone, grade=CONFIRMABLE))
    instants = [int(datetime.fromisoformat(slot["start_at"]).timestamp()) for slot in shown]
    assert instants == starts
    return [Slot(start, slot["start_at"][:19], slot["end_at"][:19]) for start, slot in zip(starts, shown, strict=True)]


async def changes_of(clocks: PostgresClocks, zone: str) -> list[Around]:
    """Around every change of the clocks in ten years that either tz database knows; else around any day."""
    span = FIRST, LAST
    seen = {*_changed(await clocks.offsets(zone, span, STEP)), *_changed(_offsets(zone, span, STEP))}
    return [_around(zone, FIRST + number * STEP) for number in sorted(seen or {1})]


def _changed(offsets: list[int]) -> Iterator[int]:
    return (number for number, (one, other) in enumerate(pairwise(offsets), start=1) if one != other)


def _around(zone: str, after: int) -> Around:
    """Around the change in the hours before that instant."""
    local = datetime.fromtimestamp(after - STEP, ZoneInfo(zone)).date()
    return Around(zone, local - timedelta(days=2), local + timedelta(days=3))


def _offsets(zone: str, between: tuple[int, int], step: int) -> list[int]:
    """The same as PostgreSQL's, by Python's clocks."""
    clock = ZoneInfo(zone)
    shown = (datetime.fromtimestamp(second, clock).utcoffset() for second in range(between[0], between[1] + 1, step))
    return [offset // timedelta(seconds=1) for offset in shown if offset is not None]


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


async def compare(clocks: PostgresClocks, around: Around, found: Findings) -> None:
    """Have both sides answer."""
    offsets = _offsets(around.zone, around.within, CLOSE_LOOK)
    if offsets != await clocks.offsets(around.zone, around.within, CLOSE_LOOK):
        found.differing[around.zone] += 1
        return
    found.changes += 1
    for times in pages(around):
        expected = await clocks.slots(around.zone, times, (around.first, around.last), around.within)
        found.slots += len(expected)
        got = answered(around, times)
        if got != expected:
            odd = sorted({*got} ^ {*expected})[:5]
            found.wrong.append(f"{around}, {times}: offered {len(got)} for {len(expected)}, first {odd}")
    found.skipping += any(later > earlier for earlier, later in pairwise(offsets))
    found.repeating += any(later < earlier for earlier, later in pairwise(offsets))


async def test_r32_offered_local_times_are_the_configured_ones_around_every_change_of_the_clocks(
    clocks: PostgresClocks, capsys: pytest.CaptureFixture[str]
) -> None:
    known = (available_timezones() - NO_ZONES) & await clocks.zones()
    assert known >= set(SAMPLE)
    found = Findings()
    for zone in normally(SAMPLE, when_long=sorted(known)):
        changes = await changes_of(clocks, zone)
        few = len(changes) if LONG else CHANGES_OF_A_SAMPLE
        for around in changes[:few]:
            await compare(clocks, around, found)
    with capsys.disabled() if LONG else nullcontext():
        sys.stdout.write(f"\n{found}")
    assert found.wrong == [], "\n".join(found.wrong[:10])
    assert len(found.differing) <= HANDFUL, found
    assert min(found.skipping, found.repeating) >= normally(10, when_long=1000), "clocks that stand still prove nothing"
