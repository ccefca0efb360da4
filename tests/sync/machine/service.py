"""What the service does, what visitors ask of it, and what goes wrong meanwhile, as values a story is made of.

The one rule: nothing here decides anything by chance; a step says after how many answers, and how often.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from tests.support.visitors import Visit
from tests.sync.machine import invariants
from tests.sync.machine.people import NothingThere, picked
from tests.sync.machine.play import LEASES_END, Booked, Play
from tests.sync.machine.side import HOME, Mishap, Refused, Target
from tests.sync.machine.taps import Death, Pause, tapped_engine, writer_of


class Step(Protocol):
    """Something that happens."""

    async def play(self, play: Play) -> None: ...


@dataclass(frozen=True, slots=True)
class Slot:
    """A half hour of the person's day."""

    day: int
    half_hour: int

    def start(self, play: Play) -> datetime:
        hour, half = divmod(self.half_hour, 2)
        return datetime.combine(play.day(self.day), time(hour, 30 * half), HOME)


# visitors -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Book:
    """A visitor books a slot, whether it is offered or not."""

    slot: Slot

    async def play(self, play: Play) -> None:
        status, body = await play.book(self.slot.start(play))
        assert status in {201, 409, 422}, body
        if status == 201:
            start = datetime.fromisoformat(body["start_at"])
            visit = Visit(play.person.api, body["id"], body["booking_token"], body["page_id"], start)
            play.bookings.append(Booked(visit))
            play.placed.append(play.bookings[-1])
            play.did["booked"] += 1


@dataclass(frozen=True, slots=True)
class Reschedule:
    """A visitor moves a booking."""

    pick: int
    slot: Slot

    async def play(self, play: Play) -> None:
        booking, start = picked(play.upcoming, self.pick), self.slot.start(play)
        answer = await booking.visit.reschedule(start)
        assert answer.status_code in {200, 409, 422, 429}, answer.text
        if answer.status_code == 200 and start != booking.visit.start_at:
            assert play.side.changes_bookings
            booking.visit.start_at = start
            booking.wishes += 1
            booking.touched = False
            play.placed.append(booking)


@dataclass(frozen=True, slots=True)
class Cancel:
    """A visitor calls a booking off."""

    pick: int

    async def play(self, play: Play) -> None:
        booking = picked(play.upcoming, self.pick)
        answer = await booking.visit.cancel()
        assert answer.status_code in {200, 409, 429}, answer.text
        if answer.status_code == 200:
            assert play.side.changes_bookings
            booking.wishes += 1
            booking.gone = True


# workers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sync:
    """A worker syncs the calendar; that alone writes nothing."""

    async def play(self, play: Play) -> None:
        before = await play.side.writes()
        await play.run_sync()
        assert await play.side.writes() == before, "a sync wrote"


@dataclass(frozen=True, slots=True)
class Work:
    """The person presses Sync, and a worker runs every job that is due."""

    async def play(self, play: Play) -> None:
        await play.press_sync()
        await play.world.work()


@dataclass(frozen=True, slots=True)
class AllAtOnce:
    """Workers run the same sync at once, and every write that waits."""

    syncs: int

    async def play(self, play: Play) -> None:
        row, writes, services = await play.sync_row(), await play.unwritten(), play.world.services
        async with asyncio.TaskGroup() as group:
            for _ in range(self.syncs):
                group.create_task(services.sync.run(row["account_id"], row["calendar_id"]))
            for write in writes:
                group.create_task(services.writer.run(*write))


@dataclass(frozen=True, slots=True)
class SyncDies:
    """A worker dies between what it fetched and what it would have saved. Others find it when its lease ends."""

    answers: int

    async def play(self, play: Play) -> None:
        row, death = await play.sync_row(), Death(self.answers)
        engine = tapped_engine(play.world, death.heard)
        if await death.of(engine.run(row["account_id"], row["calendar_id"])):
            play.did["sync died"] += 1


@dataclass(frozen=True, slots=True)
class WriterDies:
    """A worker dies behind an answer to a write: it is made, and nobody has noted it."""

    answers: int

    async def play(self, play: Play) -> None:
        write, death = picked(await play.unwritten(), 0), Death(self.answers)
        play.disturbed = True
        if await death.of(writer_of(play.world, death.heard).run(*write)):
            play.did["writer died"] += 1


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A worker stands still after an answer; its lease ends, something happens, another syncs, and then it goes on."""

    answers: int
    step: Step

    async def play(self, play: Play) -> None:
        row, pause = await play.sync_row(), Pause(self.answers)

        async def meanwhile() -> None:
            play.world.clock.offset += LEASES_END
            with suppress(Refused, NothingThere):
                await self.step.play(play)
            await play.run_sync()

        engine = tapped_engine(play.world, pause.heard)
        if await pause.over(engine.run(row["account_id"], row["calendar_id"]), meanwhile):
            play.did["sync overtaken"] += 1


WORKERS = Sync | Work | AllAtOnce | SyncDies | WriterDies | Overtaken
"""The steps that may change the mirror."""


@dataclass(frozen=True, slots=True)
class Reckon:
    """Nothing goes wrong any more; when all is done, everything must be right."""

    async def play(self, play: Play) -> None:
        await invariants.reckon(play)


# what goes wrong ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Struck:
    """Something goes wrong with some requests of a step."""

    mishap: Mishap
    target: Target
    step: Step
    nth: int = 1
    times: int = 1

    async def play(self, play: Play) -> None:
        if (self.mishap, self.target) not in play.side.mishaps:
            raise NothingThere
        await play.side.strike(self.mishap, self.target, nth=self.nth, times=self.times)
        play.disturbed = True
        try:
            await self.step.play(play)
        finally:
            await play.side.clear()


@dataclass(frozen=True, slots=True)
class ForgetCursors:
    """The provider knows our cursor no more."""

    async def play(self, play: Play) -> None:
        await play.side.forget_cursors()


@dataclass(frozen=True, slots=True)
class ExpireAccess:
    """What lets us in ends."""

    async def play(self, play: Play) -> None:
        await play.side.expire_access()


@dataclass(frozen=True, slots=True)
class PageSize:
    """The provider sends no more rows at once than these; None: as many as usual."""

    rows: int | None

    async def play(self, play: Play) -> None:
        await play.side.page_size(self.rows)


@dataclass(frozen=True, slots=True)
class TimePasses:
    """Nobody does anything for some days."""

    days: int

    async def play(self, play: Play) -> None:
        play.world.clock.offset += timedelta(days=self.days)
