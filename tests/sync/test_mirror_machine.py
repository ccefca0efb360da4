"""A person and a provider do anything at all in any order; whenever a sync went well, mirror and provider are equal.

The one rule: each run is told by its seed, and prints what it did when it fails.
"""

import random
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.google import GoogleReader
from tests.support.world import World
from tests.sync.scene import Scene, wire

STEPS = 45
FAULTS = (
    "gone",
    "too_many_requests",
    "backend_error",
    "reset_before",
    "truncate",
    "unauthorized_once",
    "user_rate_limit",
)
RULES = (
    "RRULE:FREQ=WEEKLY;COUNT=5",
    "RRULE:FREQ=DAILY;COUNT=8",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=6",
    "RRULE:FREQ=DAILY;INTERVAL=3",
    "RRULE:FREQ=MONTHLY",
)
ZONES = ("Europe/Stockholm", "America/New_York", "Africa/Cairo", "Asia/Kolkata", "Pacific/Auckland")


class Machine:
    """Chooses and does."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.log: list[str] = [f"seed {seed}"]
        self.singles: list[str] = []
        self.series: list[str] = []

    async def step(self) -> None:
        """One thing happens."""
        actions: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (5, self.insert_single),
            (2, self.insert_days),
            (3, self.insert_series),
            (4, self.move),
            (3, self.delete),
            (3, self.move_instance),
            (3, self.delete_instance),
            (2, self.change_rule),
            (2, self.turn_into_the_other),
            (2, self.free_or_busy),
            (1, self.forget_cursors),
            (3, self.sync_with_a_fault),
            (5, self.sync_and_compare),
        ]
        weights, choices = zip(*actions, strict=True)
        action = self.chance.choices(choices, weights)[0]
        self.log.append(action.__name__)
        try:
            await action()
        except httpx.HTTPStatusError as refused:  # Google's own rules hold for people too
            if refused.response.status_code not in {400, 404, 410}:
                raise
            self.log.append(f"refused: {refused.response.status_code}")

    def when(self) -> datetime:
        minutes = self.chance.randrange(24 * 4) * 15
        return self.scene.person.at(self.chance.randrange(1, 45), "00:00") + timedelta(minutes=minutes)

    def some(self, ids: list[str]) -> str | None:
        return self.chance.choice(ids) if ids else None

    async def insert_single(self) -> None:
        zone = self.chance.choice(ZONES)
        status = self.chance.choice(("confirmed", "confirmed", "tentative"))
        length = self.chance.choice((15, 30, 90, 1500))
        self.singles.append(await self.scene.insert(self.when(), minutes=length, zone=zone, status=status))

    async def insert_days(self) -> None:
        first = self.chance.randrange(1, 40)
        self.singles.append(await self.scene.insert_days(first, first + self.chance.randrange(1, 4)))

    async def insert_series(self) -> None:
        rule, zone = self.chance.choice(RULES), self.chance.choice(ZONES)
        self.series.append(await self.scene.insert(self.when(), zone=zone, recurrence=[rule]))

    async def move(self) -> None:
        event = self.some(self.singles + self.series)
        if event is not None:
            start = self.when()
            nothing = {"date": None}
            await self.scene.patch(
                event, start=wire(start) | nothing, end=wire(start + timedelta(minutes=45)) | nothing
            )

    async def delete(self) -> None:
        ids = self.chance.choice((self.singles, self.series))
        if ids:
            await self.scene.delete(ids.pop(self.chance.randrange(len(ids))))

    async def instance(self) -> dict[str, Any] | None:
        series = self.some(self.series)
        rows = [] if series is None else await self.scene.instances(series)
        return self.chance.choice(rows[:8]) if rows else None

    async def move_instance(self) -> None:
        row = await self.instance()
        if row is not None and row["starts_at"] is not None:
            start = row["starts_at"] + timedelta(hours=self.chance.choice((1, 5, 30, -2)))
            await self.scene.patch(row["event_id"], start=wire(start), end=wire(start + timedelta(minutes=20)))

    async def delete_instance(self) -> None:
        row = await self.instance()
        if row is not None:
            await self.scene.delete(row["event_id"])

    async def change_rule(self) -> None:
        series = self.some(self.series)
        if series is not None:
            await self.scene.patch(series, recurrence=[self.chance.choice(RULES)])

    async def turn_into_the_other(self) -> None:
        """A single event becomes a series, or a series a single event."""
        if self.series and self.chance.random() < 0.5:
            event = self.series.pop(self.chance.randrange(len(self.series)))
            await self.scene.patch(event, recurrence=[])
            self.singles.append(event)
        elif self.singles:
            event = self.singles.pop(self.chance.randrange(len(self.singles)))
            await self.scene.patch(event, recurrence=[self.chance.choice(RULES[:3])])
            self.series.append(event)

    async def free_or_busy(self) -> None:
        event = self.some(self.singles + self.series)
        if event is not None:
            await self.scene.patch(event, transparency=self.chance.choice(("transparent", "opaque")))

    async def forget_cursors(self) -> None:
        await self.scene.world.sandbox.expire_google_sync_tokens(self.scene.person.email)

    async def sync_with_a_fault(self) -> None:
        """Something fails in the middle; whatever was saved, no mirrored time may be lost that still blocks."""
        kind = self.chance.choice(FAULTS)
        nth = self.chance.randrange(1, 4)
        sandbox, email = self.scene.world.sandbox, self.scene.person.email
        if kind == "unauthorized_once":
            await sandbox.expire_google_access_tokens(email)
            self.scene.reader = await GoogleReader.of(sandbox, email)  # its token ended as well
        else:
            await sandbox.add_google_fault(kind, path="/events|/instances", account=email, nth=nth)
        before = set((await self.scene.mirror()).busy)
        await self.scene.sync()
        await sandbox.clear_google_faults()
        still = {span for span in before if span in set((await self.scene.truth()).busy)}
        after = (await self.scene.mirror()).busy
        assert all(any(left <= start and end <= right for left, right in after) for start, end in still)

    async def sync_and_compare(self) -> None:
        await self.scene.sync()
        assert (await self.scene.state())["state"] == "idle"
        await self.scene.agrees()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_p3_whatever_happens_a_good_sync_makes_mirror_and_provider_equal(world: World, seed: int) -> None:
    scene = await Scene.of(world, await world.connected())
    machine = Machine(scene, seed)
    try:
        for _ in range(STEPS):
            await machine.step()
        await machine.sync_and_compare()
    except BaseException:
        sys.stderr.write("\n".join(machine.log))
        raise
    finally:
        await world.sandbox.clear_google_faults()
    assert machine.log.count("sync_and_compare") >= 3
