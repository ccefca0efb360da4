"""What changes between the look and the booking: while the provider is asked, everybody goes on (R41, R44).

The one rule: what counts is how things stand when the booking is made; a visitor is told what they would be told then.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from tests.bookings.test_concurrency import wish
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.gate import Gate
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.world import World, open_world, problem

PAGES = "/v1/scheduling-pages"
SAVE = "/v1/calendar-settings"
Deed = Callable[[World, Person, str], Awaitable[object]]


@asynccontextmanager
async def patient(world: World) -> AsyncIterator[World]:
    """Another process, which waits for a calendar as long as a test needs."""
    settings = world.services.settings.model_copy(update={"live_check_seconds": 30.0})
    async with open_world(settings, world.sandbox) as other:
        yield other


async def wanting(world: World, page: dict[str, Any], start: datetime) -> httpx.Response:
    """A visitor wants the slot."""
    return await world.api.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json=wish(start))


async def turn_off(_: World, person: Person, page_id: str) -> object:
    return await person.patch(SAVE, {"turned_off": True})


async def untick(_: World, person: Person, page_id: str) -> object:
    return await person.patch(SAVE, {"scheduling_pages": False})


async def delete(_: World, person: Person, page_id: str) -> object:
    other = await person.make_page(name="Another")
    await person.patch(SAVE, {"default_page_id": other["id"]})
    return await person.delete(f"{PAGES}/{page_id}")


async def give_up_the_length(_: World, person: Person, page_id: str) -> object:
    return await person.patch(f"{PAGES}/{page_id}", {"durations_minutes": [45]})


async def close_the_day(_: World, person: Person, page_id: str) -> object:
    return await person.patch(
        f"{PAGES}/{page_id}", {"date_overrides": [{"day": person.day(3).isoformat(), "hours": []}]}
    )


async def shorten_the_window(_: World, person: Person, page_id: str) -> object:
    return await person.patch(f"{PAGES}/{page_id}", {"booking_window": {"kind": "rolling_days", "days": 1}})


async def lose_the_calendar(world: World, _: Person, page_id: str) -> object:
    return await world.rows("UPDATE calendars SET inactive_reason = 'access_lost'")


async def break_the_connection(world: World, _: Person, page_id: str) -> object:
    return await world.rows("UPDATE connections SET status = 'reauthorization_required'")


async def disconnect(_: World, person: Person, page_id: str) -> object:
    return await person.delete(f"/v1/connections/{person.connection_id}")


@pytest.mark.parametrize(
    ("deed", "status", "code"),
    [
        (turn_off, 404, "page_turned_off"),
        (untick, 404, "page_turned_off"),
        (delete, 404, "not_found"),
        (give_up_the_length, 422, "validation_failed"),
        (close_the_day, 409, "slot_unavailable"),
        (shorten_the_window, 422, "outside_booking_window"),
        (lose_the_calendar, 409, "booking_unavailable"),
        (break_the_connection, 409, "booking_unavailable"),
        (disconnect, 409, "booking_unavailable"),
    ],
)
async def test_r44_what_was_changed_while_the_calendar_was_asked_counts(
    world: World, monkeypatch: pytest.MonkeyPatch, deed: Deed, status: int, code: str
) -> None:
    person = await world.connected()
    page = await person.make_page()
    gate = Gate.at(monkeypatch, "free_busy")
    async with patient(world) as other:
        asking = asyncio.create_task(wanting(other, page, person.at(3, "10:00")))
        await gate.wait()
        await deed(world, person, page["id"])
        await gate.open()
        problem(await asking, status, code)
    assert await world.rows("SELECT FROM bookings") == []
    assert await world.rows("SELECT FROM mails WHERE kind LIKE 'confirmed%'") == []


async def test_r27_whose_turn_it_is_is_decided_by_what_others_have_booked_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await colleagues(world, 2)
    page = await team_page(people, "round_robin")
    gate = Gate.at(monkeypatch, "free_busy")
    async with patient(world) as other:
        first = asyncio.create_task(wanting(other, page, people[0].at(3, "10:00")))
        await gate.wait()
        second = await wanting(world, page, people[0].at(3, "12:00"))
        await gate.open()
        assert [(await first).status_code, second.status_code] == [201, 201]
    hosts = await world.rows("SELECT host_id FROM bookings")
    assert len({row["host_id"] for row in hosts}) == 2, "nobody has two turns while somebody waits for one"


async def test_r26_who_connects_while_they_are_asked_is_booked_by_the_next_attempt(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.rows("UPDATE connections SET disconnected_at = now()")
    connecting = await asyncpg.connect(world.database_url)
    try:
        async with connecting.transaction():
            await connecting.execute("SELECT FROM users FOR NO KEY UPDATE")
            asking = asyncio.create_task(wanting(world, page, person.at(3, "10:00")))
            while not await waiting_for_locks(world):  # noqa: ASYNC110 - the database's own record
                await asyncio.sleep(0.02)
            await connecting.execute("UPDATE connections SET disconnected_at = NULL")
        refused = await asking
    finally:
        await connecting.close()
    problem(refused, 409, "booking_unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert await world.rows("SELECT FROM meeting_requests") == []
    assert (await wanting(world, page, person.at(3, "10:00"))).status_code == 201
