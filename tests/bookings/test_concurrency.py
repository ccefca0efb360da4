"""Many at once: two bookings of one host never overlap (R45, P1).

The one rule: real connections, real commits; at the end the tables are looked at, not the answers alone.
"""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.ids import decode_id
from prove.contention_invariants import broken
from tests.support.people import Person
from tests.support.visitors import held, our_events, our_writes, visit
from tests.support.world import World

RACERS = 64


def wish(start: datetime, minutes: int = 30) -> dict[str, Any]:
    return {
        "start_at": start.isoformat(),
        "duration_minutes": minutes,
        "name": "Vera Visitor",
        "email": "vera@example.com",
        "time_zone": "UTC",
    }


async def race(world: World, wishes: list[tuple[str, dict[str, Any]]]) -> list[httpx.Response]:
    """Everybody from an address of their own, all at once."""

    async def one(number: int, page_id: str, body: dict[str, Any]) -> httpx.Response:
        async with world.visitor_at(f"198.51.{number // 250}.{number % 250}") as visitor:
            return await visitor.post(f"/v1/public/scheduling-pages/{page_id}/bookings", json=body)

    return await asyncio.gather(*(one(number, *item) for number, item in enumerate(wishes)))


async def assert_consistent(world: World) -> int:
    """No overlap, and a reservation for each host of a confirmed booking, with its span inside; how many there are."""
    assert await broken(world.rows) == []
    return len(await world.rows("SELECT FROM reservations"))


async def test_r45_of_sixty_four_who_want_one_slot_one_gets_it(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    answers = await race(world, [(page["id"], wish(person.at(3, "10:00")))] * RACERS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {body["code"] for body in refused} == {"slot_unavailable"}
    assert all(body["alternatives"] for body in refused)
    assert await assert_consistent(world) == 1
    await world.work()
    assert len(await our_events(world, person)) == 1
    assert await our_writes(world, person) == ["insert"]


async def test_r45_two_pages_of_one_host_race_for_the_same_time(world: World) -> None:
    person = await world.connected()
    short = await person.make_page(increment_minutes=15)
    long = await person.make_page(name="Long", durations_minutes=[60], increment_minutes=15, buffer_before_minutes=30)
    start = person.at(3, "10:00")
    wishes = []
    for step in range(24):
        wishes.append((short["id"], wish(start + timedelta(minutes=15 * (step % 8)))))
        wishes.append((long["id"], wish(start + timedelta(minutes=15 * (step % 8)), 60)))
    answers = await race(world, wishes)
    assert {answer.status_code for answer in answers} == {201, 409}
    made = await assert_consistent(world)
    assert made == sum(answer.status_code == 201 for answer in answers) >= 2


async def test_r45_two_hosts_do_not_stand_in_each_others_way(world: World) -> None:
    people = [await world.connected() for _ in range(2)]
    pages = [await person.make_page() for person in people]
    answers = await race(world, [(page["id"], wish(people[0].at(3, "10:00"))) for page in pages] * 4)
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 6}


@pytest.mark.parametrize("seed", [1, 2])
async def test_r45_whatever_is_booked_moved_and_cancelled_at_once_nothing_overlaps(world: World, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    person = await world.connected()
    page = await person.make_page(
        durations_minutes=[15, 30, 60], increment_minutes=5, buffer_before_minutes=10, buffer_after_minutes=5
    )
    first = person.at(3, "09:00")

    def anywhen() -> datetime:
        return first + timedelta(minutes=5 * chance.randrange(60))

    visits = [await visit(person, page, first + timedelta(hours=hour)) for hour in (0, 2, 4)]

    async def change(number: int) -> httpx.Response:
        booking = visits[number % len(visits)]
        async with world.visitor_at(f"203.0.113.{number}") as visitor:
            booking = type(booking)(visitor, booking.id, booking.token, booking.page_id, booking.start_at)
            return await (booking.cancel() if chance.random() < 0.15 else booking.reschedule(anywhen()))

    wishes = [(page["id"], wish(anywhen(), chance.choice([15, 30, 60]))) for _ in range(30)]
    booked, changed = await asyncio.gather(
        race(world, wishes), asyncio.gather(*(change(number) for number in range(30)))
    )
    assert {answer.status_code for answer in booked} <= {201, 409}, [a.text for a in booked if a.status_code >= 500]
    assert {answer.status_code for answer in changed} <= {200, 409}, [a.text for a in changed if a.status_code >= 500]
    assert sum(answer.status_code == 200 for answer in changed) >= 1
    live = await assert_consistent(world)
    await world.work()
    assert len(await our_events(world, person)) == live
    for answer in booked:
        if answer.status_code == 201:
            assert (await held(world.api, answer).read())["calendar_event"]["status"] == "written"


async def insert_reservation(world: World, booking_id: UUID, shift: timedelta) -> None:
    """A second reservation of the same host, straight into the table."""
    connection = await asyncpg.connect(world.database_url)
    try:
        copied = await connection.execute(
            "INSERT INTO bookings SELECT (copy).*"
            " FROM (SELECT jsonb_populate_record(b, jsonb_build_object('id', $2::uuid)) AS copy"
            " FROM bookings b WHERE b.id = $1) copies",
            booking_id, UUID(int=booking_id.int + 1),
        )  # fmt: skip
        assert copied == "INSERT 0 1"
        await connection.execute(
            "INSERT INTO reservations (account_id, id, host_id, booking_id, during)"
            " SELECT account_id, gen_random_uuid(), host_id, $2, tstzrange(lower(during) + $3, upper(during) + $3)"
            " FROM reservations WHERE booking_id = $1",
            booking_id, UUID(int=booking_id.int + 1), shift,
        )  # fmt: skip
    finally:
        await connection.close()


@pytest.mark.parametrize("minutes", [0, 1, 29, -29])
async def test_r45_the_database_alone_refuses_what_overlaps(world: World, minutes: int) -> None:
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    with pytest.raises(asyncpg.ExclusionViolationError):
        await insert_reservation(world, decode_id("bkg", booking.id), timedelta(minutes=minutes))


async def test_r45_the_database_lets_stand_what_only_touches(world: World) -> None:
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await insert_reservation(world, decode_id("bkg", booking.id), timedelta(minutes=30))
    assert len(await world.rows("SELECT FROM reservations")) == 2


async def test_r47_one_booking_moved_by_many_at_once_moves_and_stays_one(world: World) -> None:
    person: Person = await world.connected()
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "10:00"))
    targets = [person.at(4, f"{hour:02}:00") for hour in range(10)]
    answers = await asyncio.gather(*(booking.reschedule(to) for to in targets))
    assert {answer.status_code for answer in answers} == {200}
    versions = sorted(answer.json()["version"] for answer in answers)
    assert versions == list(range(2, 12)), "one after the other, none lost"
    assert await assert_consistent(world) == 1
    await world.work()
    [event] = await our_events(world, person)
    assert datetime.fromisoformat(event["start"]["dateTime"]) == datetime.fromisoformat(
        (await booking.read())["start_at"]
    )


async def test_r47_of_many_with_the_same_version_one_changes_the_booking(world: World) -> None:
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    headers = {"If-Match": '"1"'}
    moves = [booking.reschedule(person.at(4, f"{hour:02}:00"), **headers) for hour in range(6)]
    answers = await asyncio.gather(*moves, *(booking.cancel(**headers) for _ in range(3)))
    assert Counter(answer.status_code for answer in answers)[200] == 1
    assert {answer.status_code for answer in answers} <= {200, 409, 412}
