"""Users as the CRM tells them: tokens in passing, pushes, leavers; and what getMe makes of it (R2, R18, R55)."""

import asyncio
from datetime import timedelta
from typing import Any

from app.ids import encode_id, new_id
from tests.support.people import Person
from tests.support.world import World, problem

USER: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "locale": "sv-SE",
    "time_zone": "Europe/Stockholm",
    "permissions": ["personal_email_access"],
    "seats": [{"product": "service_hub", "tier": "enterprise"}],
    "subscriptions": [{"product": "sales_hub", "tier": "starter"}],
    "account_created_at": "2020-05-01T00:00:00Z",
}


async def crm(world: World, account_id: str) -> Person:
    """The CRM's service token for an account."""
    service = await world.person(account_id=account_id)
    await service.refresh_token(service=True, sub="service:crm", permissions=["users:write"])
    return service


async def snapshot(world: World, person: Person) -> dict[str, Any]:
    rows = await world.rows("SELECT * FROM users WHERE email = $1", person.email)
    return rows[0]


async def test_r55_a_pushed_user_is_there_before_they_ever_came(world: World) -> None:
    service = await crm(world, encode_id("acct", new_id()))
    user_id = encode_id("usr", new_id())
    answer = await service.put(f"/v1/users/{user_id}", USER)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "id": user_id,
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "locale": "sv-SE",
        "time_zone": "Europe/Stockholm",
    }
    account = (await world.rows("SELECT * FROM accounts"))[0]
    assert account["opened_at"].isoformat() == "2020-05-01T00:00:00+00:00"
    again = await service.put(f"/v1/users/{user_id}", USER | {"name": None, "account_created_at": None})
    assert again.json()["name"] is None
    kept = (await world.rows("SELECT * FROM accounts"))[0]
    assert kept["opened_at"] == account["opened_at"], "an unknown date never erases a known one"
    assert len(await world.rows("SELECT * FROM users")) == 1
    told = await world.rows("SELECT actor, action FROM audit_entries")
    assert [(entry["actor"], entry["action"]) for entry in told] == [("service", "user.upserted")] * 2


async def test_r55_the_newest_word_wins_whether_pushed_or_carried_by_a_token(world: World) -> None:
    person = await world.person(seats=[{"product": "sales_hub", "tier": "professional"}])
    await person.get("/v1/me")
    service = await crm(world, person.account_id)
    world.clock.offset = timedelta(minutes=5)
    pushed = USER | {"email": person.email, "seats": []}
    assert (await service.put(f"/v1/users/{person.user_id}", pushed)).status_code == 200
    assert (await person.get("/v1/me")).status_code == 200, "issued before the push"
    assert '"tier"' not in str((await snapshot(world, person))["seats"])
    await world.rows("UPDATE users SET updated_at = now() - interval '1 hour'")
    await person.refresh_token(seats=[{"product": "service_hub", "tier": "starter"}])
    await person.get("/v1/me")
    latest = await snapshot(world, person)
    assert "service_hub" in str(latest["seats"])
    assert latest["name"] == "Ada Lovelace", "tokens carry no name, so they take none away"


async def test_r55_a_token_that_says_nothing_new_writes_nothing(world: World) -> None:
    person = await world.person()
    await person.get("/v1/me")
    before = await world.rows("SELECT xmin::text, ctid::text FROM users")
    await person.refresh_token()
    await person.get("/v1/me")
    assert await world.rows("SELECT xmin::text, ctid::text FROM users") == before


async def test_r55_the_first_requests_of_a_user_may_come_all_at_once(world: World) -> None:
    person = await world.person()
    answers = await asyncio.gather(*(person.get("/v1/me") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert len(await world.rows("SELECT * FROM users")) == 1


async def test_r55_a_leaver_is_refused_at_once_and_the_connection_closed(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    service = await crm(world, person.account_id)
    answer = await service.delete(f"/v1/users/{person.user_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await person.get("/v1/me"), 401, "unauthenticated")
    await person.refresh_token()
    problem(await person.get("/v1/connections"), 401, "unauthenticated")
    assert await world.rows("SELECT * FROM due_calendars") == []
    gone = await snapshot(world, person)
    assert (gone["active"], gone["permissions"], gone["seats"]) == (False, [], "[]")
    await world.work()
    assert await world.rows("SELECT * FROM connection_tokens") == []
    answered = await person.slot_list(page["id"], person.day(3))
    assert answered.status_code != 200 or answered.json()["items"] == []
    problem(await service.delete(f"/v1/users/{person.user_id}"), 404, "not_found")


async def test_r55_a_leaver_who_comes_back_is_let_in_again(world: World) -> None:
    person = await world.person()
    await person.get("/v1/me")
    service = await crm(world, person.account_id)
    await service.delete(f"/v1/users/{person.user_id}")
    problem(await person.get("/v1/me"), 401, "unauthenticated")
    await service.put(f"/v1/users/{person.user_id}", USER | {"email": person.email})
    assert (await person.get("/v1/me")).status_code == 200


async def test_r53_a_service_touches_users_of_its_own_account_only(world: World) -> None:
    person = await world.connected()
    foreign = await crm(world, encode_id("acct", new_id()))
    assert (await foreign.delete(f"/v1/users/{person.user_id}")).status_code == 204, "an unknown one is kept out there"
    assert (await person.get("/v1/me")).status_code == 200
    assert (await foreign.put(f"/v1/users/{person.user_id}", USER)).status_code == 200, "an id is its account's own"
    assert (await person.get("/v1/me")).json()["user"]["email"] == person.email
    assert len(await world.rows("SELECT * FROM users")) == 2


ODD_PUSHES = [
    ({"email": "nonsense"}, "/email"),
    ({"locale": "../../etc"}, "/locale"),
    ({"seats": [{"product": "marketing_hub", "tier": "starter"}]}, "/seats/0/product"),
    ({"seats": [{"product": "sales_hub", "tier": "gold"}]}, "/seats/0/tier"),
    ({"account_created_at": "2020-05-01T00:00:00"}, "/account_created_at"),
    ({"account_created_at": "0001-01-01T00:00:00+14:00"}, "/account_created_at"),
    ({"account_created_at": "9999-12-31T23:59:59-14:00"}, "/account_created_at"),
    ({"role": "admin"}, "/role"),
    ({"permissions": None}, "/permissions"),
]


async def test_r55_a_push_that_is_odd_is_refused_and_the_field_named(world: World) -> None:
    for odd, pointer in ODD_PUSHES:
        service = await crm(world, encode_id("acct", new_id()))
        answer = await service.put(f"/v1/users/{encode_id('usr', new_id())}", USER | odd)
        body = problem(answer, 422, "validation_failed")
        assert [error["pointer"] for error in body["errors"]] == [pointer]
        assert await world.rows("SELECT * FROM users") == []


async def test_r55_an_unknown_time_zone_is_refused_by_its_own_code(world: World) -> None:
    service = await crm(world, encode_id("acct", new_id()))
    answer = await service.put(f"/v1/users/{encode_id('usr', new_id())}", USER | {"time_zone": "Mars/Olympus"})
    problem(answer, 422, "time_zone_unknown")


async def test_r18_get_me_tells_what_can_be_done_and_why_not(world: World) -> None:
    person = await world.person(seats=[{"product": "sales_hub", "tier": "starter"}])

    async def reasons() -> dict[str, str | None]:
        listed = (await person.get("/v1/me")).json()["capabilities"]
        assert all(item["available"] == (item["reason"] is None) for item in listed)
        assert all(bool(item["remedy"]) == bool(item["reason"]) for item in listed)
        return {item["capability"]: item["reason"] for item in listed}

    names = {
        "calendar_sync",
        "task_sync",
        "additional_availability_calendars",
        "event_cancel",
        "event_reschedule",
        "crm_meetings",
        "proposed_times",
    }
    assert await reasons() == dict.fromkeys(names, "no_connection")
    await world.sandbox.google_account(person.email)
    await person.connect()
    assert await reasons() == dict.fromkeys(names) | {"task_sync": "seat_required"}
    await person.refresh_token(seats=[{"product": "service_hub", "tier": "professional"}])
    assert await reasons() == dict.fromkeys(names)
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert await reasons() == dict.fromkeys(names, "reauthorization_required")


async def test_r53_get_me_tells_who_asks(world: World) -> None:
    person = await world.person(
        subscriptions=[{"product": "sales_hub", "tier": "enterprise"}], account_created_at="2022-02-02T00:00:00Z"
    )
    me = (await person.get("/v1/me")).json()
    assert (me["user"]["id"], me["user"]["email"]) == (person.user_id, person.email)
    assert me["account"] == {
        "id": person.account_id,
        "created_at": "2022-02-02T00:00:00Z",
        "subscriptions": [{"product": "sales_hub", "tier": "enterprise"}],
    }
    assert me["permissions"] == ["personal_email_access"]
    assert me["seats"] == [{"product": "sales_hub", "tier": "professional"}]
    assert me["connection_limit"] == {"limit": 1, "used": 0}
