"""What a sync finds is followed by the sync itself; whatever dies between is made up for.

The one rule: the change is a row until it was followed, and whoever reads the calendar next finds it.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.sync.changes import Topic
from tests.crm.scene import VERA, invite, make_contact, span, synced, timeline
from tests.support.engines import engine_of
from tests.support.people import Person
from tests.support.world import World

HOUR = timedelta(hours=1)


async def met(world: World) -> tuple[Person, dict[str, Any], str]:
    """A person who meets the contact, once it is on the timeline."""
    person = await world.connected()
    await world.work()
    contact = await make_contact(person)
    event_id = await invite(world, person, person.at(3, "10:00"), VERA, description="What it is about")
    await synced(world, person)
    return person, contact, event_id


async def the_calendar(world: World) -> tuple[Any, Any]:
    [row] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    return row["account_id"], row["calendar_id"]


async def dies(*_: object) -> None:
    raise ZeroDivisionError


async def test_p3_what_was_read_and_not_followed_is_followed_by_the_next_run(world: World) -> None:
    person, contact, event_id = await met(world)
    later = person.at(3, "10:00") + HOUR
    await world.sandbox.patch_google_event(person.email, event_id, span(later))
    with pytest.raises(ZeroDivisionError):
        await engine_of(world, followers=dict.fromkeys(Topic, dies)).run(*await the_calendar(world))
    assert len(await world.rows("SELECT * FROM calendar_changes")) == 1
    await world.services.sync.run(*await the_calendar(world))
    assert await world.rows("SELECT * FROM calendar_changes") == []
    [meeting] = await timeline(person, contact)
    assert datetime.fromisoformat(meeting["start_at"]) == later


async def test_p3_one_run_reads_and_follows_and_asks_for_no_job(world: World) -> None:
    person, contact, event_id = await met(world)
    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "Another", "description": "Of cats"})
    await world.services.sync.run(*await the_calendar(world))
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], meeting["description"]) == ("Another", "Of cats")
    assert await world.rows("SELECT * FROM queue.pgqueuer WHERE entrypoint LIKE 'follow%'") == []


async def test_p3_many_changes_are_a_job_of_their_own(world: World) -> None:
    person = await world.connected()
    await world.work()
    contact = await make_contact(person)
    for number in range(21):
        await invite(world, person, person.at(3, "08:00") + number * timedelta(minutes=10), VERA)
    await world.services.sync.run(*await the_calendar(world))
    assert len(await world.rows("SELECT * FROM calendar_changes")) == 21
    assert len(await world.rows("SELECT * FROM queue.pgqueuer WHERE entrypoint = 'follow_meetings'")) == 1
    await world.work()
    assert await world.rows("SELECT * FROM calendar_changes") == []
    assert len(await timeline(person, contact)) == 20, "a page"
    assert len(await world.rows("SELECT * FROM engagements")) == 21
