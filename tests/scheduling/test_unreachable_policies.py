"""What a calendar that cannot be read means, as its person has said (R30).

The one rule: the other calendars count as ever, and the visitor learns nothing of any of them.
"""

from datetime import timedelta
from typing import Any

import pytest

from app.ids import decode_id
from app.queue import Job
from tests.bookings.requesting import Asked, accept, ask, read
from tests.bookings.test_booking_attempts import with_lost_calendar
from tests.support.google import failing
from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.visitors import our_events, visit
from tests.support.world import World, problem

LIST = "/v1/availability-calendars"
SAVE = "/v1/calendar-settings"


async def lost_one(person: Person) -> dict[str, Any]:
    """The calendar that cannot be read."""
    [lost] = [item for item in (await person.get(LIST)).json()["items"] if not item["is_primary"]]
    return lost


async def choose(person: Person, policy: str | None) -> dict[str, Any]:
    """Say what the lost calendar means."""
    answer = await person.patch(f"{LIST}/{(await lost_one(person))['calendar_id']}", {"unreachable_policy": policy})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def grades(person: Person, page_id: str) -> dict[str, str]:
    """The grade of each wall time offered."""
    return {slot["start_at"][11:16]: slot["grade"] for slot in await person.slots(page_id, person.day(3))}


async def with_boss_busy_at_ten(world: World) -> Person:
    """Somebody whose second calendar was busy at ten when it was last read."""
    person = await with_lost_calendar(world)
    [row] = await world.rows("SELECT provider_calendar_id AS id FROM calendars WHERE NOT is_primary")
    await world.sandbox.share_google_calendar(row["id"], account=person.email, role="reader")
    at = person.at(3, "10:00")
    span = {"start": {"dateTime": at.isoformat()}, "end": {"dateTime": (at + timedelta(minutes=30)).isoformat()}}
    await world.sandbox.insert_google_event(f"boss-of-{person.email}", {"summary": "Plans", **span}, row["id"])
    await person.post(f"{LIST}/{(await lost_one(person))['calendar_id']}/recheck")
    await world.work()
    assert (await lost_one(person))["status"] == "active"
    await world.sandbox.share_google_calendar(row["id"], account=person.email, role="none")
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert (await lost_one(person))["status"] == "inactive"
    return person


async def test_r30_block_is_how_it_is_at_first_and_what_null_brings_back(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    assert (await lost_one(person))["unreachable_policy"] == "block"
    assert await grades(person, page["id"]) == {}
    assert (await choose(person, "ignore"))["unreachable_policy"] == "ignore"
    assert await grades(person, page["id"])
    assert (await choose(person, None))["unreachable_policy"] == "block"
    assert await grades(person, page["id"]) == {}


async def test_r30_ignore_does_without_the_calendar(world: World) -> None:
    person = await with_boss_busy_at_ten(world)
    page = await person.make_page()
    await choose(person, "ignore")
    assert (await grades(person, page["id"]))["10:00"] == "confirmable"
    await busy(world, person, person.at(3, "12:00"))
    assert "12:00" not in await grades(person, page["id"]), "the primary counts as ever"
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201


async def test_r30_what_is_done_without_has_no_say_of_the_moment_either(world: World) -> None:
    """A calendar of which only free/busy is left still says that it is busy: the slots are offered all the same."""
    person = await with_boss_busy_at_ten(world)
    page = await person.make_page()
    await choose(person, "request_only")
    asked = await ask(person, page, 5, "10:00")
    [row] = await world.rows("SELECT provider_calendar_id AS id FROM calendars WHERE NOT is_primary")
    await world.sandbox.share_google_calendar(row["id"], account=person.email, role="freeBusyReader")
    for days in (3, 4, 5):
        at = person.at(days, "10:00")
        times = [{"dateTime": (at + timedelta(minutes=minutes)).isoformat()} for minutes in (0, 30)]
        await world.sandbox.insert_google_event(
            f"boss-of-{person.email}", {"start": times[0], "end": times[1]}, row["id"]
        )
    assert (await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")).status_code == 202
    await world.work()
    await choose(person, "ignore")
    assert (await lost_one(person))["status"] == "inactive"
    booking = await visit(person, page, person.at(3, "10:00"))
    assert (await booking.reschedule(person.at(4, "10:00"))).status_code == 200
    assert (await accept(person, asked)).status_code == 200


async def test_r30_a_calendar_that_is_done_without_closes_nothing_when_its_time_runs_out(world: World) -> None:
    """Of a calendar that cannot be read nobody finds out any more what its series hold later."""
    person = await with_boss_busy_at_ten(world)
    page = await person.make_page()
    await world.rows(
        "UPDATE calendar_syncs SET expanded_until = now() + interval '1 day' WHERE calendar_id = $1",
        decode_id("cal", (await lost_one(person))["calendar_id"]),
    )
    await choose(person, "last_known")
    assert await grades(person, page["id"]) == {}, "nothing was ever known of that day"
    await choose(person, "ignore")
    assert (await grades(person, page["id"]))["10:00"] == "confirmable"
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201


async def test_r30_last_known_goes_by_what_was_last_read(world: World) -> None:
    person = await with_boss_busy_at_ten(world)
    page = await person.make_page()
    await choose(person, "last_known")
    offered = await grades(person, page["id"])
    assert "10:00" not in offered
    assert offered["11:00"] == "confirmable"
    world.clock.offset = timedelta(minutes=20)  # no mirror is young any more
    assert (await person.book(page["id"], person.at(3, "11:00").isoformat())).status_code == 201


async def test_r30_what_was_never_read_is_not_known(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    await choose(person, "last_known")
    await world.rows("UPDATE calendar_syncs SET last_succeeded_at = NULL WHERE last_error IS NOT NULL")
    assert await grades(person, page["id"]) == {}


async def test_r30_request_only_lets_times_be_asked_for(world: World) -> None:
    person = await with_boss_busy_at_ten(world)
    page = await person.make_page()
    await choose(person, "request_only")
    offered = await grades(person, page["id"])
    assert "10:00" not in offered
    assert set(offered.values()) == {"request_only"}
    seen = (await person.api.get(f"/v1/public/scheduling-pages/{page['id']}")).json()
    assert (seen["mode"], seen["host_available"]) == ("online", True)
    asked = await person.book(page["id"], person.at(3, "11:00").isoformat())
    assert (asked.status_code, asked.json()["kind"]) == (202, "meeting_request")
    await world.work()
    assert await our_events(world, person) == []
    assert await world.rows("SELECT * FROM reservations") == []
    held = await person.api.post(
        f"/v1/public/scheduling-pages/{page['id']}/holds",
        json={"start_at": person.at(3, "12:00").isoformat(), "duration_minutes": 30},
    )
    problem(held, 409, "booking_unavailable")


async def test_r30_what_was_asked_for_meanwhile_is_the_hosts_to_accept(world: World) -> None:
    person = await with_boss_busy_at_ten(world)
    await choose(person, "request_only")
    asked = await ask(person, await person.make_page(), 3, "11:00")
    assert (await read(person, asked))["allowed_actions"] == ["accept", "decline"]
    answer = await accept(person, asked)
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted"), answer.text
    await world.work()
    assert len(await our_events(world, person)) == 1


async def with_a_request(world: World) -> tuple[Person, Asked]:
    """Somebody who wants free requests booked, and one that waits because of a calendar that is lost."""
    person = await with_boss_busy_at_ten(world)
    await person.patch(SAVE, {"auto_confirm_requests": True})
    await choose(person, "request_only")
    await world.work()
    asked = await ask(person, await person.make_page(), 3, "11:00")
    await world.work()
    assert (await read(person, asked))["status"] == "pending"
    assert await confirming(world) == 0
    return person, asked


async def open_door(person: Person, door: str) -> None:
    """One of the ways to do without the lost calendar."""
    listed = (await person.get(LIST)).json()["items"]
    primaries = [item["calendar_id"] for item in listed if item["is_primary"]]
    match door:
        case "x":
            answer = await person.delete(f"{LIST}/{(await lost_one(person))['calendar_id']}")
        case "save":
            answer = await person.patch(SAVE, {"availability_calendar_ids": primaries})
        case policy:
            answer = await person.patch(
                f"{LIST}/{(await lost_one(person))['calendar_id']}", {"unreachable_policy": policy}
            )
    assert answer.status_code in {200, 204}, answer.text


async def confirming(world: World) -> int:
    """How many jobs that book what was asked for wait."""
    return len(await world.rows("SELECT FROM queue.pgqueuer WHERE entrypoint = $1", Job.CONFIRM_REQUESTS.value))


@pytest.mark.parametrize("door", ["save", "x", "ignore", "last_known"])
async def test_r26_whichever_way_the_lost_calendar_is_done_without_what_was_asked_for_is_booked(
    world: World, door: str
) -> None:
    person, asked = await with_a_request(world)
    await open_door(person, door)
    assert await confirming(world) == 1
    await world.work()
    assert (await read(person, asked))["status"] == "accepted"
    assert len(await our_events(world, person)) == 1


@pytest.mark.parametrize("door", ["save", "x", "ignore"])
async def test_r26_what_was_asked_of_a_group_is_booked_when_its_member_does_without(world: World, door: str) -> None:
    """The page's owner decides whether; the member's calendar is what it waited for."""
    member = await with_boss_busy_at_ten(world)
    await choose(member, "request_only")
    owner = await world.connected(account_id=member.account_id)
    await owner.patch(SAVE, {"auto_confirm_requests": True})
    asked = await ask(owner, await team_page([owner, member], "group"), 3, "11:00")
    await world.work()
    assert (await read(owner, asked))["status"] == "pending"
    await open_door(member, door)
    await world.work()
    assert (await read(owner, asked))["status"] == "accepted"


async def asked_of_a_member(world: World) -> tuple[Person, Person, Asked]:
    """The owner of a round robin, a member whose calendar is lost, and what only that member could be asked for."""
    member = await with_boss_busy_at_ten(world)
    await choose(member, "request_only")
    owner = await world.connected(account_id=member.account_id)
    page = await team_page([owner, member], "round_robin")
    await busy(world, owner, owner.at(3, "11:00"))
    asked = await ask(owner, page, 3, "11:00")
    assert (await read(owner, asked))["host_id"] == member.user_id
    return owner, member, asked


@pytest.mark.parametrize("door", ["save", "x", "ignore"])
async def test_r26_what_was_asked_of_a_member_is_booked_where_the_pages_owner_wants_that(
    world: World, door: str
) -> None:
    owner, member, asked = await asked_of_a_member(world)
    await owner.patch(SAVE, {"auto_confirm_requests": True})
    await open_door(member, door)
    await world.work()
    assert (await read(owner, asked))["status"] == "accepted"


@pytest.mark.parametrize("unwanted", [{}, {"turned_off": True}, {"scheduling_pages": False}])
async def test_r26_r41_a_members_own_wish_books_nothing_of_somebody_elses_page(
    world: World, unwanted: dict[str, bool]
) -> None:
    owner, member, asked = await asked_of_a_member(world)
    if unwanted:
        await owner.patch(SAVE, {"auto_confirm_requests": True} | unwanted)
    await member.patch(SAVE, {"auto_confirm_requests": True})
    await open_door(member, "ignore")
    await world.work()
    assert (await read(owner, asked))["status"] == "pending"


@pytest.mark.parametrize("door", ["request_only", "block"])
async def test_r26_a_policy_that_frees_nothing_has_no_request_looked_at(world: World, door: str) -> None:
    person, asked = await with_a_request(world)
    await open_door(person, door)
    assert await confirming(world) == 0
    assert (await read(person, asked))["status"] == "pending"


async def test_r26_what_can_only_be_asked_for_is_booked_by_its_host_alone(world: World) -> None:
    person, asked = await with_a_request(world)
    await person.patch(SAVE, {"auto_confirm_requests": True})
    assert await confirming(world) == 1
    await world.work()
    assert (await read(person, asked))["status"] == "pending", "of what cannot be read only the host knows more"
    assert (await accept(person, asked)).status_code == 200


@pytest.mark.parametrize("unwanted", [{"auto_confirm_requests": False}, {"turned_off": True}])
async def test_r26_without_the_hosts_word_no_door_books_anything(world: World, unwanted: dict[str, bool]) -> None:
    person, asked = await with_a_request(world)
    await person.patch(SAVE, unwanted)
    await open_door(person, "ignore")
    await open_door(person, "x")
    assert await confirming(world) == 0
    assert (await read(person, asked))["status"] == "pending"


async def test_r30_a_calendar_lost_this_moment_is_asked_for_as_well(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    [primary] = (await person.get(LIST)).json()["items"]
    await person.patch(f"{LIST}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    assert set((await grades(person, page["id"])).values()) == {"confirmable"}
    world.clock.offset = timedelta(minutes=20)
    async with failing(world.sandbox, "unavailable", path="freeBusy", account=person.email):
        assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 202
    assert (await person.book(page["id"], person.at(3, "11:00").isoformat())).status_code == 201


async def test_r30_a_booking_is_not_moved_to_what_could_only_be_asked_for_this_moment(world: World) -> None:
    person = await world.connected()
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    [primary] = (await person.get(LIST)).json()["items"]
    await person.patch(f"{LIST}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    world.clock.offset = timedelta(minutes=20)
    async with failing(world.sandbox, "unavailable", path="freeBusy", account=person.email):
        problem(await booking.reschedule(person.at(3, "12:00")), 409, "booking_unavailable")


async def test_r30_a_round_robin_confirms_where_it_can(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "round_robin")
    [primary] = (await ben.get(LIST)).json()["items"]
    await ben.patch(f"{LIST}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    await busy(world, ada, ada.at(3, "10:00"))
    await world.sandbox.revoke_google(ben.email)
    await ben.post(f"/v1/connections/{ben.connection_id}/sync")
    await world.work()
    offered = await grades(ada, page["id"])
    assert (offered["10:00"], offered["11:00"]) == ("request_only", "confirmable")
    assert list(offered) == sorted(offered)
    path, slot = f"/v1/public/scheduling-pages/{page['id']}/holds", {"duration_minutes": 30}
    problem(await ada.post(path, slot | {"start_at": ada.at(3, "10:00").isoformat()}), 409, "slot_unavailable")
    assert (await ada.post(path, slot | {"start_at": ada.at(3, "12:00").isoformat()})).status_code == 201
    assert (await ada.book(page["id"], ada.at(3, "10:00").isoformat())).status_code == 202
    assert (await ada.book(page["id"], ada.at(3, "11:00").isoformat())).status_code == 201


async def test_r30_a_booking_is_not_moved_where_nobody_can_tell(world: World) -> None:
    person = await with_lost_calendar(world)
    page = await person.make_page()
    await choose(person, "ignore")
    booked = (await person.book(page["id"], person.at(3, "10:00").isoformat())).json()
    await choose(person, "request_only")
    moved = await person.api.post(
        f"/v1/public/bookings/{booked['id']}/reschedule",
        json={"start_at": person.at(3, "12:00").isoformat()},
        headers={"Booking-Token": booked["booking_token"]},
    )
    problem(moved, 409, "booking_unavailable")


@pytest.mark.parametrize("policy", ["open", "", 7])
async def test_r30_there_are_four_policies(world: World, policy: object) -> None:
    person = await world.connected()
    [primary] = (await person.get(LIST)).json()["items"]
    path = f"{LIST}/{primary['calendar_id']}"
    problem(await person.patch(path, {"unreachable_policy": policy}), 422, "validation_failed")


async def test_r30_a_policy_that_is_not_given_stays_and_null_goes_back_to_the_first(world: World) -> None:
    person = await world.connected()
    [primary] = (await person.get(LIST)).json()["items"]
    path = f"{LIST}/{primary['calendar_id']}"
    for change, policy in (
        ({"unreachable_policy": "ignore"}, "ignore"),
        ({}, "ignore"),
        ({"unreachable_policy": None}, "block"),
    ):
        answer = await person.patch(path, change)
        assert (answer.status_code, answer.json()["unreachable_policy"]) == (200, policy), answer.text


async def test_r53_a_policy_is_its_persons_alone(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    [stranger] = await colleagues(world, 1)
    [primary] = (await ada.get(LIST)).json()["items"]
    for other in (ben, stranger):
        answer = await other.patch(f"{LIST}/{primary['calendar_id']}", {"unreachable_policy": "ignore"})
        problem(answer, 404, "not_found")
    before = (await ada.get("/v1/calendar-settings")).json()["version"]
    await ada.patch(f"{LIST}/{primary['calendar_id']}", {"unreachable_policy": "ignore"})
    assert (await ada.get("/v1/calendar-settings")).json()["version"] == before + 1
