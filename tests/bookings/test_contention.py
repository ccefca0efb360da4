"""Two hundred at once: whoever is told yes has the time, and everybody else is told what else is open (R45, P1, P2).

The one rule: see `tests.bookings.contention`. What is left to chance has one seed in a normal run, and ten in

    CALENDAR_CONNECT_LONG=1 pytest tests/bookings/test_contention.py
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import product
from typing import Any

import asyncpg
import pytest

from app.ids import decode_id
from tests.bookings.contention import (
    HALF_HOUR,
    Crowd,
    accepting,
    asking,
    assert_kept,
    at,
    booking,
    cancelling,
    crowd_of,
    engaged,
    keeping,
    moving,
    won,
)
from tests.bookings.requesting import Asked, ask, connected
from tests.support.long import normally
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.visitors import Visit, held, our_events, visit
from tests.support.world import World, open_world

MANY = 200
SEEDS = normally((1,), when_long=tuple(range(1, 11)))


@pytest.fixture
async def crowd(world: World) -> AsyncIterator[Crowd]:
    async with crowd_of(world) as gathered:
        yield gathered


async def full_house(crowd: Crowd, person: Person, count: int) -> tuple[dict[str, Any], list[Visit]]:
    """A page, and bookings of one half hour after the other."""
    page = await person.make_page()
    first = person.at(3, "08:00").astimezone(UTC)  # days of half hours: what clocks show may skip some of them
    answers = await crowd.all_at_once(booking(page, first + number * HALF_HOUR) for number in range(count))
    assert len(won(answers)) == count
    return page, [held(person.api, answer) for answer in answers]


async def pages_of(people: list[Person], **shape: Any) -> list[dict[str, Any]]:
    """Groups, round robins and personal pages of four people."""
    ada, ben, cem, dot = people
    return [
        await team_page([ada, ben], "group", **shape),
        await team_page([dot, cem, ada], "group", **shape),
        await team_page(people, "round_robin", **shape),
        await team_page([cem, ben], "round_robin", **shape),
        *[await person.make_page(**shape) for person in people],
    ]


def places(visits: list[Visit]) -> dict[str, datetime]:
    return {visit.id: visit.start_at for visit in visits}


async def test_r45_groups_of_the_same_people_in_whatever_order_have_a_slot_once(world: World, crowd: Crowd) -> None:
    ada, ben, cem, dot = await colleagues(world, 4)
    teams = [[ada, ben, cem, dot], [dot, cem, ben, ada], [ben, ada], [cem, dot]]
    pages = [await team_page(team, "group") for team in teams]
    start = ada.at(3, "10:00")
    answers = await crowd.all_at_once(booking(pages[number % 4], start) for number in range(MANY))
    booked = won(answers)
    assert len(booked) in {1, 2}, "all four together, or the two pairs"
    assert len(await engaged(world)) == 4, "nobody twice, and nobody sits by while two are wanted"
    await assert_kept(world, {body["id"]: at(body) for body in booked})


@pytest.mark.parametrize("seed", SEEDS)
async def test_r45_groups_turns_and_personal_pages_of_the_same_people_never_overlap(
    world: World, crowd: Crowd, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    people = await colleagues(world, 4)
    shape = {"durations_minutes": [30, 60], "increment_minutes": 15, "buffer_after_minutes": 10}
    pages, ada = await pages_of(people, **shape), people[0]
    first = ada.at(3, "10:00")
    wishes = [
        (chance.choice(pages), first + chance.randrange(12) * HALF_HOUR / 2, chance.choice((30, 60)))
        for _ in range(MANY)
    ]
    answers = await crowd.all_at_once(booking(*each) for each in wishes)
    booked = won(answers)
    await assert_kept(world, {body["id"]: at(body) for body in booked})
    refused = [each for each, answer in zip(wishes, answers, strict=True) if not answer.is_success]
    for page, minutes in product(pages, (30, 60)):
        wanted = {start for chosen, start, length in refused if (chosen, length) == (page, minutes)}
        offered = {at(slot) for slot in await ada.slots(page["id"], ada.day(3), duration_minutes=minutes)}
        assert wanted & offered == set(), "refused to everybody, and taken by nobody"
    await world.work()
    assert sum([len(await our_events(world, person)) for person in people]) == len(booked)


async def test_r44_r45_who_clicks_twice_takes_one_turn_and_reads_the_same_twice(world: World, crowd: Crowd) -> None:
    people = await colleagues(world, 5)
    page, first = await team_page(people, "round_robin"), people[0].at(3, "10:00")
    visitors = range(MANY // 2)
    clicks = [booking(page, first + (number % 3) * HALF_HOUR, key=f"visitor-{number}") for number in visitors]
    answers = await crowd.all_at_once([*clicks, *clicks])
    promised = {body["id"]: at(body) for body in won(answers)}
    assert len(promised) == 15, "five hosts, three half hours"
    await assert_kept(world, promised)
    for one, other in zip(answers[: MANY // 2], answers[MANY // 2 :], strict=True):
        assert (one.status_code, one.json().get("id")) == (other.status_code, other.json().get("id"))
    assert sorted(Counter(host for host, _, _ in await engaged(world)).values()) == [3] * 5


async def test_r47_who_wants_to_swap_keeps_the_own_time(world: World, crowd: Crowd) -> None:
    """Neither time is free before the other has moved: nobody is moved halfway, and nobody is left without."""
    person = await world.connected()
    _, visits = await full_house(crowd, person, MANY)
    others = [visits[number ^ 1] for number in range(MANY)]
    deeds = [moving(visit, other.start_at) for visit, other in zip(visits, others, strict=True)]
    assert won(await crowd.all_at_once(deeds)) == []
    await assert_kept(world, places(visits))


async def test_r47_of_a_row_that_moves_up_everybody_is_in_one_place(world: World, crowd: Crowd) -> None:
    """The last moves to a free slot. Who comes after the one in front has moved moves up as well, and no other does."""
    person = await world.connected()
    _, visits = await full_house(crowd, person, MANY)
    answers = await crowd.all_at_once(moving(visit, visit.start_at + HALF_HOUR) for visit in visits)
    won(answers)
    moved = [answer.is_success for answer in answers]
    assert moved == sorted(moved), "one moved onto another"
    assert moved[-1]
    promised = {visit.id: visit.start_at + HALF_HOUR * ok for visit, ok in zip(visits, moved, strict=True)}
    await assert_kept(world, promised)


async def test_r47_of_all_who_move_to_one_free_slot_one_is_moved(world: World, crowd: Crowd) -> None:
    person = await world.connected()
    _, visits = await full_house(crowd, person, MANY)
    to = visits[0].start_at - HALF_HOUR
    [moved] = won(await crowd.all_at_once(moving(visit, to) for visit in visits))
    assert at(moved) == to
    await assert_kept(world, places(visits) | {moved["id"]: to})


@pytest.mark.parametrize("seed", SEEDS)
async def test_r47_whatever_teams_move_cancel_and_book_at_once_nobody_is_engaged_twice(
    world: World, crowd: Crowd, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    people = await colleagues(world, 4)
    pages, ada = await pages_of(people), people[0]
    first = ada.at(3, "08:00").astimezone(UTC)
    wishes = [(chance.choice(pages), first + chance.randrange(40) * HALF_HOUR) for _ in range(MANY // 2)]
    answers = await crowd.all_at_once(booking(*each) for each in wishes)
    won(answers)
    visits = [held(ada.api, answer) for answer in answers if answer.is_success]
    deeds = [
        cancelling(visit) if chance.random() < 0.2 else moving(visit, first + chance.randrange(40) * HALF_HOUR)
        for visit in visits
    ]
    rest = [booking(chance.choice(pages), first + chance.randrange(40) * HALF_HOUR) for _ in range(MANY - len(visits))]
    promised = places(visits)
    for body in won(await crowd.all_at_once([*deeds, *rest])):
        promised[body["id"]] = at(body)
        if body["status"] == "cancelled":
            del promised[body["id"]]
    await assert_kept(world, promised)


async def requested(crowd: Crowd, host: Person, page: dict[str, Any], start: datetime, count: int) -> list[Asked]:
    answers = await crowd.all_at_once(asking(page, start, number) for number in range(count))
    return [Asked(host.api, body["id"], body["booking_token"]) for body in won(answers)]


@pytest.mark.parametrize("kind", ["group", "round_robin"])
async def test_r26_r45_accepting_for_a_team_against_booking_its_people_engages_each_once(
    world: World, crowd: Crowd, kind: str
) -> None:
    owner = await world.person()
    people = [owner, *[await world.person(account_id=owner.account_id) for _ in range(2)]]
    for person in people:
        await person.get("/v1/me")
    page, own = await team_page(people, kind), [await person.make_page() for person in people]
    start = owner.at(3, "10:00")
    asked = await requested(crowd, owner, page, start, MANY // 4)
    for person in people:
        await connected(world, person)
    deeds = [accepting(owner, item) for item in asked for _ in range(2)]
    deeds += [booking(chosen, start) for chosen in [page, *own] * (MANY // 8)]
    random.Random(kind).shuffle(deeds)  # noqa: S311 - to be repeated
    answers = await crowd.all_at_once(deeds)
    twice = [answer for answer in answers if answer.status_code == 409 and answer.json()["code"] == "already_processed"]
    booked = won(answer for answer in answers if answer not in twice)
    accepted = [body for body in booked if "booking_id" in body]
    assert len(twice) <= len(accepted), "each was accepted by two"
    assert len(await engaged(world)) == 3, "each of the three, once"
    await assert_kept(world, {body.get("booking_id", body["id"]): at(body) for body in booked})


async def test_r45_booking_moving_keeping_and_accepting_want_one_slot_and_one_has_it(
    world: World, crowd: Crowd
) -> None:
    person = await world.person()
    page, start = await person.make_page(), person.at(3, "07:00")
    asked = await requested(crowd, person, page, start, MANY // 4)
    await connected(world, person)
    _, visits = await full_house(crowd, person, MANY // 4)
    deeds = [moving(visit, start) for visit in visits]
    deeds += [accepting(person, item) for item in asked]
    deeds += [deed for _ in range(MANY // 4) for deed in (booking(page, start), keeping(page, start))]
    random.Random(1).shuffle(deeds)  # noqa: S311 - to be repeated
    [winner] = won(await crowd.all_at_once(deeds))
    at_start = [until for _, begins, until in await engaged(world) if begins == start]
    assert at_start == [start + HALF_HOUR]
    assert at(winner) == start


@pytest.mark.parametrize("how", ["moving", "accepting"])
async def test_p1_who_waits_for_one_host_keeps_nobody_else_waiting(world: World, how: str) -> None:
    """Somebody has the host's row and takes their time. The service has four connections, and eight want the host."""
    person, other = await world.person(), await world.connected()
    page = await person.make_page()
    first = person.at(3, "10:00")
    asked = [await ask(person, page, 3, "10:00", email=f"visitor-{number}@example.com") for number in range(8)]
    await connected(world, person)
    visits = [await visit(person, page, first + number * HALF_HOUR) for number in range(1, 9)]
    deeds = {
        "moving": [moving(item, first) for item in visits],
        "accepting": [accepting(person, item) for item in asked],
    }
    few = world.services.settings.model_copy(update={"database_pool_size": 4, "live_check_seconds": 10.0})
    async with open_world(few, world.sandbox) as small:
        async with somebody_has(world, person):
            waiting = [asyncio.create_task(deed(small.api)) for deed in deeds[how]]
            await until_one_waits(world)
            for _ in range(12):
                answer = await asyncio.wait_for(small.api.get("/v1/scheduling-pages", headers=other.headers), 9)
                assert answer.status_code == 200, answer.text
        codes = Counter(answer.status_code for answer in await asyncio.gather(*waiting))
    assert codes.keys() <= {200, 409}, codes
    assert codes[200] <= 1, "one slot"


@asynccontextmanager
async def somebody_has(world: World, person: Person) -> AsyncIterator[None]:
    """A transaction that has locked the host, and does not end."""
    connection = await asyncpg.connect(world.database_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", decode_id("usr", person.user_id)
            )
            yield
    finally:
        await connection.close()


async def until_one_waits(world: World) -> None:
    for _ in range(600):
        if await world.rows("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody waits for the host")
