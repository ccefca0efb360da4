"""What docs/operations.md says of restoring and of lost keys, done: its statements are taken from the page itself.

The one rule: a restored database is made by putting back what a table held, while calendars, mails and readers go on.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretBytes
from sqlalchemy import text

from app.database import transaction
from app.key_rotation import Rotation, rotate_all
from app.queue import Enqueued, Job, enqueue
from app.settings import Settings
from app.sync.schedule import enqueue_due_syncs
from prove.migrations_database import connected, scratch
from prove.migrations_rounds import fill_anew
from sandbox.client import Sandbox
from sandbox.ports import free_port
from tests.calendar_writes.test_writing import booked
from tests.crm.scene import make_contact
from tests.events.crm import crm_of
from tests.support.database import empty, owner
from tests.support.people import Person
from tests.support.visitors import our_events, visit
from tests.support.world import World, open_world, problem

Held = dict[str, list[dict[str, Any]]]
LINKED = (
    *("connections", "connection_tokens", "provider_grants", "calendars", "calendar_syncs", "mirror_events"),
    *("busy_months", "due_calendars", "due_watches", "calendar_settings"),
)
"""All of somebody's calendar."""
PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()


def statements(telling: str) -> list[str]:
    """What the page says to run, found by a word of it."""
    [block] = [block for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) if telling in block]
    return [statement for statement in block.split(";\n") if statement.strip()]


async def run(world: World, telling: str) -> list[dict[str, Any]]:
    """Over one connection, as whoever types them in."""
    rows: list[dict[str, Any]] = []
    async with (await owner(world.database_url)).acquire() as connection:
        for statement in statements(telling):
            rows += [dict(row) for row in await connection.fetch(statement)]
    return rows


async def held(world: World, *tables: str) -> Held:
    """What stands in these tables, of which none refers to a later one."""
    return {table: await world.rows(f"SELECT to_jsonb(t)::text AS row FROM {table} t") for table in tables}  # noqa: S608


async def put_back(world: World, before: Held) -> None:
    """They hold what they held, and nothing else."""
    for table in reversed(before):
        await world.rows(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    for table, rows in before.items():
        for row in rows:
            restored = f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"  # noqa: S608
            await world.rows(restored, row["row"])


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
    [before] = await world.rows("SELECT cursor FROM calendar_syncs")
    saved = await held(world, "bookings", "reservations", "calendar_writes", "mirror_events", "busy_months")
    later = person.at(4, "11:00")
    assert (await booking.reschedule(later)).status_code == 200
    await world.work()
    await put_back(world, saved)
    await world.rows("UPDATE calendar_syncs SET cursor = $1", before["cursor"])
    assert datetime.fromisoformat((await booking.read())["start_at"]) == booking.start_at
    await sync(world, person)
    found = (await person.get(f"/v1/bookings/{booking.id}")).json()
    assert datetime.fromisoformat(found["start_at"]) == later
    assert len(await our_events(world, person)) == 1


async def test_r15_what_was_disconnected_since_is_left_alone_until_its_person_connects_anew(world: World) -> None:
    person = await world.person()
    await world.sandbox.microsoft.account(person.email)
    await person.connect("office365")
    await world.work()
    page = await person.make_page()
    visited = await visit(person, page, person.at(3, "10:00"))
    before = await held(world, *LINKED)
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    await put_back(world, before)
    await run(world, "SET status = 'reauthorization_required'")
    asked = len(await world.sandbox.microsoft.requests())
    assert await enqueue_due_syncs(world.services.sessions, world.clock) == 0
    await enqueue_all(world)
    await world.work()
    problem(await person.book(page["id"], person.at(4, "10:00").isoformat()), 409, "booking_unavailable")
    assert (await visited.cancel()).status_code == 200
    await world.work()
    assert len(await world.sandbox.microsoft.requests()) == asked, "nobody was asked anything"
    state = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert (state["status"], state["reason"]) == ("reauthorization_required", "restored")
    assert (await person.reauthorize())["status"] == "completed"
    await world.work()
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "active"
    assert await world.rows("SELECT 1 FROM calendar_syncs WHERE state = 'paused'") == []


async def enqueue_all(world: World) -> None:
    """Whatever may have stood in the queue of that moment."""
    connections = await world.rows("SELECT account_id, id FROM connections")
    calendars = await world.rows("SELECT account_id, id FROM calendars")
    kinds = {
        Job.SYNC_CALENDAR: calendars, Job.WATCH_CALENDAR: calendars, Job.REFRESH_CALENDARS: connections,
        Job.CONNECTION_READY: connections, Job.CLOSE_CONNECTION: connections,
    }  # fmt: skip
    async with transaction(world.services.sessions, None) as session:
        await session.execute(text("SELECT 1"))
        await enqueue(
            session, [Enqueued(job, row["account_id"], row["id"]) for job, rows in kinds.items() for row in rows]
        )


async def test_p3_an_endpoint_is_told_nothing_until_the_crm_has_it_go_on(world: World) -> None:
    crm = await crm_of(world)
    endpoint = await crm.endpoint(f"http://127.0.0.1:{free_port()}/nobody")
    await crm.happens(2)
    before = await held(world, "webhook_endpoints", "due_webhooks")
    assert (await crm.person.delete(f"/v1/webhook-endpoints/{endpoint['id']}")).status_code == 204
    await put_back(world, before)
    await run(world, "UPDATE webhook_endpoints")
    await crm.happens(1)
    await world.work()
    assert await crm.deliveries(endpoint) == []
    found = await crm.look(endpoint)
    assert (found["status"], found["status_reason"]) == ("paused", "requested")
    await crm.change(endpoint, status="active")
    await world.work()
    assert len(await crm.deliveries(endpoint)) > 0, "it goes on where it stood"


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


OUTCOMES = {
    "NOT EXISTS": "SELECT true",
    "UPDATE event_feeds": "SELECT bool_and(last_sequence >= 1000000) FROM event_feeds",
    "SET status = 'reauthorization_required'": "SELECT bool_and(status <> 'active') FROM connections",
    "UPDATE webhook_endpoints": "SELECT bool_and(status <> 'active') FROM webhook_endpoints",
    "DELETE FROM push_channels": "SELECT count(*) = 0 FROM push_channels",
    "DELETE FROM data_keys": "SELECT bool_and(cursor IS NULL) FROM calendar_syncs",
}
"""What the page says to run, and what is so afterwards."""


async def test_p3_an_owner_who_sees_no_row_is_told_so_and_has_a_way(database_url: str) -> None:
    """Row-level security is forced: a statement of theirs would change nothing, and say nothing."""
    [way] = re.findall(r"```sql\n(BEGIN;.*?)```", PAGE, re.DOTALL)
    let, forbid = way.split("-- here the statements\n")
    async with scratch(database_url) as database:
        await database.upgrade("head")
        await fill_anew(database)
        async with connected(database.url) as mighty:
            await mighty.execute("UPDATE connections SET status = 'active'")
        async with connected(database.owner_url) as owned:
            for telling in OUTCOMES:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await owned.execute(";".join(statements(telling)))
                await owned.execute("RESET ALL")
            await owned.execute(let)
            for telling, outcome in OUTCOMES.items():
                await owned.execute(";".join(statements(telling)))
                assert await owned.fetchval(outcome) is True, telling
            await owned.execute(forbid + "RESET ALL")
            assert await owned.fetchval("SELECT count(*) FROM connections") == 0, "forced again"
        async with connected(database.url) as mighty:
            assert await mighty.fetchval("SELECT bool_and(reason = 'restored') FROM connections") is True
            loose = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
            assert await mighty.fetchval(loose) == 0


def test_every_block_of_statements_is_run_by_somebody_who_sees_every_row_or_is_told() -> None:
    blocks = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    assert [block for block in blocks if not block.startswith(("SET row_security = off;\n", "BEGIN;\n"))] == []
    assert len(blocks) == len(OUTCOMES) + 1
