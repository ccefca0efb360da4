"""A booking that is asked for again by its key is told again as it was, whoever hosts it (R44).

The one rule: nobody who was booked hears afterwards that they were not.
"""

import pytest

from tests.bookings.test_on_behalf import integration, wish
from tests.support.teams import colleagues, team_page
from tests.support.visitors import held
from tests.support.world import World, problem


async def test_r44_a_repeated_booking_of_a_round_robin_names_who_comes_and_not_who_is_first(world: World) -> None:
    people = await colleagues(world, 2)
    for person, name in zip(people, ("Ada", "Ben"), strict=True):
        await world.rows("UPDATE users SET name = $1 WHERE email = $2", name, person.email)
    page, start = await team_page(people, "round_robin"), people[0].at(3, "10:00").isoformat()
    hosts = []
    for number in range(2):
        key = {"Idempotency-Key": f"key-{number}"}
        first, again = [await people[0].book(page["id"], start, key) for _ in range(2)]
        assert (first.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
        assert again.json() == first.json()
        read = await held(world.api, first).read()
        assert read | {"booking_token": first.json()["booking_token"]} == first.json()
        hosts.append(read["host_name"])
    assert sorted(hosts) == ["Ada", "Ben"]


@pytest.mark.parametrize("connected", [True, False], ids=["online", "offline"])
async def test_r44_what_was_answered_is_told_again_when_the_page_is_gone(world: World, connected: bool) -> None:
    person = await world.connected() if connected else await world.person()
    page, start = await person.make_page(), person.at(3, "10:00").isoformat()
    key = {"Idempotency-Key": "one"}
    first = await person.book(page["id"], start, key)
    assert first.status_code == (201 if connected else 202)
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    again = await person.book(page["id"], start, key)
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (first.status_code, "true"), again.text
    assert again.json() == first.json()
    problem(await person.book(page["id"], start, key, name="Victor"), 422, "idempotency_key_reused")
    problem(await person.book(page["id"], start, {"Idempotency-Key": "two"}), 404, "not_found")
    problem(await person.book(page["id"], start), 404, "not_found")


async def test_r44_r50_who_books_for_a_visitor_is_answered_again_when_the_page_is_gone(world: World) -> None:
    person = await world.connected()
    page, colleague = await person.make_page(), await world.person(account_id=person.account_id)
    body, key = wish(page, person.at(3, "10:00")), {"Idempotency-Key": "one"}
    service = await integration(world, person.account_id)
    first = await person.post("/v1/bookings", body, **key)
    asked = await service.post("/v1/bookings", body | {"start_at": person.at(3, "11:00").isoformat()}, **key)
    assert (first.status_code, asked.status_code) == (201, 201)
    assert (await person.delete(f"/v1/scheduling-pages/{page['id']}")).status_code == 204
    again = await person.post("/v1/bookings", body, **key)
    assert (again.status_code, again.json()) == (201, first.json()), again.text
    once_more = await service.post("/v1/bookings", body | {"start_at": person.at(3, "11:00").isoformat()}, **key)
    assert (once_more.status_code, once_more.json()["id"]) == (201, asked.json()["id"])
    for caller in (colleague, await world.connected()):
        problem(await caller.post("/v1/bookings", body, **key), 404, "not_found")
    problem(await person.post("/v1/bookings", body), 404, "not_found")
