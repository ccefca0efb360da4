"""Full listings that find nothing new, and calendars of which no changes are told (P3)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.hands import MicrosoftHands
from tests.support.people import Person
from tests.support.world import World
from tests.sync.scene import Scene

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def hands(world: World) -> AsyncIterator[MicrosoftHands]:
    """Office 365, where a page holds one row, and the second page of a delta is refused."""
    microsoft = world.sandbox.microsoft
    await microsoft.turn_knobs(page_size_cap=1)
    await microsoft.add_fault("gone", times=None, path="/delta$", query="skiptoken")
    yield MicrosoftHands(world.sandbox)
    await microsoft.turn_knobs(page_size_cap=None)
    await microsoft.clear_faults()


async def deltaless(world: World, hands: MicrosoftHands) -> Person:
    """Somebody whose calendar has no delta that works: it was listed plainly, and once more."""
    person = await world.person()
    await hands.account(person)
    for day in (3, 4, 5):
        await hands.add(person, person.at(day, "10:00"))
    await hands.connect(person)
    await world.work()
    await sync(world, person)
    return person


async def sync(world: World, person: Person) -> None:
    """A run at the hour the clock shows."""
    [calendar] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    await world.services.sync.run(calendar["account_id"], calendar["calendar_id"])
    await world.work()


async def of_sync(world: World) -> dict[str, Any]:
    """How far the calendar is."""
    return (await world.rows("SELECT * FROM calendar_syncs JOIN due_calendars USING (calendar_id)"))[0]


async def deltas(world: World) -> int:
    """How often a delta was asked for."""
    requests = await world.sandbox.microsoft.requests()
    return sum(request["path"].endswith("/delta") for request in requests)


async def test_p3_a_calendar_without_a_delta_is_listed_no_more_often_than_behind_a_watch(
    world: World, hands: MicrosoftHands
) -> None:
    person = await deltaless(world, hands)
    before = await of_sync(world)
    for minutes in (20, 30, 40):
        world.clock.offset = minutes * MINUTE
        await sync(world, person)
        state = await of_sync(world)
        assert state["last_error"] is None
        assert 3 * MINUTE < state["due_at"] - world.clock() < 5 * MINUTE
        assert state["changed_at"] == before["changed_at"], "nothing was changed"


async def test_p3_a_delta_that_failed_is_tried_again_the_next_hour(world: World, hands: MicrosoftHands) -> None:
    person = await deltaless(world, hands)
    tried = await deltas(world)
    for minutes in (15, 30, 55):
        world.clock.offset = timedelta(minutes=minutes)
        await sync(world, person)
    assert await deltas(world) == tried
    world.clock.offset = timedelta(minutes=65)
    await world.sandbox.microsoft.clear_faults()
    await sync(world, person)
    assert await deltas(world) > tried
    generation = (await of_sync(world))["generation"]
    await sync(world, person)
    assert (await of_sync(world))["generation"] == generation, "its changes are told again"


async def test_p3_a_calendar_without_a_delta_shows_what_is_made_and_what_is_deleted(
    world: World, hands: MicrosoftHands
) -> None:
    person = await deltaless(world, hands)
    page = await person.make_page()
    [first, *_] = sorted((await hands.events(person)).items(), key=lambda item: item[1])
    await world.sandbox.microsoft.delete_event(person.email, first[0])
    await hands.add(person, person.at(4, "14:00"))
    world.clock.offset = 20 * MINUTE
    await sync(world, person)
    assert "10:00" in {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}
    offered = {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(4))}
    assert not {"10:00", "14:00"} & offered
    assert (await of_sync(world))["changed_at"] > world.clock() - MINUTE


async def test_p3_a_full_listing_that_finds_nothing_new_is_no_change_and_no_doubt(world: World) -> None:
    scene = await Scene.of(world, await world.connected())
    for day in (3, 4):
        await scene.insert(scene.person.at(day, "10:00"))
    await scene.sync()
    watched = world.clock() + timedelta(days=2)
    await world.rows("UPDATE calendar_syncs SET watched_until = $1", watched)
    before = await of_sync(world)
    world.clock.offset = 20 * MINUTE
    await world.sandbox.expire_google_sync_tokens(scene.person.email)
    await sync(world, scene.person)
    after = await of_sync(world)
    assert after["generation"] == before["generation"] + 1, "it was listed whole"
    assert (after["changed_at"], after["watched_until"]) == (before["changed_at"], watched)
    await scene.delete((await world.sandbox.google_events(scene.person.email))[0]["id"])
    await world.sandbox.expire_google_sync_tokens(scene.person.email)
    await sync(world, scene.person)
    found: datetime = (await of_sync(world))["changed_at"]
    assert found > world.clock() - MINUTE
    await scene.agrees(spans=1)
