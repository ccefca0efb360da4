"""Holds and bookings that want the same time at once (R45, R48).

The one rule: real connections, real commits; one wins, and at the end the tables are looked at.
"""

import asyncio
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from tests.bookings.test_concurrency import assert_consistent
from tests.bookings.test_holds import by, host, keep, kept, lapse, release, traces
from tests.support.world import World

RACERS = 200


async def test_r48_hold_against_book_two_hundred_at_once_one_wins(world: World) -> None:
    _, page, start = await host(world)
    wish = {
        "start_at": start.isoformat(), "duration_minutes": 30, "name": "Vera Visitor", "email": "vera@example.com",
        "time_zone": "UTC",
    }  # fmt: skip

    async def one(number: int) -> httpx.Response:
        async with world.visitor_at(f"198.51.{number // 250}.{number % 250}") as visitor:
            if number % 2:
                return await keep(visitor, page, start)
            return await visitor.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json=wish)

    answers = await asyncio.gather(*(one(number) for number in range(RACERS)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"slot_unavailable"}
    assert len(await world.rows("SELECT FROM reservations")) == 1
    assert len(await world.rows("SELECT FROM bookings")) + len(await world.rows("SELECT FROM slot_holds")) == 1


@pytest.mark.parametrize("lapsed", [False, True], ids=["lasting", "lapsed"])
async def test_r48_one_hold_booked_by_many_at_once_is_one_booking(world: World, lapsed: bool) -> None:
    person, page, start = await host(world)
    hold = await kept(world.api, page, start)
    if lapsed:
        await lapse(world)
    booking = [person.book(page["id"], start.isoformat(), **by(hold)) for _ in range(12)]
    letting_go = [release(world, hold) for _ in range(4)]
    strangers = [person.book(page["id"], start.isoformat(), name="Other") for _ in range(12)]
    answers = await asyncio.gather(*booking, *letting_go, *strangers, *(world.services.holds.sweep() for _ in range(3)))
    codes = Counter(answer.status_code for answer in answers if isinstance(answer, httpx.Response))
    assert codes == {201: 1, 204: 4, 409: 23}
    assert await assert_consistent(world) == 1


async def test_r48_whatever_happens_to_many_holds_at_once_no_two_have_the_same_time(world: World) -> None:
    _, page, start = await host(world, durations_minutes=[30, 60], increment_minutes=15, buffer_after_minutes=15)

    async def visitor(number: int) -> Counter[int]:
        seen: Counter[int] = Counter()
        async with world.visitor_at(f"203.0.113.{number}") as api:
            at = start + timedelta(minutes=15 * (number % 12))
            answer = await keep(api, page, at, duration_minutes=30 * (1 + number % 2))
            seen[answer.status_code] += 1
            if answer.status_code == 201 and number % 3:
                body = {
                    "start_at": at.isoformat(), "duration_minutes": 30 * (1 + number % 2), "name": "Vera Visitor",
                    "email": f"vera{number}@example.com", "time_zone": "UTC", **by(answer.json()),
                }  # fmt: skip
                path = f"/v1/public/scheduling-pages/{page['id']}/bookings"
                seen[(await api.post(path, json=body)).status_code] += 1
            elif answer.status_code == 201:
                assert (await release(world, answer.json())).status_code == 204
        return seen

    seen = sum(await asyncio.gather(*(visitor(number) for number in range(48))), Counter[int]())
    assert set(seen) == {201, 409}, "who holds the slot gets it"
    assert await assert_consistent(world) >= 1
    assert await traces(world) == [0, 0, 0]
