"""The owner's look at a page's slots.

The one rule: what visitors are offered, also while pages are turned off; and nobody else's page.
"""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.ids import encode_id, new_id
from tests.support.people import Person
from tests.support.world import World, problem


async def own_slots(caller: Person, page_id: str, **query: Any) -> httpx.Response:
    asked = {
        "time_zone": caller.time_zone,
        "first_day": caller.day(3).isoformat(),
        "last_day": caller.day(3).isoformat(),
        "duration_minutes": 30,
    } | query
    return await caller.get(f"/v1/scheduling-pages/{page_id}/slots", **asked)


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "Asia/Kathmandu", "America/St_Johns"])
async def test_r47_the_owner_sees_what_visitors_see(world: World, zone: str) -> None:
    person = await world.connected()
    page = await person.make_page(buffer_after_minutes=15, daily_limit=4)
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201
    last = (person.day(3) + timedelta(days=2)).isoformat()
    mine = await own_slots(person, page["id"], time_zone=zone, last_day=last)
    theirs = await person.slot_list(page["id"], person.day(3), person.day(3) + timedelta(days=2), time_zone=zone)
    assert mine.status_code == 200, mine.text
    assert mine.json() == theirs.json()
    assert len(mine.json()["items"]) > 10
    assert mine.headers["Cache-Control"] == "no-store"


async def test_r41_the_owner_sees_slots_while_pages_are_turned_off(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    before = (await own_slots(person, page["id"])).json()
    await person.patch("/v1/calendar-settings", {"turned_off": True})
    problem(await person.slot_list(page["id"], person.day(3)), 404, "page_turned_off")
    assert (await own_slots(person, page["id"])).json() == before


async def test_r26_an_offline_page_shows_its_owner_what_can_be_asked_for(world: World) -> None:
    person = await world.person()
    answer = (await own_slots(person, (await person.make_page())["id"])).json()
    assert (answer["mode"], {slot["grade"] for slot in answer["items"]}) == ("offline", {"request_only"})


async def test_r30_a_page_that_cannot_be_read_shows_its_owner_none(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.rows("UPDATE calendars SET inactive_reason = 'access_lost' WHERE checked")
    answer = (await own_slots(person, page["id"])).json()
    assert (answer["host_available"], answer["items"]) == (False, [])


async def test_r53_somebody_elses_page_is_one_that_never_was(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    deleted = await person.make_page(name="Gone")
    await person.delete(f"/v1/scheduling-pages/{deleted['id']}")
    problem(await own_slots(person, deleted["id"]), 404, "not_found")
    for caller in (await world.person(account_id=person.account_id), await world.person()):
        theirs = problem(await own_slots(caller, page["id"]), 404, "not_found")
        missing = problem(await own_slots(caller, encode_id("page", new_id())), 404, "not_found")
        assert {**theirs, "instance": "", "request_id": ""} == {**missing, "instance": "", "request_id": ""}
    problem(await world.api.get(f"/v1/scheduling-pages/{page['id']}/slots"), 401, "unauthenticated")
    service = await world.service(person.account_id)
    problem(await own_slots(service, page["id"]), 403, "forbidden")


@pytest.mark.parametrize(
    "nonsense",
    [{"duration_minutes": 45}, {"duration_minutes": 0}, {"time_zone": "Mars/Base"}, {"first_day": "soon"},
     {"last_day": "2020-01-01"}, {"first_day": "1960-01-01", "last_day": "1960-01-01"}],
)  # fmt: skip
async def test_r47_nonsense_is_refused_to_owners_too(world: World, nonsense: dict[str, Any]) -> None:
    person = await world.person()
    answer = await own_slots(person, (await person.make_page())["id"], **nonsense)
    assert answer.status_code == 422, answer.text
