"""Tokens of a connection: renewed once however many ask, broken with a reason, healed, sealed at rest (R16, P5)."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.connections.access import CalendarAccess, token_places
from app.connections.health import mark_broken
from app.connections.repository import find_connection
from app.database import transaction
from app.providers.base import CalendarSession, ReauthRequired, Transient
from app.providers.google.provider import GoogleProvider
from app.vault import SecretPlace, SecretUnreadableError, Vault
from tests.support.gate import Gate
from tests.support.google import failing, turned
from tests.support.people import Person
from tests.support.world import World


async def session_of(world: World) -> CalendarSession:
    """A session at Google for the only connection, as jobs open one."""
    row = (await world.rows("SELECT account_id, id, provider FROM connections"))[0]
    vault = Vault(world.services.settings.master_keys)
    access = CalendarAccess(world.services.sessions, vault, world.services.providers, world.clock)
    return access.open(row["account_id"], row["id"], row["provider"])


async def refreshes(world: World, person: Person, since: int = 0) -> int:
    """How often Google's token endpoint was asked to refresh since then."""
    requests = await world.sandbox.google_requests(account=person.email, since=since)
    return sum(request["path"].endswith("/token") for request in requests)


async def marker(world: World) -> int:
    """The number of the last request Google got."""
    requests = await world.sandbox.google_requests()
    return requests[-1]["seq"] if requests else 0


async def broken(world: World, person: Person) -> tuple[str, str | None]:
    """Status and reason of the connection as its person reads it."""
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    return connection["status"], connection["reason"]


async def gather(*calls: Awaitable[Any]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_r16_an_expired_token_is_renewed_before_it_is_used(world: World) -> None:
    person = await world.connected()
    since = await marker(world)
    world.clock.offset = timedelta(hours=2)
    await (await session_of(world)).list_calendars()
    assert await refreshes(world, person, since) == 1
    await (await session_of(world)).list_calendars()
    row = (await world.rows("SELECT version, lease_until, expires_at FROM connection_tokens"))[0]
    assert (row["version"], row["lease_until"]) == (2, None)
    assert row["expires_at"] > world.clock()


async def test_r16_a_token_that_google_ended_early_is_renewed_and_the_call_repeated(world: World) -> None:
    person = await world.connected()
    since = await marker(world)
    await world.sandbox.expire_google_access_tokens(person.email)
    calendars = await (await session_of(world)).list_calendars()
    assert [calendar.id for calendar in calendars] == [person.email]
    assert await refreshes(world, person, since) == 1


@pytest.mark.parametrize("early", [False, True])
async def test_r16_twenty_callers_at_once_refresh_once(world: World, early: bool) -> None:
    person = await world.connected()
    since = await marker(world)
    if early:
        await world.sandbox.expire_google_access_tokens(person.email)
    else:
        world.clock.offset = timedelta(hours=2)
    async with failing(world.sandbox, {"kind": "latency", "ms": 150}, path="/token$"):
        answers = await gather(*[(await session_of(world)).list_calendars() for _ in range(20)])
    assert [len(answer) for answer in answers] == [1] * 20
    assert await refreshes(world, person, since) == 1


async def test_r16_an_answer_of_the_token_endpoint_that_is_lost_is_asked_for_again(world: World) -> None:
    person = await world.connected()
    world.clock.offset = timedelta(hours=2)
    async with failing(world.sandbox, "lost_after_commit", path="/token$", account=person.email):
        with pytest.raises(Transient):
            await (await session_of(world)).list_calendars()
    row = (await world.rows("SELECT version, lease_until FROM connection_tokens"))[0]
    assert (row["version"], row["lease_until"]) == (1, None), "the lease is given back"
    assert len(await (await session_of(world)).list_calendars()) == 1
    assert await broken(world, person) == ("active", None)


@pytest.mark.parametrize("kind", ["unavailable", "too_many_requests", "reset_before"])
async def test_r16_a_token_endpoint_that_is_down_breaks_no_connection(world: World, kind: str) -> None:
    person = await world.connected()
    world.clock.offset = timedelta(hours=2)
    async with failing(world.sandbox, kind, path="/token$"):
        await world.services.sync.run(*await calendar_of(world))
    assert await broken(world, person) == ("active", None)
    await world.services.sync.run(*await calendar_of(world))
    sync = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()["calendars"][0]
    assert (sync["state"], sync["last_error"]) == ("idle", None)


async def calendar_of(world: World) -> tuple[Any, Any]:
    row = (await world.rows("SELECT account_id, calendar_id FROM calendar_syncs"))[0]
    return row["account_id"], row["calendar_id"]


async def test_r16_a_refresh_whose_holder_died_is_taken_over_after_its_lease(world: World) -> None:
    await world.connected()
    world.clock.offset = timedelta(hours=2)
    until = world.clock() + timedelta(seconds=30)
    await world.rows("UPDATE connection_tokens SET lease_until = $1", until)
    waiting = asyncio.create_task((await session_of(world)).list_calendars())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    world.clock.offset += timedelta(seconds=31)
    assert len(await asyncio.wait_for(waiting, 5)) == 1


async def test_r16_a_revoked_grant_breaks_the_connection_with_a_reason_and_pauses_everything(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    assert await broken(world, person) == ("reauthorization_required", "token_revoked")
    sync = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()["calendars"][0]
    assert (sync["state"], sync["next_run_at"]) == ("paused", None)
    assert await world.rows("SELECT * FROM due_calendars") == []
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert connection["allowed_actions"] == ["disconnect", "reauthorize"]
    assert {c["reason"] for c in connection["capabilities"]} == {"reauthorization_required"}
    calendars = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    assert [c["ineligible_reason"] for c in calendars] == ["connection_inactive"]
    assert await person.slots(page["id"], person.day(3)) == []
    refused = await person.post(f"/v1/connections/{person.connection_id}/sync")
    assert (refused.status_code, refused.json()["code"]) == (409, "calendar_not_connected")


async def test_r16_many_who_learn_of_a_dead_grant_at_once_say_so_once_and_at_once(world: World) -> None:
    person = await world.connected()
    since = await marker(world)
    await world.sandbox.revoke_google(person.email)
    calls = [(await session_of(world)).list_calendars() for _ in range(10)]
    answers = await asyncio.wait_for(gather(*calls), 5)
    assert {type(answer) for answer in answers} == {ReauthRequired}
    assert await refreshes(world, person, since) <= 2
    told = await world.rows("SELECT * FROM audit_entries WHERE action = 'connection.reauthorization_required'")
    assert len(told) == 1


async def test_r16_breaking_is_told_once_however_many_find_out(world: World) -> None:
    await world.connected()
    row = (await world.rows("SELECT account_id, id FROM connections"))[0]
    async with transaction(world.services.sessions, row["account_id"]) as session:
        seen = await find_connection(session, row["id"])
    assert seen is not None

    async def find_out() -> None:
        async with transaction(world.services.sessions, row["account_id"]) as session:
            assert await mark_broken(session, seen, reason="token_revoked", now=world.clock())

    await asyncio.gather(*(find_out() for _ in range(8)))
    told = await world.rows("SELECT * FROM audit_entries WHERE action = 'connection.reauthorization_required'")
    assert len(told) == 1


async def test_r16_reconnecting_the_same_account_heals_and_everything_survives(world: World) -> None:
    person = await world.connected()
    await world.sandbox.google_calendar(person.email, "Project")
    page = await person.make_page()
    booked = await person.book(page["id"], person.at(3, "10:00").isoformat())
    assert booked.status_code == 201
    await world.work()
    settings = (await person.patch("/v1/calendar-settings", {"tentative_blocks": False})).json()
    before = person.connection_id
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    await person.connect()
    assert person.connection_id == before
    assert await broken(world, person) == ("active", None)
    await world.work()
    sync = (await person.get(f"/v1/connections/{person.connection_id}/sync")).json()["calendars"][0]
    assert (sync["state"], sync["last_error"]) == ("idle", None)
    after = (await person.get("/v1/calendar-settings")).json()
    assert (after["tentative_blocks"], after["calendar_sync"]) == (False, settings["calendar_sync"])
    names = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
    assert [item["name"] for item in names][1:] == ["Project"], "what was added meanwhile is there"
    assert await person.slots(page["id"], person.day(3))
    assert (await person.get(f"/v1/bookings/{booked.json()['id']}")).json()["status"] == "confirmed"
    vault_rows = await world.rows("SELECT version FROM connection_tokens")
    assert [row["version"] for row in vault_rows] == [2]


async def test_r16_another_account_does_not_heal(world: World) -> None:
    person = await world.connected()
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    other = "second-account@example.com"
    await world.sandbox.google_account(other)
    started = (await person.start_connecting()).json()
    await person.consent(started["authorization_url"], email=other)
    done = (await person.get(f"/v1/connection-authorizations/{started['id']}")).json()
    assert (done["status"], done["code"]) == ("failed", "account_mismatch")
    assert await broken(world, person) == ("reauthorization_required", "token_revoked")


async def test_r16_an_account_whose_address_was_renamed_heals_by_its_own_consent_page(world: World) -> None:
    person = await world.connected()
    before, former = person.connection_id, "maiden-name@example.com"
    await world.rows("UPDATE connections SET email = $1", former)
    await world.rows("UPDATE calendars SET provider_calendar_id = $1", former)
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    other = "not-renamed@example.com"
    await world.sandbox.google_account(other)
    refused = await person.reauthorize(email=other)
    assert (refused["status"], refused["code"]) == ("failed", "account_mismatch")
    person.connection_id = before
    done = await person.reauthorize()
    assert (done["status"], done["code"], done["connection_id"]) == ("completed", None, before)
    [connection] = (await person.get("/v1/connections")).json()["items"]
    assert (connection["status"], connection["email"]) == ("active", person.email)
    [calendar] = await world.rows("SELECT provider_calendar_id, is_primary FROM calendars")
    assert (calendar["provider_calendar_id"], calendar["is_primary"]) == (person.email, True), "the one it was"


async def test_r16_a_refresh_that_was_overtaken_by_a_reconnect_does_not_break_what_was_healed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    world.clock.offset = timedelta(hours=2)
    await world.sandbox.revoke_google(person.email)
    gate = Gate.at(monkeypatch, "refresh", of=GoogleProvider)
    late = asyncio.create_task((await session_of(world)).list_calendars())
    await gate.wait()
    await world.rows("UPDATE connections SET status = 'reauthorization_required', reason = 'token_revoked'")
    await person.connect()
    await gate.open()
    assert len(await late) == 1, "it goes on with the new token"
    assert await broken(world, person) == ("active", None)


async def test_r16_a_refusal_that_comes_while_somebody_heals_waits_for_them_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    account = (await world.rows("SELECT account_id FROM connections"))[0]["account_id"]
    gate = Gate.at(monkeypatch, "refresh", of=GoogleProvider)
    world.clock.offset = timedelta(hours=2)
    late = asyncio.create_task((await session_of(world)).list_calendars())
    await gate.wait()
    async with (
        failing(world.sandbox, "invalid_grant", times=1, path="/token$"),
        transaction(world.services.sessions, account) as healing,
    ):
        await healing.execute(text("UPDATE connections SET updated_at = now()"))
        await gate.open()
        await asyncio.sleep(0.3)
        assert not late.done()
        await healing.execute(text("UPDATE connection_tokens SET version = version + 1, lease_until = NULL"))
    assert len(await late) == 1, "it goes on with the token that is stored now"
    assert await broken(world, person) == ("active", None)


async def columns(world: World) -> list[tuple[str, str]]:
    """Every table with the text of all its rows."""
    tables = await world.rows(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'queue')"
    )
    names = [table["name"] for table in tables]
    query = "SELECT t::text AS t FROM {} t"
    return [(name, repr(await world.rows(query.format(name)))) for name in names]


def forms(secret: str) -> list[str]:
    """How a secret could look in a dump: as it is, and as PostgreSQL shows bytes."""
    return [secret, secret.encode().hex()]


async def test_p5_no_token_stands_in_any_table_in_the_clear(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.book(page["id"], person.at(3, "10:00").isoformat())
    world.clock.offset = timedelta(hours=2)
    await (await session_of(world)).list_calendars()
    row = (await world.rows("SELECT * FROM connection_tokens"))[0]
    vault, places = Vault(world.services.settings.master_keys), token_places(row["account_id"], row["connection_id"])
    async with transaction(world.services.sessions, row["account_id"]) as session:
        secrets = [
            await vault.open(session, places.access, row["access_token"]),
            await vault.open(session, places.refresh, row["refresh_token"]),
        ]
    assert secrets[0].startswith("ya29.")
    assert secrets[1].startswith("1//")
    keys = [key.get_secret_value() for key in world.services.settings.master_keys.values()]
    for table, content in await columns(world):
        for secret in [*secrets, person.token]:
            assert not any(form in content for form in forms(secret)), table
        assert not any(key.hex() in content for key in keys), table
    answers = [
        (await person.get(path)).text
        for path in ("/v1/connections", f"/v1/connections/{person.connection_id}", "/v1/me", "/v1/calendar-settings")
    ]
    assert not any(secret in answer for secret in secrets for answer in answers)


async def test_p5_a_token_moved_to_another_row_column_or_account_does_not_open(world: World) -> None:
    first = await world.connected()
    second = await world.connected()
    rows = await world.rows("SELECT * FROM connection_tokens")
    vault = Vault(world.services.settings.master_keys)
    one, two = rows
    own = token_places(one["account_id"], one["connection_id"])
    wrong: list[tuple[Any, SecretPlace]] = [
        (one["account_id"], token_places(one["account_id"], two["connection_id"]).access),
        (two["account_id"], token_places(two["account_id"], one["connection_id"]).access),
        (one["account_id"], own.refresh),
        (one["account_id"], SecretPlace("other_table", "access_token", one["account_id"], one["connection_id"])),
    ]
    for account, place in wrong:
        async with transaction(world.services.sessions, account) as session:
            with pytest.raises(SecretUnreadableError) as refused:
                await vault.open(session, place, one["access_token"])
        assert "ya29" not in str(refused.value)
    async with transaction(world.services.sessions, one["account_id"]) as session:
        assert await vault.open(session, own.access, one["access_token"])
    assert first
    assert second


async def test_r16_short_lived_tokens_are_renewed_in_time(world: World) -> None:
    async with turned(world.sandbox, access_token_lifetime=61):
        person = await world.connected()
        since = await marker(world)
        await asyncio.sleep(1.1)  # 60 seconds before its end a token counts as expired
        await (await session_of(world)).list_calendars()
        assert await refreshes(world, person, since) == 1
