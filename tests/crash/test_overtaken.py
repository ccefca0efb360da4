"""Workers stand still between any two awaits while the thing changes once more; what is older never wins (P2, P3).

The one rule: whoever stood still goes on as if nothing had happened. In the end everything is as the last change said.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.queue import Job
from app.sync import changes
from tests.crash.checks import check
from tests.crash.hands import MINUTES
from tests.crash.pictures import Picture, before, picture
from tests.crash.scene import LATER, Scene, Subject, open_scene
from tests.crash.stories import EDITED, MOVED, REWRITTEN, Story, edit_to
from tests.crash.telling import rehearse, spread
from tests.crash.workers import Place
from tests.support.world import World

AGAIN = LATER + timedelta(minutes=MINUTES)
"""Where everything is moved the second time."""
_WHERE = (AGAIN.total_seconds() / 60, AGAIN.total_seconds() / 60 + MINUTES)
_LEASES_END = timedelta(seconds=125)
_FEW = 3

Meanwhile = Callable[[Scene, Subject], Awaitable[None]]


async def _seen_and_not_followed(scene: Scene, subject: Subject) -> None:
    """Moved once more, and the calendar is read; who is to follow has not come to it."""
    await _moved_and_read(scene, subject, only={Job.SYNC_CALENDAR})


async def _seen_and_followed(scene: Scene, subject: Subject) -> None:
    """Moved once more, and another worker follows."""
    await _moved_and_read(scene, subject)


async def _moved_and_read(scene: Scene, subject: Subject, *, only: set[Job] | None = None) -> None:
    assert subject.event is not None
    await scene.hands.move(subject.event, subject.start + AGAIN)
    await scene.press_sync()
    await scene.workers.work(only)


async def _read_by_another(scene: Scene, subject: Subject) -> None:
    """Moved once more; the worker is missed, its lease ends, and another one reads the calendar."""
    assert subject.event is not None
    await scene.hands.move(subject.event, subject.start + AGAIN)
    await scene.workers.pass_time(_LEASES_END)
    await scene.workers.miss_the_dead()
    await scene.workers.sweep()
    await scene.workers.work()


async def _wished_for_anew(scene: Scene, subject: Subject) -> None:
    """Another time is wished for; the worker's lease ends, and another one writes."""
    await edit_to(scene, subject, subject.start + AGAIN)
    await scene.workers.pass_time(_LEASES_END)
    await scene.workers.work()


@dataclass(frozen=True, slots=True)
class Overtaking:
    """Who stands still in which story, and what happens meanwhile."""

    story: Story
    job: Job
    meanwhile: Meanwhile

    def __str__(self) -> str:
        return f"{self.story}, {self.job}, {self.meanwhile.__name__.strip('_')}"


EVERY = (
    Overtaking(MOVED, Job.FOLLOW_BOOKINGS, _seen_and_not_followed),
    Overtaking(MOVED, Job.FOLLOW_BOOKINGS, _seen_and_followed),
    Overtaking(MOVED, Job.SYNC_CALENDAR, _read_by_another),
    Overtaking(EDITED, Job.FOLLOW_MEETINGS, _seen_and_not_followed),
    Overtaking(REWRITTEN, Job.WRITE_EVENT, _wished_for_anew),
)


@pytest.mark.parametrize("overtaking", EVERY, ids=str)
async def test_p3_whoever_is_overtaken_undoes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, overtaking: Overtaking
) -> None:
    monkeypatch.setattr(changes, "HERE", -1)  # everything is followed by a job, as much is: it can be overtaken alone
    async with open_scene(world, "google") as scene:
        await overtake(scene, overtaking)


async def overtake(scene: Scene, overtaking: Overtaking, *, few: int = _FEW) -> None:
    """Have the worker stand still at some steps of the job. Raises: AssertionError, with the place."""
    story = overtaking.story
    _, everywhere = await rehearse(scene, story)
    places = spread([place for place in everywhere if (place.job, place.nth) == (overtaking.job, 1)], few=few)
    stood = 0
    for place in places:
        try:
            seen = await _play(scene, story, place, overtaking.meanwhile)
            if scene.workers.reached:
                stood += 1
                _as_last_said(seen, story)
        except AssertionError as error:
            raise AssertionError(f"{overtaking}, at {place}: {error}") from error
    assert stood >= len(places) - 1, f"only {stood} of {len(places)} have stood still"


async def _play(scene: Scene, story: Story, place: Place, meanwhile: Meanwhile) -> Picture:
    subject = await story.given(scene)
    since = await before(scene, subject)

    async def happens() -> None:
        await meanwhile(scene, subject)

    scene.workers.begin(place, meanwhile=happens)
    await story.act(scene, subject)
    await scene.workers.work()
    await scene.settled()
    await scene.workers.recover()
    standing = await scene.hands.standing()
    await check(scene, standing)
    seen = await picture(scene, subject, since, standing)
    if scene.workers.reached:
        subject.start += AGAIN - LATER  # where a story that comes back to it looks for it
    return seen


def _as_last_said(seen: Picture, story: Story) -> None:
    """Everything is where it was moved last, and each step on the way was told as often as it was done."""
    assert seen.stands == [_WHERE]
    assert [span for _, _, _, span, _ in seen.booking] in ([], [_WHERE])
    assert [engagement[1] for engagement in seen.engagements] == [_WHERE]
    told = seen.feed.get("booking", [])
    assert 1 <= len(seen.feed["engagement"]) <= 2
    assert len(seen.mails) == len(seen.ledger) == len(told)
    assert {kind for kind, *_ in seen.mails} == set(story.becomes.mails)
    assert set(seen.written) == set(story.becomes.written)
