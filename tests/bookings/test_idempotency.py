"""The same request twice is one booking (R44).

The one rule: what stands in the database is counted, not only what was answered.
"""

import asyncio
from datetime import timedelta

import pytest

from tests.support.people import Person
from tests.support.visitors import held, our_writes, visit
from tests.support.world import World, problem


async def made(world: World) -> tuple[int, int]:
    """How many bookings and meeting requests there are."""
    return len(await world.rows("SELECT FROM bookings")), len(await world.rows("SELECT FROM meeting_requests"))


async def keyed(person: Person, page_id: str, start: str, key: str, **wish: str):
    return await person.book(page_id, start, {"Idempotency-Key": key}, **wish)


async def test_r44_a_repeated_request_gets_the_same_answer(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    first = await keyed(person, page["id"], start, "one")
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (201, False)
    again = await keyed(person, page["id"], start, "one")
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json() == first.json()
    await world.work()
    assert await made(world) == (1, 0)
    assert await our_writes(world, person) == ["insert"]


async def test_r44_a_repeat_tells_how_the_booking_is_now(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    first = await keyed(person, page["id"], start, "one")
    assert (await held(world.api, first).cancel()).status_code == 200
    again = await keyed(person, page["id"], start, "one")
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (201, first.json()["id"], "cancelled")
    assert await made(world) == (1, 0)


async def test_r44_a_key_is_not_good_for_another_request(world: World) -> None:
    person = await world.connected()
    page, other = await person.make_page(), await person.make_page(name="Other")
    start = person.at(3, "10:00").isoformat()
    await keyed(person, page["id"], start, "one")
    problem(await keyed(person, page["id"], start, "one", name="Victor"), 422, "idempotency_key_reused")
    problem(await keyed(person, page["id"], start, "one", email="v@example.com"), 422, "idempotency_key_reused")
    elsewhere = await keyed(person, other["id"], person.at(3, "11:00").isoformat(), "one")
    assert (elsewhere.status_code, "Idempotent-Replayed" in elsewhere.headers) == (201, False)
    assert await made(world) == (2, 0)


async def test_r44_keys_of_two_accounts_have_nothing_to_do_with_each_other(world: World) -> None:
    for person in (await world.connected(), await world.connected()):
        page = await person.make_page()
        answer = await keyed(person, page["id"], person.at(3, "10:00").isoformat(), "one")
        assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)


@pytest.mark.parametrize("connected", [True, False], ids=["online", "offline"])
async def test_r44_ten_of_one_key_at_once_make_one(world: World, connected: bool) -> None:
    person = await world.connected() if connected else await world.person()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    answers = await asyncio.gather(*(keyed(person, page["id"], start, "one") for _ in range(10)))
    good = 201 if connected else 202
    assert {answer.status_code for answer in answers} <= {good, 409}, [answer.text for answer in answers]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"request_in_progress"}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == good}) == 1
    assert await made(world) == ((1, 0) if connected else (0, 1))
    assert (await keyed(person, page["id"], start, "one")).headers["Idempotent-Replayed"] == "true"


async def test_r44_a_failed_attempt_leaves_the_key_free(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00")
    blocking = await visit(person, page, start)
    problem(await keyed(person, page["id"], start.isoformat(), "one"), 409, "slot_unavailable")
    assert await world.rows("SELECT FROM idempotent_answers") == []
    await blocking.cancel()
    answer = await keyed(person, page["id"], start.isoformat(), "one")
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)


async def test_r44_a_key_is_kept_for_a_day(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(5, "10:00").isoformat()
    first = await keyed(person, page["id"], start, "one")
    world.clock.offset = timedelta(hours=23)
    assert (await keyed(person, page["id"], start, "one")).json()["id"] == first.json()["id"]
    world.clock.offset = timedelta(hours=25)
    problem(await keyed(person, page["id"], start, "one"), 409, "slot_unavailable")
    later = await keyed(person, page["id"], person.at(5, "11:00").isoformat(), "one")
    assert (later.status_code, later.json()["id"] != first.json()["id"]) == (201, True)
    assert len(await world.rows("SELECT FROM idempotent_answers")) == 1


async def test_r54_an_answer_is_forgotten_once_no_request_is_given_it_again(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await keyed(person, page["id"], person.at(5, "10:00").isoformat(), "one")
    await world.work()
    for hours, left in ((23, 1), (48, 0)):
        world.clock.offset = timedelta(hours=hours)
        await world.rows("UPDATE due_feeds SET due_at = now()")
        assert await world.services.pruner.sweep() == 1
        await world.work()
        assert len(await world.rows("SELECT FROM idempotent_answers")) == left


async def test_r44_an_odd_key_is_refused(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    for key in ("", " ", "a b", "x" * 256):
        problem(await keyed(person, page["id"], start, key), 422, "validation_failed")
    assert (await keyed(person, page["id"], start, "x" * 255)).status_code == 201
