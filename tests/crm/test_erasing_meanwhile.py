"""Who is erased while something of theirs is being written: it is struck once it is there (R54)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.accounts.life import found
from tests.bookings.requesting import accept, ask
from tests.crm.scene import VERA, make_contact
from tests.crm.test_erasing import erase
from tests.scheduling.test_proposals_booked import waiting_for_locks
from tests.support.world import World


@asynccontextmanager
async def uncommitted(world: World, table: str) -> AsyncIterator[None]:
    """Who writes to a table waits there, with everything before it written and not committed."""
    gate = await asyncpg.connect(world.database_url)
    try:
        async with gate.transaction():
            await gate.execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield
    finally:
        await gate.close()


async def until_waiting(world: World, number: int) -> None:
    while await waiting_for_locks(world) < number:  # noqa: ASYNC110 - the database's own record
        await asyncio.sleep(0.02)


async def test_r54_who_is_erased_while_they_book_does_not_come_back(world: World) -> None:
    person = await world.connected()
    guest = await make_contact(person, "guest@example.com", name="Gunnar Guest")
    contact, page = await make_contact(person), await person.make_page(max_guests=2)
    async with uncommitted(world, "reservations"):
        wish = {"guests": ["guest@example.com", "third@example.com"]}
        booking = asyncio.create_task(person.book(page["id"], person.at(3, "10:00").isoformat(), **wish))
        await until_waiting(world, 1)
        await erase(person, contact)
        await erase(person, guest)
    assert (await booking).status_code == 201
    await world.work()
    assert (await person.get("/v1/contacts")).json()["items"] == []
    assert (await person.get("/v1/engagements")).json()["items"] == []
    assert await found(world, VERA, "Vera Visitor", "guest@example.com") == {}, "nor does anything they typed stay"
    [read] = (await person.get("/v1/bookings")).json()["items"]
    assert (read["visitor_email"], read["guests"], read["status"]) == ("", ["third@example.com"], "confirmed")


async def test_r54_who_is_erased_while_they_ask_does_not_come_back(world: World) -> None:
    person = await world.person()
    contact, page = await make_contact(person), await person.make_page()
    async with uncommitted(world, "due_requests"):
        asking = asyncio.create_task(ask(person, page, 3, "10:00"))
        await until_waiting(world, 1)
        await erase(person, contact)
    asked = await asking
    await world.work()
    assert (await person.get("/v1/contacts")).json()["items"] == []
    assert await found(world, VERA, "Vera Visitor") == {}
    assert (await person.get(f"/v1/meeting-requests/{asked.id}")).json()["status"] == "expired"


async def test_r54_who_is_erased_while_their_request_is_accepted_is_not_booked_by_name(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.delete(f"/v1/connections/{person.connection_id}")
    asked = await ask(person, page, 3, "10:00")
    await person.connect()
    await world.work()
    [contact] = (await person.get("/v1/contacts")).json()["items"]
    async with uncommitted(world, "reservations"):
        accepted = asyncio.create_task(accept(person, asked))
        await until_waiting(world, 1)
        erased = asyncio.create_task(erase(person, contact))
        await until_waiting(world, 2)
    assert (await accepted).status_code == 200
    await erased
    assert await found(world, VERA, "Vera Visitor") == {}, "also before anything is recorded"
    await world.work()
    assert await found(world, VERA, "Vera Visitor") == {}
    assert (await person.get("/v1/contacts")).json()["items"] == []
