"""Telling a story: once without a death, to see what it becomes and where one can die; then with a death at each place.

Every story is told at some places of each, spread evenly; all of them, which takes half an hour, with

    CALENDAR_CONNECT_LONG=1 pytest tests/crash

The one rule: whoever dies stays dead until the queue misses the worker. Half of the tellings have the calendar read
before that, as a push would have it; the others after.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from app.queue import Job
from tests.crash.checks import as_told, check, same
from tests.crash.pictures import Before, Picture, before, picture
from tests.crash.scene import Scene, Subject
from tests.crash.stories import Story
from tests.crash.workers import Place
from tests.support.long import LONG

Choose = Callable[[Sequence[Place]], Sequence[Place]]
PlaceT = TypeVar("PlaceT")
_FEW: Final = 4
_MISSED: Final = 0.2
"""How many of the places are not reached, one in any case: a job may be through a step or two sooner than counted."""
_ELSEWHERE: Final = frozenset({Job.SEND_MAIL, Job.WATCH_CALENDAR, Job.CONNECTION_READY})
"""Whose deaths are another test's: what they do is not what these stories are about."""


async def tell(scene: Scene, story: Story, *, choose: Choose | None = None) -> int:
    """Tell the story at some of its places; how often somebody died. Raises: AssertionError, with the place."""
    plain, everywhere = await rehearse(scene, story)
    places = spread(everywhere) if choose is None else choose(everywhere)
    died = 0
    for number, place in enumerate(places):
        try:
            same(await play(scene, story, place, at_once=number % 2 == 0), plain, place)
        except AssertionError as error:
            raise AssertionError(f"{story}, a worker died at {place}: {error}") from error
        died += scene.workers.reached
    assert len(places) - died <= max(1, len(places) * _MISSED), f"only {died} of {len(places)} have died"
    return died


async def rehearse(scene: Scene, story: Story) -> tuple[Picture, Sequence[Place]]:
    """Nobody dies: what becomes of the story, and the places to die at."""
    subject = await story.given(scene)
    since = await before(scene, subject)
    scene.workers.begin(counting=True)
    await story.act(scene, subject)
    await scene.workers.work()
    await scene.synced()
    places = [
        Place(job, nth, step)
        for job, nth, steps in scene.workers.steps
        if job not in _ELSEWHERE
        for step in range(1, steps + 1)
    ]
    scene.workers.begin()
    plain = await _after(scene, subject, since)
    as_told(plain, story.becomes)
    return plain, places


async def play(scene: Scene, story: Story, place: Place, *, at_once: bool) -> Picture:
    """Tell it once; `at_once`: the calendar is read before the dead worker is missed."""
    subject = await story.given(scene)
    since = await before(scene, subject)
    scene.workers.begin(place)
    await story.act(scene, subject)
    await scene.workers.work()
    if not at_once:
        await scene.workers.miss_the_dead()
    await scene.synced()
    return await _after(scene, subject, since)


async def _after(scene: Scene, subject: Subject, since: Before) -> Picture:
    await scene.workers.recover()
    standing = await scene.hands.standing()
    await check(scene, standing)
    return await picture(scene, subject, since, standing)


def spread(places: Sequence[PlaceT], *, few: int = _FEW) -> Sequence[PlaceT]:
    """A few, from the first to the last; all of them when there is time."""
    if LONG or len(places) <= few:
        return places
    return [places[round(number * (len(places) - 1) / (few - 1))] for number in range(few)]
