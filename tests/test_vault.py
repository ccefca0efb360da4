"""Secrets at rest: sealed for one place, opened nowhere else, re-wrapped without being touched (R54, P5)."""

import asyncio
import secrets
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from pydantic import SecretBytes
from sqlalchemy import delete, text

from app.database import transaction
from app.key_rotation import Rotation, rotate_all
from app.models.accounts import DataKey
from app.vault import MasterKeyAheadError, SecretPlace, SecretUnreadableError, Vault
from tests.support.world import World, problem

OLD, NEW = SecretBytes(secrets.token_bytes(32)), SecretBytes(secrets.token_bytes(32))


def place(account_id: UUID) -> SecretPlace:
    return SecretPlace("connection_tokens", "access_token", account_id, uuid4())


async def seal(world: World, vault: Vault, where: SecretPlace, secret: str) -> bytes:
    async with transaction(world.services.sessions, where.account_id) as session:
        return await vault.seal(session, where, secret)


async def unseal(world: World, vault: Vault, where: SecretPlace, sealed: bytes) -> str:
    async with transaction(world.services.sessions, where.account_id) as session:
        return await vault.open(session, where, sealed)


async def test_p5_a_secret_opens_where_it_was_sealed_and_looks_different_each_time(world: World) -> None:
    vault, where = Vault({1: OLD}), place(uuid4())
    first, second = [await seal(world, vault, where, "ya29.secret-å") for _ in range(2)]
    assert first != second
    assert b"ya29" not in first
    assert await unseal(world, vault, where, first) == await unseal(world, vault, where, second) == "ya29.secret-å"


async def test_p5_a_secret_opens_nowhere_else(world: World) -> None:
    vault, where = Vault({1: OLD}), place(uuid4())
    sealed = await seal(world, vault, where, "secret")
    for other in (
        replace(where, table="calendars"),
        replace(where, column="refresh_token"),
        replace(where, row_id=uuid4()),
        replace(where, account_id=uuid4()),
    ):
        with pytest.raises(SecretUnreadableError):
            await unseal(world, vault, other, sealed)


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1], lambda s: s[:20], lambda s: b"", lambda s: s[:-1] + b"\0" + s[-1:]]
)
async def test_p5_a_damaged_ciphertext_is_unreadable_and_says_no_more(world: World, spoil: object) -> None:
    assert callable(spoil)
    vault, where = Vault({1: OLD}), place(uuid4())
    sealed = await seal(world, vault, where, "secret")
    with pytest.raises(SecretUnreadableError) as refused:
        await unseal(world, vault, where, spoil(sealed))
    assert str(refused.value) == "connection_tokens.access_token"


async def test_p5_every_byte_of_a_ciphertext_is_authenticated(world: World) -> None:
    vault, where = Vault({1: OLD}), place(uuid4())
    sealed = await seal(world, vault, where, "secret")
    async with transaction(world.services.sessions, where.account_id) as session:
        for index in range(1, len(sealed)):
            changed = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
            with pytest.raises(SecretUnreadableError):
                await vault.open(session, where, changed)


async def test_r54_rotation_wraps_the_data_key_anew_and_the_old_master_key_can_go(world: World) -> None:
    where = place(uuid4())
    sealed = await seal(world, Vault({1: OLD}), where, "secret")
    both = Vault({1: OLD, 2: NEW})
    assert await unseal(world, both, where, sealed) == "secret", "both are readable"
    async with transaction(world.services.sessions, where.account_id) as session:
        assert await both.rewrap(session, where.account_id) is True
    async with transaction(world.services.sessions, where.account_id) as session:
        assert await both.rewrap(session, where.account_id) is False, "once"
    assert await unseal(world, Vault({2: NEW}), where, sealed) == "secret", "not a byte of it was touched"
    with pytest.raises(MasterKeyAheadError, match="master key 2 is newer than this process"):
        await unseal(world, Vault({1: OLD}), where, sealed)
    with pytest.raises(SecretUnreadableError, match="master key 2 is not configured"):
        await unseal(world, Vault({3: OLD}), where, sealed)


async def test_r54_rotating_all_walks_every_account_and_can_be_run_again(world: World) -> None:
    settings = world.services.settings
    person = await world.connected()
    await world.connected()
    versions = await world.rows("SELECT DISTINCT master_version FROM data_keys")
    assert [row["master_version"] for row in versions] == [1]
    before = await world.rows("SELECT access_token FROM connection_tokens ORDER BY 1")
    later = settings.model_copy(update={"master_keys": {**settings.master_keys, 2: NEW}})
    assert await rotate_all(later) == Rotation(wrapped=2, unopened=0)
    assert await rotate_all(later) == Rotation(wrapped=0, unopened=0)
    versions = await world.rows("SELECT DISTINCT master_version FROM data_keys")
    assert [row["master_version"] for row in versions] == [2]
    assert await world.rows("SELECT access_token FROM connection_tokens ORDER BY 1") == before
    with pytest.raises(MasterKeyAheadError):
        await seal(world, Vault(settings.master_keys), place(await one_account(world)), "secret")
    assert await seal(world, Vault(later.master_keys), place(await one_account(world)), "secret")
    assert person


async def test_r54_a_data_key_that_does_not_open_keeps_no_other_from_being_wrapped_anew(world: World) -> None:
    settings = world.services.settings
    for _ in range(2):
        await world.connected()
    lost = await one_account(world)
    await world.rows("UPDATE data_keys SET wrapped = $1 WHERE account_id = $2", b"x" * 60, lost)
    later = settings.model_copy(update={"master_keys": {**settings.master_keys, 2: NEW}})
    assert await rotate_all(later) == Rotation(wrapped=1, unopened=1)


async def test_p3_a_process_that_does_not_know_the_newest_master_key_yet_breaks_nothing(world: World) -> None:
    person = await world.connected()
    later = world.services.settings.model_copy(update={"master_keys": {**world.services.settings.master_keys, 2: NEW}})
    await rotate_all(later)
    [sync] = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs")
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    with pytest.raises(MasterKeyAheadError):
        await world.services.sync.run(sync["account_id"], sync["calendar_id"])
    assert (await person.get(f"/v1/connections/{person.connection_id}")).json()["status"] == "active"
    page = await person.make_page()
    assert (await person.book(page["id"], person.at(3, "10:00").isoformat())).status_code == 201, "by its young mirror"
    crm = await world.service(person.account_id)
    await crm.refresh_token(service=True, permissions=["webhooks:write"])
    endpoint = {"url": "https://hooks.example.com/", "event_types": ["booking.created"]}
    problem(await crm.post("/v1/webhook-endpoints", endpoint), 503, "provider_unavailable")


async def one_account(world: World) -> UUID:
    account: UUID = (await world.rows("SELECT account_id FROM data_keys LIMIT 1"))[0]["account_id"]
    return account


async def test_r54_a_wrapped_key_of_another_account_does_not_unwrap(world: World) -> None:
    vault, one, two = Vault({1: OLD}), place(uuid4()), place(uuid4())
    sealed = await seal(world, vault, one, "secret")
    await seal(world, vault, two, "other")
    await world.rows(
        "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE account_id = $1) WHERE account_id = $2",
        one.account_id,
        two.account_id,
    )
    with pytest.raises(SecretUnreadableError, match="data key"):
        await unseal(world, vault, two, sealed)


async def test_r54_erasing_the_data_key_erases_the_secrets(world: World) -> None:
    vault, where = Vault({1: OLD}), place(uuid4())
    sealed = await seal(world, vault, where, "secret")
    async with transaction(world.services.sessions, where.account_id) as session:
        await session.execute(delete(DataKey))
    with pytest.raises(SecretUnreadableError):
        await unseal(world, vault, where, sealed)


async def test_r54_two_first_secrets_at_once_share_one_data_key(world: World) -> None:
    vault, account = Vault({1: OLD}), uuid4()
    places = [place(account) for _ in range(8)]
    sealed = await asyncio.gather(*(seal(world, vault, where, "secret") for where in places))
    for where, ciphertext in zip(places, sealed, strict=True):
        assert await unseal(world, vault, where, ciphertext) == "secret"
    assert len(await world.rows("SELECT * FROM data_keys")) == 1
    async with transaction(world.services.sessions, None) as session:
        kinds = await session.execute(text("SELECT count(*) FROM directory WHERE kind = 'data_key'"))
        assert kinds.scalar() == 1


def test_p5_keys_do_not_show_in_a_representation() -> None:
    assert OLD.get_secret_value().hex() not in repr({1: OLD})
    assert repr(OLD.get_secret_value()) not in repr(Vault({1: OLD}).__dict__)
