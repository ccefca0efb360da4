"""What changes between the look and the booking: while the provider is asked, everybody goes on (R41, R44).

The one rule: what counts is how things stand when the booking is made; a visitor is told what they would be told then.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.gate import Gate
from tests.support.people import Person
from tests.support.world import World, problem

PAGES = "/v1/scheduling-pages"
SAVE = "/v1/calendar-settings"
Deed = Callable[[World, Person, str], Awaitable[object]]


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
    booking = asyncio.create_task(person.book(page["id"], person.at(3, "10:00").isoformat()))
    await gate.wait()
    await deed(world, person, page["id"])
    await gate.open()
    problem(await booking, status, code)
    assert await world.rows("SELECT FROM bookings") == []
    assert await world.rows("SELECT FROM mails WHERE kind LIKE 'confirmed%'") == []
