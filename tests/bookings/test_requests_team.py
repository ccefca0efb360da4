"""Requests to pages of several people (R26, R27).

The one rule: whoever has no calendar is never taken for free, also where the others have one.
"""

import asyncio
from typing import Any

from tests.bookings.requesting import Asked, accept, ask, connected, read
from tests.support.people import Person
from tests.support.visitors import our_events
from tests.support.world import World, problem


async def two(world: World, kind: str) -> tuple[Person, Person, dict[str, Any]]:
    """Two colleagues without calendars, and a page of both."""
    owner = await world.person()
    member = await world.person(account_id=owner.account_id)
    await member.get("/v1/me")
    return owner, member, await owner.make_page(type=kind, member_ids=[member.user_id])


async def by_hand(world: World, person: Person) -> None:
    times = [{"dateTime": person.at(3, clock).isoformat()} for clock in ("10:00", "11:00")]
    await world.sandbox.google_account(person.email)
    await world.sandbox.insert_google_event(person.email, {"start": times[0], "end": times[1]})


async def status(owner: Person, asked: Asked) -> str:
    return str((await read(owner, asked))["status"])


async def test_r27_a_groups_request_waits_for_everybodys_calendar_and_takes_everybodys_time(world: World) -> None:
    owner, member, page = await two(world, "group")
    asked = await ask(owner, page, 3, "10:00")
    await connected(world, owner)
    assert (await read(owner, asked))["clashes"] is None
    problem(await accept(owner, asked), 409, "booking_unavailable")
    await connected(world, member)
    assert (await accept(owner, asked)).status_code == 200
    held = await world.rows("SELECT host_id FROM reservations")
    assert len({row["host_id"] for row in held}) == 2
    await world.work()
    assert [len(await our_events(world, person)) for person in (owner, member)] == [1, 0], "the organizer's calendar"
    assert (await member.get("/v1/bookings")).json()["items"][0]["start_at"] == (await read(owner, asked))["start_at"]


async def test_r27_a_groups_request_clashes_with_what_anybody_has(world: World) -> None:
    owner, member, page = await two(world, "group")
    asked = await ask(owner, page, 3, "10:30")
    await by_hand(world, member)
    for person in (owner, member):
        await connected(world, person)
    assert (await read(owner, asked))["clashes"] is True
    problem(await accept(owner, asked), 409, "slot_unavailable")
    assert await world.rows("SELECT FROM reservations") == []


async def test_r27_a_round_robins_request_goes_to_whoever_is_free(world: World) -> None:
    owner, member, page = await two(world, "round_robin")
    asked = await ask(owner, page, 3, "10:30")
    await by_hand(world, owner)
    await connected(world, owner)
    assert (await read(owner, asked))["clashes"] is True, "the one who has no calendar is not taken for free"
    await connected(world, member)
    assert (await read(owner, asked))["clashes"] is False
    assert (await accept(owner, asked)).status_code == 200
    await world.work()
    assert [len(await our_events(world, person)) for person in (owner, member)] == [0, 1]


async def test_r26_a_members_calendar_has_the_owners_requests_booked(world: World) -> None:
    owner, member, page = await two(world, "round_robin")
    await owner.patch("/v1/calendar-settings", {"auto_confirm_requests": True})
    asked = await ask(owner, page, 3, "10:00")
    await world.work()
    assert await status(owner, asked) == "pending"
    await connected(world, member)
    assert await status(owner, asked) == "accepted"
    [booking] = (await member.get("/v1/bookings")).json()["items"]
    assert booking["assignment"]["candidates"] == [{"user_id": member.user_id, "meetings": 0}]


async def test_r27_requests_that_are_accepted_at_once_go_to_one_after_the_other(world: World) -> None:
    owner, member, page = await two(world, "round_robin")
    asked = [await ask(owner, page, 3, clock) for clock in ("10:00", "13:00", "15:00", "16:00")]
    for person in (owner, member):
        await connected(world, person)
    answers = await asyncio.gather(*(accept(owner, one) for one in asked))
    assert [answer.status_code for answer in answers] == [200] * 4
    made = [row["assignment"]["candidates"] for row in (await owner.get("/v1/bookings")).json()["items"]]
    assert sorted(sum(one["meetings"] for one in counts) for counts in made) == [0, 1, 2, 3], "each by what was decided"
    rows = await world.rows("SELECT count(*) AS hosted FROM bookings GROUP BY host_id ORDER BY host_id")
    assert [row["hosted"] for row in rows] == [2, 2]
