"""Bookings of several hosts: everybody's time at once, or somebody's by turns (R27, R45)."""

import asyncio
from collections import Counter
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

import httpx

from tests.support.google import failing
from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.visitors import our_events, visit
from tests.support.world import World, problem

HOUR = timedelta(hours=1)


async def seen_by(person: Person, booking_id: str) -> dict[str, Any]:
    answer = await person.get(f"/v1/bookings/{booking_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def reserved(world: World) -> int:
    return len(await world.rows("SELECT * FROM reservations"))


async def test_r27_a_group_booking_takes_everybodys_time_and_is_one_event(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    page, own = await team_page([ada, ben, cem], "group"), await cem.make_page()
    booking = await visit(ada, page, ada.at(3, "10:00"))
    await world.work()
    [event] = await our_events(world, ada)
    assert {guest["email"] for guest in event["attendees"]} >= {"vera@example.com", ben.email, cem.email}
    assert await reserved(world) == 3
    taken = (await cem.book(own["id"], ada.at(3, "10:00").isoformat(), email="other@example.com")).json()
    assert taken["code"] == "slot_unavailable"
    host = await seen_by(ada, booking.id)
    assert (host["host_id"], [item["user_id"] for item in host["co_hosts"]]) == (
        ada.user_id,
        [ben.user_id, cem.user_id],
    )
    assert await seen_by(ben, booking.id) == host
    assert [item["id"] for item in (await cem.get("/v1/bookings")).json()["items"]] == [booking.id]


async def test_r49_everybody_who_hosts_is_told(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group")
    await world.sandbox.delete_mails()
    await visit(ada, page, ada.at(3, "10:00"))
    await world.work()
    told = [parseaddr(mail["to"])[1] for mail in await world.sandbox.mails()]
    assert sorted(told) == sorted(["vera@example.com", ada.email, ben.email])


async def test_r47_a_group_booking_moves_and_ends_for_everybody(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group")
    booking = await visit(ada, page, ada.at(3, "10:00"))
    await busy(world, ben, ada.at(3, "14:00"))
    assert problem(await booking.reschedule(ada.at(3, "14:00")), 409, "slot_unavailable")
    assert (await booking.reschedule(ada.at(3, "12:00"))).status_code == 200
    spans = await world.rows("SELECT DISTINCT lower(during) AS start FROM reservations")
    assert [row["start"] for row in spans] == [ada.at(3, "12:00")]
    assert (await ben.post(f"/v1/bookings/{booking.id}/cancel", {})).status_code == 200, "who hosts it may end it"
    assert await reserved(world) == 0


async def test_r47_a_group_booking_moves_by_a_quarter_of_an_hour_past_its_own_invitations(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group", increment_minutes=15)
    booking = await visit(ada, page, ada.at(3, "10:00"))
    await world.work()
    for person in (ada, ben):
        await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    own = await ben.make_page(increment_minutes=15)
    assert "10:00" not in {slot["start_at"][11:16] for slot in await ben.slots(own["id"], ben.day(3))}
    moved = await booking.reschedule(ada.at(3, "10:15"))
    assert moved.status_code == 200, moved.text
    await busy(world, ben, ada.at(3, "11:00"))
    assert problem(await booking.reschedule(ada.at(3, "10:45")), 409, "slot_unavailable")


async def test_r27_turns_go_to_who_has_hosted_least(world: World) -> None:
    people = await colleagues(world, 3)
    ada = people[0]
    page = await team_page(people, "round_robin")
    for number in range(6):
        await visit(ada, page, ada.at(3, "08:00") + number * HOUR, email=f"visitor-{number}@example.com")
    hosts = await world.rows("SELECT host_id, count(*) AS meetings FROM bookings GROUP BY host_id")
    assert [row["meetings"] for row in hosts] == [2, 2, 2]
    bookings = (await ada.get("/v1/bookings")).json()["items"]
    last = bookings[-1]["assignment"]
    assert last["rule"] == "fewest_meetings"
    assert {item["user_id"] for item in last["candidates"]} == {person.user_id for person in people}


async def test_r27_a_cancelled_meeting_was_nobodys_turn(world: World) -> None:
    people = await colleagues(world, 2)
    page = await team_page(people, "round_robin")
    first = await visit(people[0], page, people[0].at(3, "09:00"))
    await first.cancel()
    await visit(people[0], page, people[0].at(3, "10:00"))
    [row] = await world.rows("SELECT count(DISTINCT host_id) AS hosts FROM bookings")
    assert row["hosts"] == 1


async def test_r27_who_joins_does_not_get_everything_at_first(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    page = await team_page([ada, ben], "round_robin")
    for number in range(4):
        await visit(ada, page, ada.at(3, "08:00") + number * HOUR, email=f"visitor-{number}@example.com")
    await ada.patch(f"/v1/scheduling-pages/{page['id']}", {"member_ids": [ben.user_id, cem.user_id]})
    for number in range(3):
        await visit(ada, page, ada.at(4, "08:00") + number * HOUR, email=f"later-{number}@example.com")
    cems = (await cem.get("/v1/bookings")).json()["items"]
    assert len(cems) == 1


async def test_r27_a_turn_passes_over_who_is_not_free(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "round_robin")
    await busy(world, ada, ada.at(3, "10:00"))
    booking = await visit(ada, page, ada.at(3, "10:00"))
    assert (await seen_by(ben, booking.id))["host_id"] == ben.user_id
    assert (await seen_by(ada, booking.id))["host_id"] == ben.user_id, "on a page of hers"


async def test_p1_a_turn_passes_over_who_cannot_be_asked(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "round_robin")
    world.clock.offset = timedelta(minutes=20)  # no mirror is young enough to do without an answer
    await ben.post(f"/v1/connections/{ben.connection_id}/sync")
    await world.work()
    async with failing(world.sandbox, "unavailable", path="freeBusy", account=ada.email):
        booking = await visit(ada, page, ada.at(3, "10:00"))
    assert (await seen_by(ben, booking.id))["host_id"] == ben.user_id


async def test_r27_a_moved_booking_stays_with_its_host(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "round_robin")
    booking = await visit(ada, page, ada.at(3, "10:00"))
    [row] = await world.rows("SELECT u.email FROM bookings b JOIN users u ON u.id = b.host_id")
    host = ada if row["email"] == ada.email else ben
    await busy(world, host, ada.at(3, "14:00"))
    refused = problem(await booking.reschedule(ada.at(3, "14:00")), 409, "slot_unavailable")
    assert refused["alternatives"]
    assert (await booking.reschedule(ada.at(3, "15:00"))).status_code == 200
    assert (await seen_by(host, booking.id))["host_id"] == host.user_id


async def book_at_once(world: World, wishes: list[tuple[str, str]]) -> list[httpx.Response]:
    """Each visitor from an address of their own: page and start."""

    async def one(number: int, page_id: str, start: str) -> httpx.Response:
        body = {"start_at": start, "duration_minutes": 30, "name": "Vera", "time_zone": "UTC"}
        async with world.visitor_at(f"198.51.{number // 250}.{number % 250}") as visitor:
            return await visitor.post(
                f"/v1/public/scheduling-pages/{page_id}/bookings", json=body | {"email": f"v{number}@example.com"}
            )

    return await asyncio.gather(*(one(number, *wish) for number, wish in enumerate(wishes)))


async def test_r27_many_who_want_different_times_at_once_are_dealt_out_evenly(world: World) -> None:
    people = await colleagues(world, 3)
    page, first = await team_page(people, "round_robin"), people[0].at(3, "09:00")
    answers = await asyncio.gather(
        *(people[0].book(page["id"], (first + n * HOUR).isoformat(), email=f"v{n}@example.com") for n in range(6))
    )
    assert [answer.status_code for answer in answers] == [201] * 6
    hosted = await world.rows("SELECT count(*) AS meetings FROM bookings GROUP BY host_id ORDER BY host_id")
    assert [row["meetings"] for row in hosted] == [2, 2, 2]


async def test_r27_of_many_at_once_each_is_decided_by_what_those_before_have_taken(world: World) -> None:
    people = await colleagues(world, 4)
    page, start = await team_page(people, "round_robin"), people[0].at(3, "10:00").isoformat()
    answers = await asyncio.gather(*(people[0].book(page["id"], start, email=f"v{n}@example.com") for n in range(8)))
    assert Counter(answer.status_code for answer in answers) == {201: 4, 409: 4}
    made = (await people[0].get("/v1/bookings", params={"limit": 10})).json()["items"]
    free = [len(item["assignment"]["candidates"]) for item in made]
    assert sorted(free) == [1, 2, 3, 4], "whoever was engaged a moment before was no candidate any more"


async def test_r45_a_slot_of_a_round_robin_is_won_as_often_as_there_are_hosts(world: World) -> None:
    people = await colleagues(world, 3)
    page, start = await team_page(people, "round_robin"), people[0].at(3, "10:00").isoformat()
    answers = await book_at_once(world, [(page["id"], start)] * 40)
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 37}
    assert len(await world.rows("SELECT DISTINCT host_id FROM reservations")) == 3


async def test_r45_groups_round_robins_and_personal_pages_of_the_same_people_never_overlap(world: World) -> None:
    people = await colleagues(world, 3)
    pages = [
        await team_page(people, "group"),
        await team_page(people[::-1], "group"),
        await team_page(people, "round_robin"),
        *[await person.make_page() for person in people],
    ]
    first = people[0].at(3, "10:00")
    wishes = [
        (page["id"], (first + timedelta(minutes=30 * (number % 3))).isoformat())
        for number in range(20)
        for page in pages
    ]
    answers = await book_at_once(world, wishes)
    assert {answer.status_code for answer in answers} == {201, 409}
    overlaps = await world.rows(
        "SELECT FROM reservations a JOIN reservations b"
        " ON a.host_id = b.host_id AND a.id < b.id AND a.during && b.during"
    )
    assert overlaps == []
    loose = await world.rows(
        "SELECT b.id FROM bookings b LEFT JOIN reservations r ON r.booking_id = b.id"
        " GROUP BY b.id, b.co_hosts HAVING count(r.id) <> 1 + jsonb_array_length(b.co_hosts)"
    )
    assert loose == []
    assert await reserved(world) == 9, "three people, three half hours"


async def test_r47_who_has_left_keeps_nobody_from_moving_or_ending_a_group_booking(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    page = await team_page([ada, ben, cem], "group")
    booking = await visit(ada, page, ada.at(3, "10:00"))
    await visit(cem, await cem.make_page(), cem.at(3, "14:00"), email="other@example.com")
    await world.work()
    service = await world.service(ada.account_id)
    assert (await service.delete(f"/v1/users/{cem.user_id}")).status_code == 204
    await world.work()
    await world.sandbox.delete_mails()
    moved = await booking.reschedule(ada.at(3, "14:00"))
    assert moved.status_code == 200, moved.text
    assert (await ada.post(f"/v1/bookings/{booking.id}/cancel", {})).status_code == 200
    await world.work()
    told = {parseaddr(mail["to"])[1] for mail in await world.sandbox.mails()}
    assert told == {"vera@example.com", ada.email, ben.email}


async def test_p1_the_slowness_of_one_calendar_takes_no_others_word_back(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group")
    start = ada.at(3, "10:00")
    times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + HOUR).isoformat()}}
    await world.sandbox.insert_google_event(ada.email, {"summary": "Made by hand", **times})
    async with failing(world.sandbox, {"kind": "latency", "ms": 4000}, path="/freeBusy", account=ben.email):
        problem(await ada.book(page["id"], start.isoformat()), 409, "slot_unavailable")
    assert await reserved(world) == 0
