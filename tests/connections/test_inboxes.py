"""Inboxes beside calendars (R10, R11)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.ids import encode_id, new_id
from tests.support.database import owner
from tests.support.people import Person
from tests.support.world import World, problem

PATH = "/v1/inboxes"


async def inboxes(person: Person) -> list[dict[str, object]]:
    answer = await person.get(PATH)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_r11_connecting_a_calendar_connects_its_inbox_and_the_inbox_goes_alone(world: World) -> None:
    person = await world.connected()
    [inbox] = await inboxes(person)
    assert (inbox["kind"], inbox["email"], inbox["user_id"]) == ("personal", person.email, person.user_id)
    assert (inbox["connection_id"], inbox["allowed_actions"]) == (person.connection_id, ["disconnect"])
    assert (await person.delete(f"{PATH}/{inbox['id']}")).status_code == 204
    assert await inboxes(person) == []
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert connection["status"] == "active", "the calendar stays"
    problem(await person.delete(f"{PATH}/{inbox['id']}"), 404, "not_found")


async def test_r11_the_calendar_goes_and_the_inbox_stays(world: World) -> None:
    person = await world.connected()
    assert (await person.delete(f"/v1/connections/{person.connection_id}")).status_code == 204
    await world.work()
    assert len(await inboxes(person)) == 1
    await person.connect()
    [inbox] = await inboxes(person)
    assert inbox["connection_id"] == person.connection_id, "and comes with the new connection"


async def test_r11_healing_a_calendar_does_not_bring_back_the_inbox_its_person_let_go(world: World) -> None:
    person = await world.connected()
    before = person.connection_id
    [inbox] = await inboxes(person)
    await person.delete(f"{PATH}/{inbox['id']}")
    assert (await person.reauthorize())["status"] == "completed"
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{before}/sync")
    await world.work()
    assert (await person.connect())["connection_id"] == before
    assert await inboxes(person) == []
    service = await world.service(person.account_id)
    await service.post(PATH, {"kind": "shared", "email": person.email})
    refused = await person.reauthorize()
    assert (refused["status"], refused["code"]) == ("failed", "inbox_is_shared"), "R10 holds for it all the same"


async def test_r11_an_inbox_let_go_comes_back_with_a_calendar_that_is_connected_anew(world: World) -> None:
    person = await world.connected()
    [inbox] = await inboxes(person)
    await person.delete(f"{PATH}/{inbox['id']}")
    await person.delete(f"/v1/connections/{person.connection_id}")
    await world.work()
    await person.connect()
    assert [item["connection_id"] for item in await inboxes(person)] == [person.connection_id]


async def test_r10_the_calendar_of_a_shared_inbox_cannot_be_connected(world: World) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    service = await world.service(person.account_id)
    shared = {"kind": "shared", "email": person.email.upper()}
    made = await service.post(PATH, shared)
    assert (made.status_code, made.headers["Location"]) == (201, f"{PATH}/{made.json()['id']}")
    done = await person.connect()
    assert (done["status"], done["code"]) == ("failed", "inbox_is_shared")
    assert (await person.get("/v1/connections")).json()["items"] == []
    assert await world.rows("SELECT * FROM connection_tokens") == []
    [seen] = await inboxes(person)
    assert seen["allowed_actions"] == [], "only the CRM lets a shared inbox go"
    problem(await person.delete(f"{PATH}/{seen['id']}"), 404, "not_found")
    assert (await service.delete(f"{PATH}/{seen['id']}")).status_code == 204
    assert (await person.connect())["status"] == "completed"


async def test_r10_another_accounts_shared_inbox_is_nobodys_business(world: World) -> None:
    person, stranger = await world.person(), await world.person()
    service = await world.service(stranger.account_id)
    assert (await service.post(PATH, {"kind": "shared", "email": person.email})).status_code == 201
    await world.sandbox.google_account(person.email)
    assert (await person.connect())["status"] == "completed"
    assert [item["kind"] for item in await inboxes(person)] == ["personal"]


async def test_r11_an_address_is_registered_once_and_for_its_owner(world: World) -> None:
    person, colleague = await world.person(), await world.person()
    own = {"kind": "personal", "email": "ada.inbox@example.com"}
    assert (await person.post(PATH, own)).json()["user_id"] == person.user_id
    problem(await person.post(PATH, own | {"email": "Ada.Inbox@example.com"}), 409, "already_connected")
    problem(await person.post(PATH, own | {"user_id": colleague.user_id}), 422, "validation_failed")
    problem(await person.post(PATH, {"kind": "shared", "email": "not an address"}), 422, "validation_failed")
    service = await world.service(person.account_id)
    problem(await service.post(PATH, own | {"email": "b@example.com"}), 422, "validation_failed")
    nobody = encode_id("usr", new_id())
    problem(await service.post(PATH, own | {"email": "b@example.com", "user_id": nobody}), 422, "validation_failed")
    mute = await world.person(account_id=person.account_id)
    await mute.refresh_token(service=True, sub="service:reports", permissions=[])
    problem(await mute.post(PATH, {"kind": "shared", "email": "c@example.com"}), 403, "forbidden")
    problem(await mute.get(PATH), 403, "forbidden")
    [known] = (await person.get(PATH)).json()["items"]
    problem(await mute.delete(f"{PATH}/{known['id']}"), 403, "forbidden")
    named = await service.post(PATH, own | {"email": "b@example.com", "user_id": person.user_id})
    assert (named.status_code, named.json()["user_id"]) == (201, person.user_id)


async def test_r10_nobody_locks_a_colleague_out_by_calling_their_address_shared(world: World) -> None:
    person = await world.person()
    colleague = await world.person(account_id=person.account_id)
    for known in (person, colleague):
        await known.get("/v1/me")
    for email in (colleague.email, person.email.upper()):
        refused = problem(await person.post(PATH, {"kind": "shared", "email": email}), 422, "validation_failed")
        assert [error["pointer"] for error in refused["errors"]] == ["/email"]
    assert (await person.post(PATH, {"kind": "shared", "email": "support@example.com"})).status_code == 201
    await world.sandbox.google_account(colleague.email)
    assert (await colleague.connect())["status"] == "completed"


@pytest.mark.parametrize("whose", ["a colleague's word", "somebody's who left"])
async def test_r11_an_inbox_is_theirs_who_connects_its_mailbox(world: World, whose: str) -> None:
    person = await world.person()
    colleague = await world.person(account_id=person.account_id)
    await person.get("/v1/me")
    taken = await colleague.post(PATH, {"kind": "personal", "email": person.email})
    assert taken.status_code == 201, taken.text
    if whose == "somebody's who left":
        service = await world.service(person.account_id)
        assert (await service.delete(f"/v1/users/{colleague.user_id}")).status_code == 204
    await world.sandbox.google_account(person.email)
    await person.connect()
    [inbox] = await inboxes(person)
    assert (inbox["user_id"], inbox["connection_id"]) == (person.user_id, person.connection_id)
    assert (await person.delete(f"{PATH}/{inbox['id']}")).status_code == 204


async def test_r11_of_two_who_connect_one_mailbox_the_first_keeps_its_inbox(world: World) -> None:
    first = await world.connected()
    second = await world.person(account_id=first.account_id)
    await second.connect(email=first.email)
    await world.work()
    [inbox] = await inboxes(first)
    assert (inbox["user_id"], inbox["connection_id"]) == (first.user_id, first.connection_id)
    assert await inboxes(second) == []


async def test_r11_inboxes_are_listed_over_cursors(world: World) -> None:
    person = await world.person()
    for number in range(3):
        await person.post(PATH, {"kind": "shared", "email": f"team{number}@example.com"})
    first = (await person.get(PATH, limit=2)).json()
    rest = (await person.get(PATH, limit=2, cursor=first["next_cursor"])).json()
    emails = [item["email"] for item in (*first["items"], *rest["items"])]
    assert (emails, rest["next_cursor"]) == ([f"team{number}@example.com" for number in range(3)], None)


async def test_r11_an_address_registered_twice_at_once_is_registered_once(world: World) -> None:
    person = await world.person()
    await person.get("/v1/me")
    async with being_registered(world, "personal"):
        second = asyncio.create_task(person.post(PATH, {"kind": "personal", "email": person.email}))
        await held_up(world)
    problem(await second, 409, "already_connected")
    assert len(await inboxes(person)) == 1


@pytest.mark.parametrize(("kind", "status"), [("personal", "completed"), ("shared", "failed")])
async def test_r10_r11_an_inbox_registered_while_its_calendar_is_being_connected(
    world: World, kind: str, status: str
) -> None:
    person = await world.person()
    await world.sandbox.google_account(person.email)
    await person.get("/v1/me")
    async with being_registered(world, kind):
        connecting = asyncio.create_task(person.connect())
        await held_up(world)
    done = await connecting
    assert (done["status"], done["code"]) == (status, None if kind == "personal" else "inbox_is_shared")
    [inbox] = await inboxes(person)
    assert (inbox["kind"], inbox["connection_id"]) == (kind, done["connection_id"])


@asynccontextmanager
async def being_registered(world: World, kind: str) -> AsyncIterator[None]:
    """The only user's address is registered by a transaction that ends with the block."""
    connections = await owner(world.database_url)
    async with connections.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            INSERT INTO inboxes (account_id, id, kind, email, address, user_id)
            SELECT account_id, gen_random_uuid(), $1, email, lower(email), id FROM users
            """,
            kind,
        )
        yield


async def held_up(world: World) -> None:
    """Until somebody waits for another's transaction."""
    for _ in range(500):
        if await world.rows("SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")
