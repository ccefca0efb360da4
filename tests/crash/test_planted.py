"""What these tests would find: the service with a mistake planted in it.

The one rule: each mistake is one that somebody could make, and each is caught by what is promised and not by how.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import select

from app.bookings.drift.effects import DriftEffects
from app.database import transaction
from app.models.mirror import CalendarChange
from app.queue import Enqueued, Job, enqueue
from app.sync import changes, following, repository
from app.sync.engine import SyncEngine
from app.sync.following import Follower
from tests.crash import workers
from tests.crash.scene import open_scene
from tests.crash.stories import ARRIVED, BOOKED, MOVED, Story
from tests.crash.telling import spread, tell
from tests.crash.test_overtaken import EVERY, overtake
from tests.crash.workers import Place
from tests.support.world import World

_OFTEN = 20
"""At how many of a job's steps its worker dies: no mistake is open for fewer than these are apart."""

Plant = Callable[[pytest.MonkeyPatch], None]


def forgotten_before_it_is_followed(patch: pytest.MonkeyPatch) -> None:
    """The row goes in a transaction of its own, before what follows from it."""

    async def follow(self: Any, place: Any, feature: Any, seen: Any) -> None:
        calendar = place.calendar
        async with transaction(self._sessions, calendar.account_id) as session:
            await following._take_away(session, calendar.id, seen)
        async with transaction(self._sessions, calendar.account_id) as session:
            jobs = await feature.apply(session, place, seen)
            await session.flush()
            await enqueue(session, jobs)

    patch.setattr(Follower, "_follow", follow)


def cursor_kept_before_the_changes(patch: pytest.MonkeyPatch) -> None:
    """How far we have read is saved, and then what was read."""
    finish = SyncEngine._finish

    async def cursor_first(self: Any, run: Any) -> bool:
        async with transaction(self._sessions, run.calendar.account_id) as session:
            await repository.still_ours(session, run.calendar.id, run.fence, cursor=run.cursor)
        return await finish(self, run)

    patch.setattr(SyncEngine, "_finish", cursor_first)


def jobs_done_before_they_are_run(patch: pytest.MonkeyPatch) -> None:
    """The queue forgets a job when a worker takes it."""
    pick = "SELECT id FROM queue.pgqueuer WHERE status = 'queued' AND execute_after <= now()"
    only = "AND ($1::text[] IS NULL OR entrypoint = ANY($1)) ORDER BY id LIMIT 1"
    taken = f"DELETE FROM queue.pgqueuer WHERE id = ({pick} {only}) RETURNING id, entrypoint, payload"  # noqa: S608
    patch.setattr(workers, "TAKE", taken)


def what_stands_is_written_again(patch: pytest.MonkeyPatch) -> None:
    """A booking that follows its event has the event written."""
    move = DriftEffects._move

    async def moved_and_written(self: Any, session: Any, case: Any, *more: Any) -> list[Enqueued]:
        case.write.desired_seq += 1
        case.write.status = "pending"
        return [
            *await move(self, session, case, *more),
            Enqueued(Job.WRITE_EVENT, case.write.account_id, case.write.id),
        ]

    patch.setattr(DriftEffects, "_move", moved_and_written)


@dataclass(frozen=True, slots=True)
class Planted:
    """A mistake, whose death at which job shows it in which story, and by what."""

    plant: Plant
    story: Story
    job: Job
    caught: str

    def last_first(self, places: Sequence[Place]) -> Sequence[Place]:
        """Most mistakes are made when a job saves what it has done."""
        return spread([place for place in reversed(places) if place.job is self.job], few=_OFTEN)

    def __str__(self) -> str:
        return f"{self.plant.__name__}, {self.story}"


PLANTED = (
    Planted(forgotten_before_it_is_followed, MOVED, Job.SYNC_CALENDAR, "died at sync_calendar.*\nbooking:"),
    Planted(forgotten_before_it_is_followed, ARRIVED, Job.SYNC_CALENDAR, "died at sync_calendar.*\nengagements:"),
    Planted(cursor_kept_before_the_changes, ARRIVED, Job.SYNC_CALENDAR, "died at sync_calendar.*at the provider: {"),
    Planted(jobs_done_before_they_are_run, BOOKED, Job.RECORD_BOOKING, "died at record_booking.*\nengagements:"),
    Planted(what_stands_is_written_again, MOVED, Job.SYNC_CALENDAR, "written"),
)


@pytest.mark.parametrize("planted", PLANTED, ids=str)
async def test_a_planted_mistake_is_caught(world: World, monkeypatch: pytest.MonkeyPatch, planted: Planted) -> None:
    planted.plant(monkeypatch)
    async with open_scene(world, "google") as scene:
        with pytest.raises(AssertionError, match=re.compile(planted.caught, re.DOTALL)):
            await tell(scene, planted.story, choose=planted.last_first)


async def test_a_change_that_is_not_looked_at_again_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it has changed since it was read is not asked."""
    take_away = following._take_away

    async def whatever_its_number(session: Any, calendar_id: Any, seen: Any) -> None:
        mine = CalendarChange.calendar_id == calendar_id, CalendarChange.event_id == seen.event_id
        row = await session.scalar(select(CalendarChange).where(*mine))
        if row is not None:
            await take_away(session, calendar_id, replace(seen, seq=row.seq))

    monkeypatch.setattr(following, "_take_away", whatever_its_number)
    monkeypatch.setattr(changes, "HERE", -1)
    async with open_scene(world, "google") as scene:
        with pytest.raises(AssertionError, match="seen_and_not_followed"):
            await overtake(scene, EVERY[0], few=_OFTEN)
