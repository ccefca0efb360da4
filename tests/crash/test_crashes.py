"""Workers die between any two awaits, and everything becomes as if none had (P1, P2, P3).

The one rule: see `tests.crash.telling` for how to have them die everywhere.
"""

from collections.abc import Sequence

import pytest

from app.queue import Job
from tests.crash.scene import open_scene
from tests.crash.stories import ARRIVED, MOVED, REWRITTEN, STORIES, Story
from tests.crash.telling import spread, tell
from tests.crash.workers import Place
from tests.support.world import World


@pytest.mark.parametrize("story", STORIES, ids=str)
async def test_p2_p3_at_google_it_does_not_matter_where_a_worker_dies(world: World, story: Story) -> None:
    async with open_scene(world, "google") as scene:
        await tell(scene, story)


@pytest.mark.parametrize("story", [MOVED, ARRIVED], ids=str)
async def test_p2_p3_at_office365_it_does_not_matter_where_a_worker_dies(world: World, story: Story) -> None:
    async with open_scene(world, "office365") as scene:
        await tell(scene, story)


async def test_p3_at_office365_what_a_dead_writer_has_written_is_no_news(world: World) -> None:
    """Outlook answers in its own words: another zone of the same time, no text as an empty one. Nobody changed it."""

    def of_the_writer(places: Sequence[Place]) -> Sequence[Place]:
        return spread([place for place in places if place.job is Job.WRITE_EVENT])

    async with open_scene(world, "office365") as scene:
        await tell(scene, REWRITTEN, choose=of_the_writer)
