"""Who reads, answers and changes bookings and meeting requests (R27, R50, R53).

The one rule: the hosts, the owner of the page and a service that may book find the same in lists and one by one. To
everybody else of the account there is nothing.
"""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.ids import decode_id
from tests.bookings.requesting import Asked, accept, ask, decline, letter
from tests.bookings.test_on_behalf import audited, booked, integration, wish
from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.visitors import visit
from tests.support.world import World, problem

BOOKINGS, REQUESTS = "/v1/bookings", "/v1/meeting-requests"
PRIMARY = "/v1/availability-calendars"


async def ids(person: Person, path: str) -> list[str]:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def given_away(world: World) -> tuple[list[Person], dict[str, Any], dict[str, Any]]:
    """A round robin of three whose owner was busy, so that the second hosts what the owner booked for a visitor."""
    people = await colleagues(world, 3)
    page = await team_page(people, "round_robin")
    owner, host, idle = people
    for person in (owner, idle):
        await busy(world, person, owner.at(3, "10:00"))
    made = await booked(owner, page, owner.at(3, "10:00"))
    assert made["host_id"] == host.user_id
    return people, page, made


@pytest.mark.parametrize("order", ["start_at", "-start_at"])
async def test_r27_bookings_that_begin_together_are_each_listed_once(world: World, order: str) -> None:
    """Of a round robin, and the end of a portion lies between them; their owner and a service see both."""
    people = await colleagues(world, 2)
    owner, other = people
    page, start = await team_page(people, "round_robin"), owner.at(3, "10:00")
    made = {(await visit(owner, page, start)).id for _ in people}
    assert len(await ids(other, BOOKINGS)) == 1
    for caller in (owner, await integration(world, owner.account_id)):
        found, cursor = [], {}
        for _ in people:
            part = (await caller.get(BOOKINGS, order=order, limit=1, **cursor)).json()
            found += [item["id"] for item in part["items"]]
            cursor = {"cursor": part["next_cursor"]}
        assert (set(found), part["next_cursor"]) == (made, None)


async def test_r50_what_an_owner_books_for_a_visitor_can_be_read_whoever_hosts_it(world: World) -> None:
    [owner, host, idle], page, _ = await given_away(world)
    for person in (owner, idle):
        await busy(world, person, owner.at(4, "10:00"))
    answer = await owner.post(BOOKINGS, wish(page, owner.at(4, "10:00")))
    read = await owner.get(answer.headers["Location"])
    assert read.status_code == 200, read.text
    assert {**read.json(), "kind": "booking"} == answer.json()
    assert (await ids(owner, BOOKINGS)) == (await ids(host, BOOKINGS))
    assert answer.json()["id"] in await ids(host, BOOKINGS)


async def test_r27_the_owner_of_a_page_moves_and_ends_what_others_host_on_it(world: World) -> None:
    [owner, host, _], _, made = await given_away(world)
    path = f"{BOOKINGS}/{made['id']}"
    moved = await owner.post(f"{path}/reschedule", {"start_at": owner.at(5, "11:00").isoformat()})
    assert (moved.status_code, moved.json()["host_id"]) == (200, host.user_id)
    ended = await owner.post(f"{path}/cancel", {})
    assert (ended.status_code, ended.json()["cancelled_by"]) == (200, "host")
    assert (await host.get(path)).json()["status"] == "cancelled"


async def test_r27_the_owner_of_a_page_says_that_nobody_came(world: World) -> None:
    [owner, _, _], _, made = await given_away(world)
    world.clock.offset = timedelta(days=3, hours=12)
    missed = await owner.post(f"{BOOKINGS}/{made['id']}/no-show")
    assert (missed.status_code, missed.json()["status"]) == (200, "no_show")


async def test_r53_who_is_asked_in_turn_sees_what_they_host_and_no_more(world: World) -> None:
    [owner, _, idle], _, made = await given_away(world)
    beside, stranger = await world.person(account_id=owner.account_id), await world.person()
    path = f"{BOOKINGS}/{made['id']}"
    for caller in (idle, beside, stranger):
        assert await ids(caller, BOOKINGS) == []
        problem(await caller.get(path), 404, "not_found")
        problem(await caller.post(f"{path}/cancel", {}), 404, "not_found")
        problem(await caller.post(f"{path}/no-show"), 404, "not_found")
        moved = {"start_at": owner.at(5, "11:00").isoformat()}
        problem(await caller.post(f"{path}/reschedule", moved), 404, "not_found")
    assert (await owner.get(path)).json()["version"] == 1


async def test_r27_what_was_booked_on_a_page_stays_its_owners_when_the_page_is_gone(world: World) -> None:
    [owner, _, _], page, made = await given_away(world)
    await owner.make_page(name="Stays")
    await owner.patch("/v1/calendar-settings", {"default_page_id": None})
    await world.rows("UPDATE scheduling_pages SET deleted_at = now() WHERE id = $1", decode_id("page", page["id"]))
    assert await ids(owner, BOOKINGS) == [made["id"]]
    assert (await owner.get(f"{BOOKINGS}/{made['id']}")).status_code == 200


async def test_r50_a_service_reads_and_changes_what_it_booked(world: World) -> None:
    person, stranger = await world.connected(), await world.connected()
    page, theirs = await person.make_page(), await stranger.make_page()
    service = await integration(world, person.account_id)
    foreign = await booked(stranger, theirs, stranger.at(3, "10:00"))
    answer = await service.post(BOOKINGS, wish(page, person.at(3, "10:00")))
    assert (await service.get(answer.headers["Location"])).json()["id"] == answer.json()["id"]
    own = await booked(person, page, person.at(4, "10:00"))
    assert await ids(service, BOOKINGS) == [answer.json()["id"], own["id"]], "all of the account, and nothing else"
    problem(await service.get(f"{BOOKINGS}/{foreign['id']}"), 404, "not_found")
    problem(await service.post(f"{BOOKINGS}/{foreign['id']}/cancel", {}), 404, "not_found")
    path = answer.headers["Location"]
    moved = await service.post(f"{path}/reschedule", {"start_at": person.at(5, "11:00").isoformat()})
    assert moved.status_code == 200, moved.text
    assert (await service.post(f"{path}/cancel", {"reason": "Moved away"})).json()["cancelled_by"] == "host"
    assert [(actor, action) for actor, action, _ in await audited(world, answer.json()["id"])] == [
        ("service", "booking.created"), ("service", "booking.rescheduled"), ("service", "booking.cancelled"),
    ]  # fmt: skip


async def test_r53_a_service_needs_the_permission_for_all_of_it(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    made = await booked(person, page, person.at(3, "10:00"))
    weak = await integration(world, person.account_id, "users:write", "events:read", "webhooks:write")
    path = f"{BOOKINGS}/{made['id']}"
    answers = [await weak.get(BOOKINGS), await weak.get(path), await weak.get(REQUESTS)]
    answers += [await weak.post(f"{path}/cancel", {}), await weak.post(f"{path}/no-show")]
    answers.append(await weak.post(f"{path}/reschedule", {"start_at": person.at(5, "11:00").isoformat()}))
    for answer in answers:
        problem(answer, 403, "forbidden")


async def test_r50_a_service_reads_and_answers_what_it_asked_for(world: World) -> None:
    person = await world.person()
    page = await person.make_page()
    service = await integration(world, person.account_id)
    answer = await service.post(BOOKINGS, wish(page, person.at(3, "10:00")))
    assert answer.status_code == 202, answer.text
    assert (await service.get(answer.headers["Location"])).json()["id"] == answer.json()["id"]
    assert await ids(service, REQUESTS) == [answer.json()["id"]]
    refused = await service.post(f"{answer.headers['Location']}/decline", {"reason": "No"})
    assert (refused.status_code, refused.json()["status"]) == (200, "declined")
    [entry] = await world.rows("SELECT actor FROM audit_entries WHERE action = 'meeting_request.declined'")
    assert entry["actor"] == "service"


async def asked_of_a_member(world: World) -> tuple[list[Person], Asked]:
    """A request that a round robin made of its second host, of whom a calendar cannot be read (R30)."""
    people = await colleagues(world, 3)
    owner, host, idle = people
    page = await team_page(people, "round_robin")
    [primary] = (await host.get(PRIMARY)).json()["items"]
    await host.patch(f"{PRIMARY}/{primary['calendar_id']}", {"unreachable_policy": "request_only"})
    for person in (owner, idle):
        await busy(world, person, owner.at(3, "10:00"))
    await world.sandbox.revoke_google(host.email)
    await host.post(f"/v1/connections/{host.connection_id}/sync")
    await world.work()
    return people, await ask(owner, page, 3, "10:00")


async def test_r30_a_request_made_of_a_member_is_the_page_owners_too(world: World) -> None:
    [owner, host, idle], asked = await asked_of_a_member(world)
    [row] = await world.rows("SELECT host_id FROM meeting_requests")
    assert row["host_id"] == decode_id("usr", host.user_id)
    for person in (owner, host):
        assert await ids(person, REQUESTS) == [asked.id]
        assert (await person.get(f"{REQUESTS}/{asked.id}")).json()["status"] == "pending"
    assert await ids(idle, REQUESTS) == []
    problem(await idle.get(f"{REQUESTS}/{asked.id}"), 404, "not_found")
    problem(await decline(idle, asked), 404, "not_found")


@pytest.mark.parametrize("answering", [0, 1], ids=["owner", "host"])
async def test_r30_both_may_answer_a_request_made_of_a_member(world: World, answering: int) -> None:
    people, asked = await asked_of_a_member(world)
    refused = await decline(people[answering], asked, reason="Not then")
    assert (refused.status_code, refused.json()["status"]) == (200, "declined")
    for person in people[:2]:
        assert (await person.get(f"{REQUESTS}/{asked.id}")).json()["reason"] == "Not then"


async def test_r30_the_owner_accepts_once_somebody_is_free_and_can_read_the_booking(world: World) -> None:
    [owner, host, _], asked = await asked_of_a_member(world)
    await host.connect()  # anew, which heals it
    await world.work()
    answer: httpx.Response = await accept(owner, asked)
    assert answer.status_code == 200, answer.text
    assert (await owner.get(f"{BOOKINGS}/{answer.json()['booking_id']}")).json()["host_id"] == host.user_id


async def test_r30_who_was_asked_is_told_when_it_is_asked_for_no_more(world: World) -> None:
    [_, host, _], asked = await asked_of_a_member(world)
    await world.work()
    assert (await letter(world, "requested_host"))["to"] == host.email
    assert (await asked.withdraw(reason="Found another")).status_code == 200
    await world.work()
    assert (await letter(world, "withdrawn_host"))["to"] == host.email
