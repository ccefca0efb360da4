"""A page's daily limit, when many want different times of one day at once (R32, R45).

The one rule: times that do not overlap are refused by no constraint: the lock of the host alone keeps the count.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.bookings.contention import HALF_HOUR, booking, crowd_of
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.world import World

MANY = 24


async def assert_two_of_many_book(world: World, page: Mapping[str, Any], person: Person) -> None:
    first = person.at(3, "08:00")
    async with crowd_of(world) as crowd:
        answers = await crowd.all_at_once(booking(page, first + number * HALF_HOUR) for number in range(MANY))
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: MANY - 2}
    assert len(await world.rows("SELECT FROM reservations")) == 2


async def test_r32_r45_a_daily_limit_holds_however_many_book_at_once(world: World) -> None:
    person = await world.connected()
    page = await person.make_page(daily_limit=2)
    await assert_two_of_many_book(world, page, person)


async def test_r27_r32_the_limit_of_a_round_robin_holds_whoever_of_them_is_booked(world: World) -> None:
    people = await colleagues(world, 3)
    page = await team_page(people, "round_robin", daily_limit=2)
    await assert_two_of_many_book(world, page, people[0])


async def test_r27_turns_are_kept_before_several_processes(world: World) -> None:
    people = await colleagues(world, 3)
    page, first = await team_page(people, "round_robin"), people[0].at(3, "08:00")
    async with crowd_of(world) as crowd:
        answers = await crowd.all_at_once(booking(page, first + number * HALF_HOUR) for number in range(9))
    assert [answer.status_code for answer in answers] == [201] * 9
    hosted = await world.rows("SELECT count(*) AS meetings FROM bookings GROUP BY host_id ORDER BY host_id")
    assert [row["meetings"] for row in hosted] == [3, 3, 3]
