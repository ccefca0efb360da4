"""Whatever people, visitors, workers and bad luck do at Office 365, in whatever order: after any step nothing known is
offered, and in the end mirror, slots, bookings and writes are right (P1, P2, P3, R31, R46).

The one rule: see `tests.sync.machine.stories` for how to have it tell more stories.
"""

from collections.abc import Iterator

import pytest
from hypothesis import example, given

from tests.support.world import World
from tests.sync.machine.office365_side import Office365Side
from tests.sync.machine.service import Step
from tests.sync.machine.stories import Theatre, stories, told
from tests.sync.machine.tour import TOUR


@pytest.fixture
def theatre(world: World) -> Iterator[Theatre]:
    with Theatre(world, Office365Side) as theatre:
        yield theatre


@told
@given(story=stories())
@example(story=TOUR)
async def test_p3_every_story_at_office365_ends_well(theatre: Theatre, story: list[Step]) -> None:
    await theatre.tell(story)
