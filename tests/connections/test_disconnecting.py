"""Letting go: at once for visitors, then the provider is told, then the secrets are erased (R15, R53)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from app.connections import repository
from app.connections.service import close
from app.database import transaction
from app.ids import decode_id, encode_id, new_id
from tests.support.google import failing
from tests.support.people import Person
from tests.support.world import World, problem

LATER = timedelta(minutes=6)


async def disconnected(world: World) -> Person:
    """Somebody who was connected and let go; the job has not run yet."""
    person = await world.connected()
    answer = await person.delete(f"/v1/connections/{person.connection_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    return person


async def revocations(world: World, person: Person) -> list[Any]:
    """What Google answered to our revocations, oldest first."""
    requests = await world.sandbox.google_requests(account=person.email)
    return [request["status"] for request in requests if request["path"].endswith("/revoke")]


async def test_r15_pages_are_offline_with_the_same_commit(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    day = person.day(3)
    assert (await person.slot_list(page["id"], day)).json()["mode"] == "online"
    await person.delete(f"/v1/connections/{person.connection_id}")
    assert (await person.slot_list(page["id"], day)).json()["mode"] == "offline"
    asked = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert (asked.status_code, asked.json()["kind"]) == (202, "meeting_request")
    assert (await person.get("/v1/connections")).json()["items"] == []
    problem(await person.get(f"/v1/connections/{person.connection_id}"), 404, "not_found")
    problem(await person.delete(f"/v1/connections/{person.connection_id}"), 404, "not_found")
    problem(await person.post(f"/v1/connections/{person.connection_id}/sync"), 404, "not_found")
    assert (await person.get("/v1/availability-calendars")).json()["items"] == []


async def test_r15_letting_go_several_times_at_once_happens_once(world: World) -> None:
    person = await world.connected()
    answers = await asyncio.gather(*(person.delete(f"/v1/connections/{person.connection_id}") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    for query in (
        "SELECT * FROM audit_entries WHERE action = 'connection.deleted'",
        "SELECT * FROM feed_events WHERE type = 'connection.deleted'",
    ):
        assert len(await world.rows(query)) == 1, query


async def test_r15_what_was_let_go_of_and_erased_meanwhile_is_left_alone(world: World) -> None:
    person = await world.connected()
    account_id = decode_id("acct", person.account_id)
    async with transaction(world.services.sessions, account_id) as session:
        [connection] = await repository.list_connections(session, decode_id("usr", person.user_id))
        await person.delete(f"/v1/connections/{person.connection_id}")
        await world.work()
        assert not await close(session, connection, world.services.overview, actor="worker", now=world.clock())


async def test_r15_nothing_is_due_and_nothing_mirrored_any_more(world: World) -> None:
    await disconnected(world)
    for table in ("due_calendars", "calendar_syncs", "mirror_events", "mirror_series", "busy_months"):
        assert await world.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - a name from our own list


async def test_r15_the_job_tells_google_and_then_erases_the_secrets(world: World) -> None:
    person = await disconnected(world)
    assert len(await world.rows("SELECT * FROM connection_tokens")) == 1
    await world.work()
    assert await revocations(world, person) == [200]
    for table in ("connections", "connection_tokens", "calendars"):
        assert await world.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 - a name from our own list
    await world.work()
    assert await revocations(world, person) == [200], "once"


async def test_r15_a_provider_that_cannot_be_reached_is_asked_again(world: World) -> None:
    person = await disconnected(world)
    async with failing(world.sandbox, "unavailable", path="/revoke$"):
        await world.work()
        assert len(await world.rows("SELECT * FROM connection_tokens")) == 1
        assert await world.work() == 0, "not at once"
    await run_later(world)
    assert (await revocations(world, person))[-1] == 200
    assert await world.rows("SELECT * FROM connection_tokens") == []


async def run_later(world: World) -> None:
    """What is due in a few minutes."""
    await world.work(until=LATER)


async def test_r15_after_a_day_the_secrets_go_whatever_the_provider_says(world: World) -> None:
    await disconnected(world)
    async with failing(world.sandbox, "unavailable", path="/revoke$"):
        await world.work()
        world.clock.offset = timedelta(hours=25)
        await run_later(world)
    assert await world.rows("SELECT * FROM connection_tokens") == []
    assert await world.rows("SELECT * FROM connections") == []


async def test_r15_a_grant_that_is_dead_already_is_done(world: World) -> None:
    person = await disconnected(world)
    await world.sandbox.revoke_google(person.email)
    await world.work()
    assert await revocations(world, person) == [400]
    assert await world.rows("SELECT * FROM connections") == []


async def test_r15_connecting_again_before_the_job_has_run_is_not_undone_by_it(world: World) -> None:
    person = await disconnected(world)
    old = person.connection_id
    done = await person.connect()
    assert done["status"] == "completed"
    assert person.connection_id != old
    await world.work()
    await world.sandbox.expire_google_access_tokens(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert connection["status"] == "active", "Google revokes the whole grant, whichever token is named"
    assert [row["id"] for row in await world.rows("SELECT id FROM connections")] == [
        row["connection_id"] for row in await world.rows("SELECT connection_id FROM connection_tokens")
    ]
    assert len(await world.rows("SELECT * FROM connections")) == 1


async def test_r15_what_was_booked_is_found_again_though_the_old_connection_ends_last(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await world.work()
    async with failing(world.sandbox, "unavailable", path="/revoke$"):
        await person.delete(f"/v1/connections/{person.connection_id}")
        await world.work()
        await person.connect()
        await world.work()
        assert len(await world.rows("SELECT id FROM connections")) == 2, "the old one waits for its grant to end"
    await run_later(world)
    assert len(await world.rows("SELECT id FROM connections")) == 1
    later = person.at(4, "14:00")
    moved = await person.post(f"/v1/bookings/{booked['id']}/reschedule", {"start_at": later.isoformat()})
    assert moved.status_code == 200, moved.text
    await world.work()
    [event] = await world.sandbox.google_events(person.email)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == later


async def test_r15_what_was_booked_under_an_earlier_name_is_found_again(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.book(page["id"], person.at(3, "10:00").isoformat())
    await world.work()
    await world.rows("UPDATE calendar_writes SET subject = 'an earlier one', provider_calendar_id = 'as well'")
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await person.connect()
    await world.work()
    assert [row["calendar_id"] is not None for row in await world.rows("SELECT calendar_id FROM calendar_writes")] == [
        True
    ]


async def test_r15_events_already_booked_stay_in_the_calendar(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booked = await person.book(page["id"], person.at(3, "10:00").isoformat())
    await world.work()
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    events = await world.sandbox.google_events(person.email)
    assert [event["status"] for event in events] == ["confirmed"]
    assert (await person.get(f"/v1/bookings/{booked.json()['id']}")).json()["status"] == "confirmed"


async def test_r12_after_disconnecting_another_account_may_be_connected(world: World) -> None:
    person = await disconnected(world)
    await world.work()
    await world.sandbox.google_account("other-account@example.com")
    started = (await person.start_connecting()).json()
    await person.consent(started["authorization_url"], email="other-account@example.com")
    items = (await person.get("/v1/connections")).json()["items"]
    assert [item["email"] for item in items] == ["other-account@example.com"]


async def test_r53_nobody_else_sees_or_touches_a_connection(world: World) -> None:
    person = await world.connected()
    colleague = await world.person(account_id=person.account_id)
    foreigner = await world.person()
    ours, never = f"/v1/connections/{person.connection_id}", f"/v1/connections/{encode_id('conn', new_id())}"
    for somebody in (colleague, foreigner):
        assert (await somebody.get("/v1/connections")).json()["items"] == []
        for path in (ours, never, f"{ours}/calendars", f"{ours}/sync"):
            problem(await somebody.get(path), 404, "not_found")
        problem(await somebody.post(f"{ours}/sync"), 404, "not_found")
        problem(await somebody.delete(ours), 404, "not_found")
    assert (await person.get(ours)).json()["status"] == "active"
    problem(await person.get("/v1/connections/conn_nonsense"), 404, "not_found")
    problem(await person.get(ours.replace("conn_", "cal_")), 404, "not_found")
