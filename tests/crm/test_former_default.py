"""A person makes another calendar their default: what we have written into the former one goes on being followed (R23).

The one rule: of the former default our own events alone are followed, and for as long as they are to come.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.providers.graph.session import Office365Session
from app.settings import Settings
from sandbox.client import Sandbox
from tests.crm.known import HOUR, Known, begins, knowing
from tests.crm.scene import VERA
from tests.support.places import Place

SAVE = "/v1/calendar-settings"


@pytest.fixture
async def known(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Known]:
    async with knowing(Place("office365", exchange_full_sync=False), settings, sandbox) as somebody:
        yield somebody


async def refresh(known: Known) -> None:
    path = f"/v1/connections/{known.person.connection_id}/refresh-calendars"
    assert (await known.person.post(path)).status_code == 202
    await known.world.work()


async def switch_default(known: Known, patch: pytest.MonkeyPatch) -> None:
    """Another calendar is the default from now on; the former one stays ticked."""
    other = await known.world.sandbox.microsoft.calendar(known.person.email, "The new one")
    listed = Office365Session.list_calendars

    async def switched(self: Office365Session) -> object:
        found = await listed(self)
        return [replace(item, primary=item.name == other["name"]) for item in found]

    await refresh(known)
    patch.setattr(Office365Session, "list_calendars", switched)
    await refresh(known)


async def untick_former(known: Known) -> None:
    """The default alone is checked."""
    saved = await known.person.patch(SAVE, {"availability_calendar_ids": None})
    assert saved.status_code == 200, saved.text
    [left] = saved.json()["availability_calendars"]
    assert (left["name"], left["is_primary"]) == ("The new one", True)
    await known.world.work()


async def mirrored(known: Known) -> list[str]:
    rows = await known.world.rows(
        "SELECT c.name FROM calendars c JOIN calendar_syncs s ON s.calendar_id = c.id ORDER BY c.name"
    )
    return [row["name"] for row in rows]


async def test_r23_a_meeting_of_the_record_in_the_former_default_is_followed(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await known.meet()
    await switch_default(known, monkeypatch)
    event, later = await known.event(), known.person.at(2, "15:00")
    await known.hands.change(known.person, event.id, start=later)
    await known.sync()
    assert ((await known.meeting())["id"], begins(await known.meeting())) == (made["id"], later)
    await known.hands.delete(known.person, event.id)
    await known.sync()
    assert (await known.meeting())["outcome"] == "cancelled"


async def test_r20_nothing_new_is_read_in_the_former_default(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    made, event = await known.meet(), await known.event()
    await switch_default(known, monkeypatch)
    await known.hands.put(known.person, start=known.person.at(3, "10:00"), guests=[VERA])
    copy = await known.hands.copy(known.person, event.id, start=known.person.at(4, "10:00"))
    await known.sync()
    await known.hands.change(known.person, copy, guests=[VERA])
    await known.sync()
    assert (await known.meeting())["id"] == made["id"]


async def test_r23_what_moved_in_the_former_default_while_the_sync_was_off_is_made_up_for(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.meet()
    await switch_default(known, monkeypatch)
    await known.person.patch(SAVE, {"calendar_sync": False})
    later = known.person.at(2, "15:00")
    await known.hands.change(known.person, (await known.event()).id, start=later)
    await known.sync()
    await known.person.patch(SAVE, {"calendar_sync": True})
    await known.world.work()
    assert begins(await known.meeting()) == later


async def test_r23_the_former_default_is_followed_unticked_while_events_of_ours_are_to_come(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = known.person
    await known.meet()
    page, start = await person.make_page(), person.at(3, "10:00")
    booking = (await person.book(page["id"], start.isoformat())).json()
    await known.world.work()
    await switch_default(known, monkeypatch)
    await untick_former(known)
    meeting, booked = sorted(await known.hands.look(person), key=lambda event: event.span)
    await known.hands.change(person, meeting.id, start=person.at(2, "15:00"))
    await known.hands.change(person, booked.id, start=start + HOUR, minutes=30)
    await known.sync()
    first, second = await known.meetings()
    assert (begins(first), begins(second)) == (person.at(2, "15:00"), start + HOUR)
    read = (await person.get(f"/v1/bookings/{booking['id']}")).json()
    assert datetime.fromisoformat(read["start_at"]) == start + HOUR


async def test_r29_what_is_not_ticked_blocks_nothing_although_it_is_followed(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.meet()
    page, day = await known.person.make_page(), known.person.day(3)
    await switch_default(known, monkeypatch)
    before = await known.person.slots(page["id"], day)
    await known.hands.put(known.person, start=known.person.at(3, "10:00"))
    await known.sync()
    assert len(await known.person.slots(page["id"], day)) < len(before)
    await untick_former(known)
    assert await known.person.slots(page["id"], day) == before


async def test_r29_the_former_default_is_read_no_more_once_nothing_of_ours_is_to_come(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.meet()
    await switch_default(known, monkeypatch)
    await untick_former(known)
    assert await mirrored(known) == ["Calendar", "The new one"]
    known.world.clock.offset += timedelta(days=5)
    await refresh(known)
    assert await mirrored(known) == ["The new one"]


async def test_r29_without_events_of_ours_the_former_default_is_read_no_more_at_once(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch_default(known, monkeypatch)
    await untick_former(known)
    assert await mirrored(known) == ["The new one"]
