"""The newest word about a user wins: rights taken away are gone, leavers stay away, old token or not (R55)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.accounts import repository, service
from app.accounts.principal import Seat
from app.database import transaction
from app.ids import decode_id, encode_id, new_id
from tests.accounts.test_users import USER, crm, snapshot
from tests.support.people import Person
from tests.support.world import World, problem

PRO, STARTER = ({"product": "sales_hub", "tier": tier} for tier in ("professional", "starter"))


async def push(world: World, person: Person, **changes: Any) -> None:
    """The CRM tells of a user after the person's token was issued."""
    told = await crm(world, person.account_id)
    world.clock.offset += timedelta(minutes=1)
    answer = await told.put(f"/v1/users/{person.user_id}", USER | {"email": person.email} | changes)
    assert answer.status_code == 200, answer.text


async def me(person: Person) -> dict[str, Any]:
    answer = await person.get("/v1/me")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_r55_rights_that_were_taken_away_are_gone_while_an_old_token_lives(world: World) -> None:
    person = await world.person(seats=[PRO], subscriptions=[PRO])
    assert (await me(person))["permissions"] == ["personal_email_access"]
    await push(world, person, permissions=[], seats=[STARTER], subscriptions=[])
    after = await me(person)
    assert (after["permissions"], after["seats"], after["account"]["subscriptions"]) == ([], [STARTER], [])
    problem(await person.start_connecting(), 403, "personal_email_access_required")


async def test_r55_rights_that_were_given_are_there_without_a_new_token(world: World) -> None:
    person = await world.person(permissions=[], seats=[])
    problem(await person.start_connecting(), 403, "personal_email_access_required")
    await push(world, person, permissions=["personal_email_access"], seats=[PRO])
    assert (await person.start_connecting()).status_code == 201


async def test_r55_a_token_that_is_newer_than_the_push_has_the_last_word(world: World) -> None:
    person = await world.person(seats=[PRO])
    await push(world, person, permissions=[], seats=[], subscriptions=[])
    for table in ("users", "accounts"):
        await world.rows(f"UPDATE {table} SET updated_at = now() - interval '1 hour'")  # noqa: S608
    await person.refresh_token(subscriptions=[STARTER])
    after = await me(person)
    assert (after["seats"], after["account"]["subscriptions"]) == ([PRO], [STARTER])
    [account] = await world.rows("SELECT subscriptions::text FROM accounts")
    assert "starter" in account["subscriptions"], "also when nothing but the account's part is news"


async def test_r55_an_older_token_never_overwrites_newer_subscriptions(world: World) -> None:
    person = await world.person(subscriptions=[PRO])
    colleague = await world.person(account_id=person.account_id, subscriptions=[PRO])
    await push(world, person, subscriptions=[STARTER])
    assert (await me(colleague))["account"]["subscriptions"] == [STARTER], "a first visit, with an older token"
    [account] = await world.rows("SELECT subscriptions::text FROM accounts")
    assert "professional" not in account["subscriptions"]


async def test_r55_a_token_of_the_same_second_counts_for_its_own_request(world: World) -> None:
    person = await world.person(seats=[PRO])
    await me(person)
    await person.refresh_token(seats=[STARTER])
    assert (await me(person))["seats"] == [STARTER]


async def test_r55_who_leaves_while_a_token_is_being_taken_over_stays_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    await me(person)
    leaving = await crm(world, person.account_id)
    await world.rows("UPDATE users SET updated_at = now() - interval '1 hour'")
    await person.refresh_token(seats=[STARTER])
    judged, go_on = asyncio.Event(), asyncio.Event()
    real = repository.save_account

    async def slow(*positional: Any, **named: Any) -> None:
        judged.set()
        await go_on.wait()
        await real(*positional, **named)

    monkeypatch.setattr(repository, "save_account", slow)
    asking = asyncio.create_task(person.get("/v1/me"))
    await asyncio.wait_for(judged.wait(), 10)
    assert (await leaving.delete(f"/v1/users/{person.user_id}")).status_code == 204
    go_on.set()
    problem(await asking, 401, "unauthenticated")
    monkeypatch.undo()
    problem(await person.get("/v1/me"), 401, "unauthenticated")
    assert not (await snapshot(world, person))["active"]


async def test_r55_a_newer_push_that_comes_between_wins_over_the_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person(seats=[PRO])
    judged, go_on = asyncio.Event(), asyncio.Event()
    real = repository.save_account

    async def slow(*positional: Any, **named: Any) -> None:
        if named.get("over_older_only"):
            judged.set()
            await go_on.wait()
        await real(*positional, **named)

    monkeypatch.setattr(repository, "save_account", slow)
    asking = asyncio.create_task(me(person))
    await asyncio.wait_for(judged.wait(), 10)
    await push(world, person, seats=[STARTER], permissions=[])
    go_on.set()
    answer = await asking
    assert (answer["seats"], answer["permissions"]) == ([STARTER], [])
    assert "professional" not in str((await snapshot(world, person))["seats"])


async def test_r55_who_left_before_they_ever_came_is_kept_out(world: World) -> None:
    person = await world.person()
    leaving = await crm(world, person.account_id)
    assert (await leaving.delete(f"/v1/users/{person.user_id}")).status_code == 204
    problem(await person.get("/v1/me"), 401, "unauthenticated")
    problem(await leaving.delete(f"/v1/users/{person.user_id}"), 404, "not_found")
    told = await world.rows("SELECT actor, action FROM audit_entries")
    assert [(entry["actor"], entry["action"]) for entry in told] == [("service", "user.deleted")]
    await push(world, person, name="Ada")
    assert (await me(person))["user"]["name"] == "Ada"


async def test_r55_an_account_known_by_a_leaver_alone_learns_what_it_has_bought(world: World) -> None:
    leaving = await crm(world, encode_id("acct", new_id()))
    assert (await leaving.delete(f"/v1/users/{encode_id('usr', new_id())}")).status_code == 204
    colleague = await world.person(account_id=leaving.account_id, subscriptions=[PRO])
    assert (await me(colleague))["account"]["subscriptions"] == [PRO]
    [account] = await world.rows("SELECT subscriptions::text FROM accounts")
    assert "professional" in account["subscriptions"]


async def test_r55_a_person_is_no_service_whatever_their_token_says(world: World) -> None:
    person, other = await world.person(permissions=["users:write"]), encode_id("usr", new_id())
    for answer in (
        await person.put(f"/v1/users/{other}", USER),
        await person.put(f"/v1/users/{person.user_id}", USER | {"seats": [PRO]}),
        await person.delete(f"/v1/users/{other}"),
    ):
        problem(answer, 403, "forbidden")
    assert await world.rows("SELECT * FROM audit_entries") == []


async def test_r55_the_audit_names_who_pushed(world: World) -> None:
    account_id, user_id = decode_id("acct", encode_id("acct", new_id())), new_id()
    state = service.UserState("ada@example.com", None, "en", "UTC", frozenset(), (Seat("sales_hub", "starter"),))
    now = datetime.now(UTC)
    async with transaction(world.services.sessions, account_id) as session:
        await service.upsert_user(
            session, account_id, user_id, state, subscriptions=(), account_opened_at=None, actor="service", now=now
        )
        await service.deactivate(session, account_id, user_id, actor="service:billing", now=now)
    told = await world.rows("SELECT actor FROM audit_entries ORDER BY action DESC")
    assert [entry["actor"] for entry in told] == ["service", "service:billing"]
