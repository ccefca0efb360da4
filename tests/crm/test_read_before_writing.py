"""What was read of an event before we wrote it changes nothing back (R19, R22, R23).

The one rule: the read is held up, nothing else; what was asked for meanwhile stands in the end, here and there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.sync.following import Follower
from tests.crm.scene import make_contact, synced, timeline
from tests.crm.test_meetings import meet, the_event
from tests.crm.test_tasks import add, events, look, task_calendars, with_tasks
from tests.support.people import Person
from tests.support.world import World


@asynccontextmanager
async def reading_held_up(
    world: World, patch: pytest.MonkeyPatch, person: Person, event_id: str, calendar: str = "primary"
) -> AsyncIterator[None]:
    """Somebody has written something into the event, and a follower has read that when the block begins."""
    [place] = await world.rows(
        "SELECT w.account_id, w.calendar_id FROM calendar_writes w WHERE w.event_id = $1 ORDER BY w.id", event_id
    )
    real, read, over = Follower._read, asyncio.Event(), asyncio.Event()

    async def slowly(self: Follower, *given: Any) -> Any:
        seen = await real(self, *given)
        if seen and not read.is_set():
            read.set()
            await over.wait()
        return seen

    patch.setattr(Follower, "_read", slowly)
    await world.sandbox.patch_google_event(person.email, event_id, {"location": "Room 7"}, calendar)
    syncing = asyncio.create_task(world.services.sync.run(place["account_id"], place["calendar_id"]))
    await asyncio.wait_for(read.wait(), 20)
    yield
    over.set()
    await syncing


async def test_r23_an_edit_on_the_record_is_not_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.connected()
    contact = await make_contact(person)
    made = await meet(person, contact)
    await synced(world, person)
    later = person.at(3, "09:00")
    async with reading_held_up(world, monkeypatch, person, (await the_event(world, person))["id"]):
        answer = await person.patch(f"/v1/engagements/{made['id']}", {"start_at": later.isoformat()})
        assert answer.status_code == 200, answer.text
    [meeting] = await timeline(person, contact)
    assert datetime.fromisoformat(meeting["start_at"]) == later, "not even for a moment"
    await world.work()
    await synced(world, person)
    event, [meeting] = await the_event(world, person), await timeline(person, contact)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == later
    assert (datetime.fromisoformat(meeting["start_at"]), meeting["location"]) == (later, "Room 7")
    assert datetime.fromisoformat(meeting["end_at"]) == later + timedelta(hours=1)


async def test_r22_a_task_that_is_due_later_is_not_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await with_tasks(world)
    task = await add(world, person)
    await world.work()
    [calendar] = await task_calendars(world)
    [event] = await events(world, person)
    [write] = await world.rows("SELECT account_id, id FROM calendar_writes")
    later = datetime.fromisoformat(task["due_at"]) + timedelta(hours=5)
    async with reading_held_up(world, monkeypatch, person, event["id"], calendar):
        answer = await person.patch(f"/v1/tasks/{task['id']}", {"due_at": later.isoformat()})
        assert answer.status_code == 200, answer.text
        await world.services.writer.run(write["account_id"], write["id"])
    assert datetime.fromisoformat((await look(person, task))["due_at"]) == later
    await world.work()
    [event] = await events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == later
