"""What a sync finds is followed by the sync itself, with what it has just read; whatever dies between is made up for.

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


async def test_r20_what_a_sync_has_read_is_not_asked_for_again(world: World) -> None:
    person, contact, event_id = await met(world)
    before = len(await world.sandbox.google_requests(account=person.email))
    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "Another", "description": "Of cats"})
    await synced(world, person)
    asked = [request["path"] for request in (await world.sandbox.google_requests(account=person.email))[before:]]
    assert not [path for path in asked if path.endswith(event_id)]
    [meeting] = await timeline(person, contact)
    assert (meeting["title"], meeting["description"]) == ("Another", "Of cats")


async def test_r20_a_text_that_was_taken_away_is_taken_away(world: World) -> None:
    person, contact, event_id = await met(world)
    assert (await timeline(person, contact))[0]["description"] == "What it is about"
    await world.sandbox.patch_google_event(person.email, event_id, {"description": ""})
    await synced(world, person)
    assert not (await timeline(person, contact))[0]["description"]


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


async def test_p3_what_has_changed_since_it_was_read_is_read_again(world: World) -> None:
    person, contact, event_id = await met(world)
    account_id, calendar_id = await the_calendar(world)
    follow = world.services.followers[Topic.MEETING]

    async def late(*arguments: Any) -> None:
        """Another run has read the next change, and nobody has followed it."""
        await world.sandbox.patch_google_event(person.email, event_id, {"summary": "The last word"})
        with pytest.raises(ZeroDivisionError):
            await engine_of(world, followers=dict.fromkeys(Topic, dies)).run(account_id, calendar_id)
        await follow(*arguments)

    await world.sandbox.patch_google_event(person.email, event_id, {"summary": "The word before"})
    await engine_of(world, followers={**world.services.followers, Topic.MEETING: late}).run(account_id, calendar_id)
    assert [meeting["title"] for meeting in await timeline(person, contact)] == ["The last word"]
    assert await world.rows("SELECT * FROM calendar_changes") == []


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
