"""Asking the provider itself before a slot is given away (P1, R31, R45).

The one rule: what a person did in the calendar a moment ago, before any sync, decides.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.support.google import failing
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.visitors import fault, our_events, visit
from tests.support.world import World, problem


def event(person: Person, start: str, end: str, **fields: Any) -> dict[str, Any]:
    times = [{"dateTime": person.at(3, clock).isoformat()} for clock in (start, end)]
    return {"summary": "Made by hand", "start": times[0], "end": times[1]} | fields


async def offered(person: Person, page: dict[str, Any]) -> set[str]:
    return {slot["start_at"][11:16] for slot in await person.slots(page["id"], person.day(3))}


async def let_the_mirror_age(world: World, **by: float) -> None:
    age = timedelta(**by)
    await world.rows("UPDATE calendar_syncs SET last_succeeded_at = last_succeeded_at - $1::interval", age)


async def test_p1_what_was_made_by_hand_a_moment_ago_is_not_booked_over_and_shows_soon(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.sandbox.insert_google_event(person.email, event(person, "10:00", "11:00"))
    assert "10:00" in await offered(person, page), "the mirror does not know yet"
    refused = problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
    assert refused["alternatives"]
    assert await world.rows("SELECT FROM bookings") == []
    await world.work()
    assert {"10:00", "10:30"} & await offered(person, page) == set(), "the refusal asked for a sync"


@pytest.mark.parametrize("trouble", ["backend_error", {"kind": "latency", "ms": 4000}])
async def test_p1_what_was_said_to_be_busy_stays_so_when_nobody_can_explain_it(
    world: World, trouble: str | dict[str, Any]
) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.sandbox.insert_google_event(person.email, event(person, "10:00", "11:00"))
    async with failing(world.sandbox, trouble, path="/events", account=person.email):
        for _ in range(2):  # the second time as well: who has said something is not silent
            problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "slot_unavailable")
        assert (await person.book(page["id"], person.at(3, "12:00").isoformat())).status_code == 201
    assert len(await world.rows("SELECT FROM bookings")) == 1


async def test_p1_a_reschedule_onto_what_was_made_by_hand_is_refused_and_shows_soon(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "14:00"))
    await world.work()
    await world.sandbox.insert_google_event(person.email, event(person, "10:00", "11:00"))
    problem(await booking.reschedule(person.at(3, "10:00")), 409, "slot_unavailable")
    assert (await booking.read())["version"] == 1
    await world.work()
    assert {"10:00", "10:30"} & await offered(person, page) == set()


async def test_p1_what_is_free_or_only_touches_does_not_refuse(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    for start, end, fields in (
        ("09:00", "10:00", {}),
        ("10:00", "11:00", {"transparency": "transparent"}),
        ("10:30", "11:00", {}),
    ):
        await world.sandbox.insert_google_event(person.email, event(person, start, end, **fields))
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201


async def test_r31_tentative_made_by_hand_blocks_as_the_person_decides(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    guests = [{"email": person.email, "self": True, "responseStatus": "tentative"}, {"email": "o@example.com"}]
    fields = {"attendees": guests, "organizer": {"email": "o@example.com"}}
    await world.sandbox.insert_google_event(person.email, event(person, "10:00", "11:00", **fields), trusted=True)
    start = person.at(3, "10:00").isoformat()
    await person.patch("/v1/calendar-settings", {"tentative_blocks": False})
    assert (await person.book(page["id"], start)).status_code == 201
    await person.patch("/v1/calendar-settings", {"tentative_blocks": True})
    problem(await person.book(page["id"], person.at(3, "10:30").isoformat()), 409, "slot_unavailable")


@pytest.mark.parametrize("decides", [0, 1])
async def test_r31_in_a_group_what_is_tentative_blocks_as_its_own_person_decides(world: World, decides: int) -> None:
    """A time that is offered can be booked, whatever the others have said of theirs."""
    people = await colleagues(world, 2)
    page = await team_page(people, "group")
    person = people[decides]
    guests = [{"email": person.email, "self": True, "responseStatus": "tentative"}, {"email": "o@example.com"}]
    fields = {"attendees": guests, "organizer": {"email": "o@example.com"}}
    await world.sandbox.insert_google_event(person.email, event(person, "10:00", "11:00", **fields), trusted=True)
    await person.patch("/v1/calendar-settings", {"tentative_blocks": False})
    assert (await people[0].book(page["id"], people[0].at(3, "10:00").isoformat())).status_code == 201
    await person.patch("/v1/calendar-settings", {"tentative_blocks": True})
    problem(await people[0].book(page["id"], people[0].at(3, "10:30").isoformat()), 409, "slot_unavailable")


async def test_p1_a_booked_event_that_was_moved_by_hand_blocks_where_it_is_now(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await visit(person, page, person.at(3, "10:00"))
    await world.work()
    [written] = await our_events(world, person)
    moved = event(person, "15:00", "15:30")
    await world.sandbox.patch_google_event(person.email, written["id"], {"start": moved["start"], "end": moved["end"]})
    problem(await person.book(page["id"], person.at(3, "15:00").isoformat()), 409, "slot_unavailable")
    assert len(await world.rows("SELECT FROM bookings")) == 1


async def test_p1_the_event_of_a_cancelled_booking_blocks_nothing_while_it_still_stands(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booking = await visit(person, page, person.at(3, "10:00"))
    await world.work()
    assert (await booking.cancel()).status_code == 200
    assert len(await our_events(world, person)) == 1, "the delete has not run yet"
    assert "10:00" in await offered(person, page)
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201


async def test_p1_without_an_answer_a_young_mirror_decides_and_an_old_one_does_not(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    kinds = ["backend_error", "reset_before", "too_many_requests", "html_error", "forbidden"]
    for hour, kind in enumerate(kinds, start=10):
        await fault(world, person, kind, times=None, path="/freeBusy")
        assert (await person.book(page["id"], person.at(3, f"{hour}:00").isoformat())).status_code == 201, kind
        problem(await person.book(page["id"], person.at(3, f"{hour}:00").isoformat()), 409, "slot_unavailable")
        await world.rows("UPDATE calendar_syncs SET last_succeeded_at = now() - interval '11 minutes'")
        problem(await person.book(page["id"], person.at(3, f"{hour}:30").isoformat()), 409, "booking_unavailable")
        await world.sandbox.clear_google_faults()
        assert (await person.book(page["id"], person.at(3, f"{hour}:30").isoformat())).status_code == 201, kind
        await world.rows("UPDATE calendar_syncs SET last_succeeded_at = now()")
    assert len(await world.rows("SELECT FROM bookings")) == 2 * len(kinds)


async def test_p1_a_crowd_for_one_slot_asks_the_provider_as_one(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    await fault(world, person, {"kind": "latency", "ms": 1500}, times=None, path="/freeBusy")
    before = len(await world.sandbox.google_requests(account=person.email))
    answers = await asyncio.gather(*(person.book(page["id"], start) for _ in range(10)))
    asked = (await world.sandbox.google_requests(account=person.email))[before:]
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert 1 <= sum(request["path"].endswith("/freeBusy") for request in asked) < 5, "it was not one call each"


async def test_p1_a_crowd_that_moves_to_one_slot_asks_the_provider_as_one(world: World) -> None:
    """What moves is another event each time; the question is the same."""
    person = await world.connected()
    page = await person.make_page()
    made = [await visit(person, page, person.at(3, f"{hour}:00")) for hour in range(11, 16)]
    await world.work()
    await fault(world, person, {"kind": "latency", "ms": 1000}, times=None, path="/freeBusy")
    before = len(await world.sandbox.google_requests(account=person.email))
    answers = await asyncio.gather(*(booking.reschedule(person.at(3, "10:00")) for booking in made))
    asked = (await world.sandbox.google_requests(account=person.email))[before:]
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4
    assert 1 <= sum(request["path"].endswith("/freeBusy") for request in asked) < 4, "it was not one call each"


async def test_p1_each_of_those_who_move_over_their_own_event_is_judged_for_itself(world: World) -> None:
    """The calendar tells both the same; what is in the way of one is the other's own."""
    person = await world.connected()
    page = await person.make_page(increment_minutes=15)
    own = await visit(person, page, person.at(3, "10:00"))
    other = await visit(person, page, person.at(3, "12:00"))
    await world.work()
    await fault(world, person, {"kind": "latency", "ms": 500}, times=None, path="/freeBusy")
    moved, refused = await asyncio.gather(
        own.reschedule(person.at(3, "10:15")), other.reschedule(person.at(3, "10:15"))
    )
    assert (moved.status_code, refused.status_code) == (200, 409)


async def test_p1_a_token_that_cannot_be_opened_is_no_answer(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    start = person.at(3, "10:00").isoformat()
    await world.rows("UPDATE connection_tokens SET access_token = refresh_token")
    await let_the_mirror_age(world, minutes=11)
    problem(await person.book(page["id"], start), 409, "booking_unavailable")
    await world.rows("UPDATE calendar_syncs SET last_succeeded_at = now()")
    assert (await person.book(page["id"], start)).status_code == 201


async def test_p1_a_slow_provider_is_not_waited_for(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await fault(world, person, {"kind": "latency", "ms": 4000}, times=None, path="/freeBusy")
    await let_the_mirror_age(world, minutes=11)
    answer = await person.book(page["id"], person.at(3, "10:00").isoformat())
    problem(answer, 409, "booking_unavailable")
    assert answer.elapsed.total_seconds() < world.services.settings.live_check_seconds + 1


async def test_p1_a_silent_provider_is_not_waited_for_by_one_visitor_after_another(world: World) -> None:
    people = await colleagues(world, 3)
    page = await team_page(people, "round_robin")
    await fault(world, people[0], {"kind": "latency", "ms": 6000}, times=None, path="/freeBusy")
    await let_the_mirror_age(world, minutes=11)
    start, began = people[0].at(3, "10:00"), time.monotonic()
    wishes = [(start + number * timedelta(minutes=30)).isoformat() for number in range(6)]
    answers = await asyncio.gather(*(people[0].book(page["id"], wish) for wish in wishes))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert time.monotonic() - began < 2 * world.services.settings.live_check_seconds + 2, "six waited in turn"
    hosts = await world.rows("SELECT DISTINCT u.email FROM bookings b JOIN users u ON u.id = b.host_id ORDER BY 1")
    assert [row["email"] for row in hosts] == sorted(person.email for person in people[1:]), "it is not taken for free"


async def test_p1_a_provider_that_answers_again_is_asked_again(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await fault(world, person, {"kind": "latency", "ms": 4000}, path="/freeBusy")
    await let_the_mirror_age(world, minutes=11)
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "booking_unavailable")
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "booking_unavailable")
    await asyncio.sleep(3)
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201


async def test_p1_one_calendar_that_will_not_say_is_not_taken_for_free(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await fault(world, person, "calendar_internal_error", times=None, path="/freeBusy")
    await let_the_mirror_age(world, minutes=11)
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "booking_unavailable")


async def test_r16_access_that_was_revoked_a_moment_ago_books_nothing(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.sandbox.revoke_google(person.email)
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat()), 409, "booking_unavailable")
    assert await world.rows("SELECT FROM bookings") == []
    assert (await world.api.get(f"/v1/public/scheduling-pages/{page['id']}")).json()["host_available"] is False


async def test_p1_a_slow_provider_is_waited_for_twice_at_most_however_many_could_host(world: World) -> None:
    people = await colleagues(world, 5)
    page = await team_page(people, "round_robin")
    for person in people:
        await fault(world, person, {"kind": "latency", "ms": 4000}, times=None, path="/freeBusy")
    await let_the_mirror_age(world, minutes=11)
    answer = await people[0].book(page["id"], people[0].at(3, "10:00").isoformat())
    problem(answer, 409, "booking_unavailable")
    assert answer.elapsed.total_seconds() < 2 * world.services.settings.live_check_seconds + 1


@pytest.mark.parametrize("quick", [1, 4])
async def test_r27_somebody_whose_calendar_answers_is_found_among_those_whose_do_not(world: World, quick: int) -> None:
    people = await colleagues(world, 5)
    page = await team_page(people, "round_robin")
    for person in people[:quick] + people[quick + 1 :]:
        await fault(world, person, "backend_error", times=None, path="/freeBusy")
    await let_the_mirror_age(world, minutes=11)
    answer = await people[0].book(page["id"], people[0].at(3, "10:00").isoformat())
    assert answer.status_code == 201, answer.text
    hosted = await world.rows("SELECT u.email FROM bookings b JOIN users u ON u.id = b.host_id")
    assert [row["email"] for row in hosted] == [people[quick].email]
