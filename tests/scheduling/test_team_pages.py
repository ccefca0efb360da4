"""Pages of several people: who may make them, who is on them, and which times they offer (R27)."""

import httpx
import pytest

from tests.accounts.test_users import USER
from tests.bookings.test_requests_team import two
from tests.support.people import Person
from tests.support.teams import busy, colleagues, team_page
from tests.support.visitors import held
from tests.support.world import World, problem


async def starts(person: Person, page_id: str) -> set[str]:
    """The wall times offered on a day to come."""
    return {slot["start_at"][11:16] for slot in await person.slots(page_id, person.day(3))}


@pytest.mark.parametrize("kind", ["group", "round_robin"])
async def test_r27_a_page_of_several_people_names_them_and_its_creator_first(world: World, kind: str) -> None:
    ada, ben, cem = await colleagues(world, 2, without_calendar=1)
    made = await team_page([ada, ben, cem], kind)
    read = (await ada.get(f"/v1/scheduling-pages/{made['id']}")).json()
    assert [(member["user_id"], member["organizes"], member["status"]) for member in read["members"]] == [
        (ada.user_id, True, "ready"),
        (ben.user_id, False, "ready"),
        (cem.user_id, False, "no_calendar"),
    ]
    assert made == read


async def test_r27_a_team_needs_a_seat_and_somebody_else(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    body = {"type": "group", "name": "Demo", "member_ids": [ben.user_id]}
    await ada.refresh_token(seats=[{"product": "sales_hub", "tier": "free"}])
    refused = problem(await ada.post("/v1/scheduling-pages", body), 403, "entitlement_required")
    assert (refused["entitlement"], refused["required_tiers"][0]) == ("team_pages", "starter")
    await ada.refresh_token(seats=[{"product": "sales_hub", "tier": "starter"}])
    assert (await ada.post("/v1/scheduling-pages", body)).status_code == 201
    for nobody in ({}, {"member_ids": []}, {"member_ids": [ada.user_id]}):
        answer = await ada.post("/v1/scheduling-pages", {"type": "round_robin", "name": "Demo"} | nobody)
        assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/member_ids"
    personal = await ada.post("/v1/scheduling-pages", body | {"type": "personal"})
    assert problem(personal, 422, "validation_failed")["errors"][0]["pointer"] == "/member_ids"


async def test_r53_people_of_another_account_are_nobody(world: World) -> None:
    [ada] = await colleagues(world, 1)
    [stranger] = await colleagues(world, 1)
    body = {"type": "group", "name": "Demo", "member_ids": [stranger.user_id]}
    refused = problem(await ada.post("/v1/scheduling-pages", body), 422, "validation_failed")
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [("/member_ids/0", "not_allowed")]
    assert await world.rows("SELECT * FROM scheduling_pages") == [], "all or nothing"


async def test_r27_members_change_and_the_creator_stays(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    page = await team_page([ada, ben], "round_robin")
    path = f"/v1/scheduling-pages/{page['id']}"
    changed = (await ada.patch(path, {"member_ids": [cem.user_id]})).json()
    assert [member["user_id"] for member in changed["members"]] == [ada.user_id, cem.user_id]
    assert problem(await ada.patch(path, {"member_ids": []}), 422, "validation_failed")
    assert problem(await ada.patch(path, {"member_ids": None}), 422, "validation_failed")
    assert problem(await ben.patch(path, {"member_ids": [ben.user_id]}), 404, "not_found")
    kept = (await ada.patch(path, {"name": "Another"})).json()
    assert [member["user_id"] for member in kept["members"]] == [ada.user_id, cem.user_id]


async def test_r27_r55_who_has_left_keeps_nobody_from_changing_the_list(world: World) -> None:
    ada, ben, cem = await colleagues(world, 3)
    page = await team_page([ada, ben], "round_robin")
    service = await world.service(ada.account_id)
    assert (await service.delete(f"/v1/users/{ben.user_id}")).status_code == 204
    path = f"/v1/scheduling-pages/{page['id']}"
    changed = await ada.patch(path, {"member_ids": [ben.user_id, cem.user_id]})
    assert changed.status_code == 200, changed.text
    assert (await ada.patch(path, {"member_ids": [cem.user_id]})).status_code == 200
    problem(await ada.patch(path, {"member_ids": [ben.user_id, cem.user_id]}), 422, "validation_failed")


async def test_r27_a_group_is_free_when_everybody_is(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group")
    await busy(world, ada, ada.at(3, "10:00"))
    await busy(world, ben, ada.at(3, "11:00"))
    offered = await starts(ada, page["id"])
    assert not {"10:00", "11:00"} & offered
    assert {"09:30", "10:30", "11:30"} <= offered


async def test_r27_a_round_robin_is_free_when_anybody_is(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "round_robin")
    await busy(world, ada, ada.at(3, "10:00"))
    await busy(world, ben, ada.at(3, "11:00"))
    await busy(world, ada, ada.at(3, "12:00"))
    await busy(world, ben, ada.at(3, "12:00"))
    offered = await starts(ada, page["id"])
    assert {"10:00", "11:00"} <= offered
    assert "12:00" not in offered
    rows = await ada.slots(page["id"], ada.day(3))
    assert rows == sorted(rows, key=lambda slot: slot["start_at"])


async def test_r27_somebody_without_a_calendar_is_never_taken_for_free(world: World) -> None:
    ada, ben, cem = await colleagues(world, 2, without_calendar=1)
    group = await team_page([ada, ben, cem], "group")
    listed = (await ada.slot_list(group["id"], ada.day(3))).json()
    assert (listed["items"], listed["host_available"], listed["mode"]) == ([], False, "online")
    by_turns = await team_page([ada, ben, cem], "round_robin")
    await busy(world, ada, ada.at(3, "10:00"))
    await busy(world, ben, ada.at(3, "10:00"))
    offered = await starts(ada, by_turns["id"])
    assert "10:00" not in offered, "nobody who is known to be free is left"
    assert "10:30" in offered


@pytest.mark.parametrize("kind", ["group", "round_robin"])
async def test_r26_a_team_without_any_calendar_takes_requests(world: World, kind: str) -> None:
    people = [await world.person() for _ in range(1)]
    people.append(await world.person(account_id=people[0].account_id))
    for person in people:
        await person.get("/v1/me")
    page = await team_page(people, kind)
    assert (await people[0].slot_list(page["id"], people[0].day(3))).json()["mode"] == "offline"
    assert (await people[0].book(page["id"], people[0].at(3, "10:00").isoformat())).status_code == 202


@pytest.mark.parametrize("kind", ["group", "round_robin"])
async def test_r26_a_team_page_is_to_its_owner_what_it_is_to_visitors(world: World, kind: str) -> None:
    ada = await world.person()
    await ada.get("/v1/me")
    ben = await world.connected(account_id=ada.account_id)
    page = await team_page([ada, ben], kind)
    path = f"/v1/scheduling-pages/{page['id']}"

    async def modes() -> list[str]:
        listed = (await ada.get("/v1/scheduling-pages")).json()["items"]
        seen = [(await ada.get(path)).json(), listed[0], (await ada.api.get(f"/v1/public{path[3:]}")).json()]
        return [item["mode"] for item in seen]

    assert (page["mode"], await modes()) == ("online", ["online"] * 3), "its member has a calendar, its owner none"
    asked = await ada.book(page["id"], ada.at(3, "10:00").isoformat())
    assert asked.status_code == (201 if kind == "round_robin" else 409), "no request, whatever the owner is told"
    await world.sandbox.revoke_google(ben.email)
    await ben.post(f"/v1/connections/{ben.connection_id}/sync")
    await world.work()
    assert await modes() == ["online"] * 3, "that it cannot be read makes no request of a booking"
    await world.rows("UPDATE users SET active = false WHERE email = $1", ben.email)
    assert await modes() == ["offline"] * 3
    assert (await ada.book(page["id"], ada.at(3, "11:00").isoformat())).status_code == 202


async def test_r30_a_member_whose_calendar_cannot_be_read_stops_a_group_and_is_left_out_of_a_round_robin(
    world: World,
) -> None:
    ada, ben = await colleagues(world, 2)
    group, by_turns = await team_page([ada, ben], "group"), await team_page([ada, ben], "round_robin")
    await world.sandbox.revoke_google(ben.email)
    await ben.post(f"/v1/connections/{ben.connection_id}/sync")
    await world.work()
    assert await starts(ada, group["id"]) == set()
    assert await starts(ada, by_turns["id"])
    members = (await ada.get(f"/v1/scheduling-pages/{group['id']}")).json()["members"]
    assert [member["status"] for member in members] == ["ready", "unavailable"]


async def test_r55_who_has_left_is_not_waited_for(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    page = await team_page([ada, ben], "group")
    await busy(world, ben, ada.at(3, "10:00"))
    assert "10:00" not in await starts(ada, page["id"])
    await world.rows("UPDATE users SET active = false WHERE email = $1", ben.email)
    assert "10:00" in await starts(ada, page["id"])
    members = (await ada.get(f"/v1/scheduling-pages/{page['id']}")).json()["members"]
    assert [member["status"] for member in members] == ["ready", "left"]


async def named(world: World, people: list[Person]) -> list[str]:
    """Give them names; all words by which they could be recognised, the names first."""
    service, names = await world.service(people[0].account_id), ["Ada Lovelace", "Ben Bernoulli"]
    for person, name in zip(people, names, strict=True):
        answer = await service.put(f"/v1/users/{person.user_id}", USER | {"email": person.email, "name": name})
        assert answer.status_code < 300, answer.text
    return [*names, *(word for person in people for word in (person.email, person.user_id))]


def recognised(answer: httpx.Response, words: list[str]) -> list[str]:
    assert answer.status_code in {200, 201, 202}, answer.text
    return [word for word in [*words, "member"] if word in answer.text]


async def test_r34_a_visitor_learns_nothing_of_the_team(world: World) -> None:
    ada, ben = await colleagues(world, 2)
    words = await named(world, [ada, ben])
    page = await team_page([ada, ben], "round_robin")
    shown = await ada.api.get(f"/v1/public/scheduling-pages/{page['id']}")
    offered = await ada.slot_list(page["id"], ada.day(3))
    assert (recognised(shown, words), shown.json()["host_name"]) == ([], None)
    assert (recognised(offered, words), bool(offered.json()["items"])) == ([], True)
    booked = await ada.book(page["id"], ada.at(3, "10:00").isoformat())
    visitor = held(world.api, booked)
    read = await ada.api.get(visitor.path, headers={"Booking-Token": visitor.token})
    for answer in (booked, read):
        assert recognised(answer, words) == [answer.json()["host_name"]], "who comes is told, by name and nothing else"


async def test_r34_who_asks_a_team_learns_nothing_of_it(world: World) -> None:
    ada, ben, page = await two(world, "round_robin")
    words = await named(world, [ada, ben])
    asked = await ada.book(page["id"], ada.at(3, "10:00").isoformat())
    assert (recognised(asked, words), asked.json()["host_name"]) == ([], None)


@pytest.mark.parametrize("kind", ["group", "round_robin"])
async def test_r27_r55_a_lost_seat_adds_nobody_and_keeps_nobody_on_the_page(world: World, kind: str) -> None:
    ada, ben, cleo, dora = await colleagues(world, 4)
    page = await team_page([ada, ben, cleo], kind)
    path = f"/v1/scheduling-pages/{page['id']}"

    async def change(*members: Person) -> httpx.Response:
        return await ada.patch(path, {"member_ids": [member.user_id for member in members]})

    await ada.refresh_token(seats=[])
    for more in ([ben, cleo, dora], [ben, dora]):
        problem(await change(*more), 403, "entitlement_required")
    assert (await change(cleo, ben)).status_code == 200, "in another order"
    fewer = await change(ben)
    assert fewer.status_code == 200, fewer.text
    assert [item["user_id"] for item in fewer.json()["members"]] == [ada.user_id, ben.user_id]
    problem(await change(ben, cleo), 403, "entitlement_required")
