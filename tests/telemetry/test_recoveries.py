"""What docs/operations.md says of restoring and of lost keys, done: its statements are taken from the page itself.

The one rule: a restored database is made by putting back what a table held, while calendars, mails and readers go on.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretBytes

from app.key_rotation import Rotation, rotate_all
from app.settings import Settings
from sandbox.client import Sandbox
from tests.calendar_writes.test_writing import booked
from tests.crm.scene import make_contact
from tests.events.crm import crm_of
from tests.support.database import empty
from tests.support.people import Person
from tests.support.visitors import our_events, visit
from tests.support.world import World, open_world

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()


def statements(telling: str) -> list[str]:
    """What the page says to run, found by a word of it."""
    [block] = [block for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) if telling in block]
    return [statement for statement in block.split(";\n") if statement.strip()]


async def run(world: World, telling: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for statement in statements(telling):
        rows += await world.rows(statement)
    return rows


async def sync(world: World, person: Person) -> None:
    assert (await person.post(f"/v1/connections/{person.connection_id}/sync")).status_code == 202
    await world.work()


async def offered(person: Person, page: dict[str, Any], clock: str) -> bool:
    starts = [slot["start_at"] for slot in await person.slots(page["id"], person.day(3))]
    return any(person.at(3, clock).isoformat() == start for start in starts)


async def test_p3_an_older_cursor_finds_what_has_changed_since(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    [before] = await world.rows("SELECT cursor FROM calendar_syncs")
    start = person.at(3, "10:00")
    end = start + timedelta(minutes=30)
    meeting = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
    await world.sandbox.insert_google_event(person.email, meeting)
    await sync(world, person)
    assert not await offered(person, page, "10:00")
    await world.rows("DELETE FROM mirror_events")
    await world.rows("DELETE FROM busy_months")
    await world.rows("UPDATE calendar_syncs SET cursor = $1", before["cursor"])
    assert await offered(person, page, "10:00"), "restored to before the event"
    await sync(world, person)
    assert not await offered(person, page, "10:00")


async def test_p2_a_booking_that_was_lost_leaves_an_event_that_blocks_and_is_listed(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    page = (await person.get("/v1/scheduling-pages")).json()["items"][0]
    assert await run(world, "NOT EXISTS") == []
    for table in ("calendar_writes", "reservations", "bookings", "mirror_events", "busy_months"):
        await world.rows(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    await world.rows("UPDATE calendar_syncs SET cursor = NULL")
    assert await offered(person, page, "10:00")
    await sync(world, person)
    assert not await offered(person, page, "10:00")
    [lost] = await run(world, "NOT EXISTS")
    [event] = await our_events(world, person)
    assert (lost["provider"], lost["email"], lost["event_id"]) == ("google", person.email, event["id"])
    assert lost["starts_at"] == booking.start_at


async def test_p2_a_move_after_the_moment_of_the_restore_comes_back_as_drift(world: World) -> None:
    person, booking = await booked(world)
    await world.work()
    tables = ("bookings", "reservations", "calendar_writes", "mirror_events", "busy_months")
    [before] = await world.rows("SELECT cursor FROM calendar_syncs")
    saved = {table: await world.rows(f"SELECT to_jsonb(t)::text AS row FROM {table} t") for table in tables}  # noqa: S608
    later = person.at(4, "11:00")
    assert (await booking.reschedule(later)).status_code == 200
    await world.work()
    for table in reversed(tables):
        await world.rows(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    for table in tables:
        for row in saved[table]:
            restored = f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"  # noqa: S608
            await world.rows(restored, row["row"])
    await world.rows("UPDATE calendar_syncs SET cursor = $1", before["cursor"])
    assert datetime.fromisoformat((await booking.read())["start_at"]) == booking.start_at
    await sync(world, person)
    found = (await person.get(f"/v1/bookings/{booking.id}")).json()
    assert datetime.fromisoformat(found["start_at"]) == later
    assert len(await our_events(world, person)) == 1


async def test_p3_after_the_gap_a_reader_goes_on_and_no_number_is_told_twice(world: World) -> None:
    person = await world.connected()
    crm = await crm_of(world, person)
    await crm.happens(3)
    await world.work()
    read = (await crm.feed())["last_sequence"]
    await world.rows("DELETE FROM feed_events WHERE sequence > $1", read - 2)
    await world.rows("UPDATE event_feeds SET last_sequence = $1", read - 2)
    await run(world, "UPDATE event_feeds")
    await crm.happens(1)
    await world.work()
    page = await crm.feed(after=read)
    assert [event["sequence"] for event in page["items"]] == [read - 2 + 1_000_000 + 1]


async def test_p3_watches_that_are_deleted_are_made_again(world: World) -> None:
    await world.connected()
    await world.rows(
        "INSERT INTO push_channels (account_id, id, calendar_id, channel_id, whole_mailbox, secret_hash, expires_at) "
        "SELECT account_id, id, id, 'old', false, ''::bytea, now() + interval '5 days' FROM calendars"
    )
    await world.rows(
        "INSERT INTO directory (kind, key, account_id, target_id) SELECT 'channel', 'old', account_id, id "
        "FROM calendars"
    )
    await world.rows("UPDATE calendar_syncs SET watched_until = now() + interval '5 days'")
    await run(world, "DELETE FROM push_channels")
    assert await world.rows("SELECT 1 FROM push_channels") == []
    assert await world.rows("SELECT 1 FROM directory WHERE kind = 'channel'") == []
    assert await world.rows("SELECT 1 FROM calendar_syncs WHERE watched_until IS NOT NULL") == []


async def test_p5_a_lost_master_key_ends_connections_and_people_connect_anew(
    settings: Settings, sandbox: Sandbox
) -> None:
    await empty(settings.database_url.get_secret_value())
    lost = settings.model_copy(update={"master_keys": {7: SecretBytes(b"7" * 32)}})
    found = settings.model_copy(update={"master_keys": {8: SecretBytes(b"8" * 32)}})
    async with open_world(lost, sandbox) as world:
        person = await world.connected()
        contact = await make_contact(person)
    async with open_world(found, sandbox) as world:
        person.api = world.api
        await sync(world, person)
        state = (await person.get("/v1/connections")).json()["items"][0]
        assert (state["status"], state["reason"]) == ("reauthorization_required", "secret_unreadable")
        with pytest.raises(AssertionError):
            await person.reauthorize()
        await run(world, "DELETE FROM data_keys")
        assert await rotate_all(found) == Rotation(wrapped=0, unopened=0, made=1)
        known = (await person.get("/v1/contacts", email=contact["email"])).json()["items"]
        assert [item["id"] for item in known] == [contact["id"]], "by the new key"
        assert (await person.reauthorize())["status"] == "completed"
        await world.work()
        state = (await person.get("/v1/connections")).json()["items"][0]
        assert state["status"] == "active"
        page = await person.make_page()
        await visit(person, page, person.at(3, "10:00"))
        await world.work()
        assert len(await our_events(world, person)) == 1
