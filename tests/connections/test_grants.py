"""Grants that several connections live by (R15, R53), and a primary calendar whose id changes."""

from dataclasses import replace

import pytest

from app.providers.google.session import GoogleSession
from tests.support.people import Person
from tests.support.world import World


async def status(person: Person) -> str:
    return str((await person.get(f"/v1/connections/{person.connection_id}")).json()["status"])


async def revocations(world: World, email: str) -> int:
    return sum(entry["path"].endswith("/revoke") for entry in await world.sandbox.google_requests(account=email))


async def test_r53_letting_go_in_one_account_leaves_the_other_accounts_connection_alive(world: World) -> None:
    one = await world.connected()
    other = await world.person()
    await other.connect(email=one.email)
    await world.work()
    await one.delete(f"/v1/connections/{one.connection_id}")
    await world.work()
    await world.sandbox.expire_google_access_tokens(one.email)
    await other.post(f"/v1/connections/{other.connection_id}/sync")
    await world.work()
    assert (await status(other), await revocations(world, one.email)) == ("active", 0)
    await other.delete(f"/v1/connections/{other.connection_id}")
    await world.work()
    assert await revocations(world, one.email) == 1, "the last one ends the grant"
    assert await world.rows("SELECT * FROM provider_grants") == []


async def test_r16_a_primary_calendar_that_got_another_id_heals_as_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    [before] = await world.rows("SELECT id FROM calendars WHERE is_primary")
    await world.sandbox.revoke_google(person.email)
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
    listed = GoogleSession.list_calendars

    async def renamed(self: GoogleSession) -> object:
        return [replace(item, id="renamed@example.com") if item.primary else item for item in await listed(self)]

    monkeypatch.setattr(GoogleSession, "list_calendars", renamed)
    assert (await person.connect())["status"] == "completed"
    rows = await world.rows("SELECT id, provider_calendar_id, is_primary, checked FROM calendars")
    assert rows == [
        {"id": before["id"], "provider_calendar_id": "renamed@example.com", "is_primary": True, "checked": True}
    ]


async def test_r16_a_calendar_that_becomes_primary_is_mirrored_although_nobody_had_ticked_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    page = await person.make_page()
    other = await world.sandbox.google_calendar(person.email, "The new one")
    await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
    await world.work()
    listed = GoogleSession.list_calendars

    async def swapped(self: GoogleSession) -> object:
        return [replace(item, primary=item.id == other["id"]) for item in await listed(self)]

    monkeypatch.setattr(GoogleSession, "list_calendars", swapped)
    await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
    await world.work()
    [primary] = await world.rows("SELECT id, provider_calendar_id, checked FROM calendars WHERE is_primary")
    assert (primary["provider_calendar_id"], primary["checked"]) == (other["id"], True)
    mirrored = await world.rows("SELECT last_succeeded_at FROM calendar_syncs WHERE calendar_id = $1", primary["id"])
    assert [row["last_succeeded_at"] is not None for row in mirrored] == [True]
    assert await person.slots(page["id"], person.day(3)), "its host is to be had"
