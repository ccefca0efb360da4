"""Master keys change while the service works, and the change dies half-way (R54); a ciphertext belongs to one place.

The one rule: at no moment is a secret unreadable, and in the end the old key is of no use.
"""

import asyncio
import base64
import json
import os
import random
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import SecretBytes
from sqlalchemy import LargeBinary

from app.database import transaction
from app.models.all_tables import __all__ as table_modules
from app.models.base import Base
from app.settings import Settings
from app.vault import MasterKeyAheadError, SecretPlace, SecretUnreadableError, Vault
from prove.attack_outbound import eventually
from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.support.database import empty
from tests.support.people import Person
from tests.support.world import World, open_world

NEW = SecretBytes(secrets.token_bytes(32))
ACCOUNTS = 40
SEALED = {
    "connection_tokens.access_token",
    "connection_tokens.refresh_token",
    "connection_authorizations.code_verifier",
    "webhook_endpoints.secret",
    "webhook_endpoints.previous_secret",
    "form_submissions.content",
    "visitor_tokens.content",
}
NOT_SEALED = {
    "data_keys.wrapped": "wrapped by a master key, which is another seal",
    "calendar_syncs.cursor": "where a listing goes on; it opens nothing without a token",
    "busy_months.busy": "when somebody is busy, and nothing else",
    "busy_months.tentative": "the same",
    "audit_entries.seal": "a hash",
    "audit_chains.last_seal": "a hash",
    "account_erasures.last_seal": "a hash",
}
BY_A_JOB = {"account_export_parts.content"}
"""Sealed too, while an account is exported: not by what the people of these tests do."""
Sealed = tuple[SecretPlace, bytes, str]


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> list[Sealed]:
    """Whatever is sealed from here on: where, how, and what it was."""
    kept: list[Sealed] = []
    seal = Vault.seal

    async def tapped(vault: Vault, session: Any, place: SecretPlace, secret: str) -> bytes:
        ciphertext = await seal(vault, session, place, secret)
        kept.append((place, ciphertext, secret))
        return ciphertext

    monkeypatch.setattr(Vault, "seal", tapped)
    return kept


def test_p5_every_column_of_bytes_is_sealed_or_reviewed() -> None:
    assert table_modules
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and not column.name.endswith("_hash")
    }
    assert {column for column in columns if column not in NOT_SEALED} == SEALED | BY_A_JOB


async def live(world: World) -> Person:
    """A person of an account that has sealed something in every column there is."""
    person = await world.connected()
    page = await person.make_page()
    assert page
    colleague = await world.person(account_id=person.account_id)
    await world.sandbox.exchange.account(colleague.email)
    assert (await colleague.connect_with_password(PASSWORD)).status_code == 201
    service = await world.person(account_id=person.account_id)
    await service.refresh_token(service=True, sub="service:crm", permissions=["webhooks:write", "forms:write"])
    hook = (await service.post("/v1/webhook-endpoints", {"url": "https://127.0.0.1:9/"})).json()
    assert (await service.post(f"/v1/webhook-endpoints/{hook['id']}/rotate-secret")).status_code == 200
    assert (await service.post("/v1/form-submissions", {"email": "vera@example.com"})).status_code == 201
    return person


async def opened(world: World, vault: Vault, place: SecretPlace, ciphertext: bytes) -> str:
    async with transaction(world.services.sessions, place.account_id) as session:
        return await vault.open(session, place, ciphertext)


async def test_p5_no_ciphertext_opens_in_another_row_column_or_account(world: World, sealed: list[Sealed]) -> None:
    await live(world)
    await live(world)
    vault = Vault(world.services.settings.master_keys)
    assert {f"{place.table}.{place.column}" for place, _, _ in sealed} == SEALED
    newest = {place: (ciphertext, secret) for place, ciphertext, secret in sealed}
    assert len({place.account_id for place in newest}) == 2
    for place, (ciphertext, secret) in newest.items():
        assert await opened(world, vault, place, ciphertext) == secret
        for other in newest.keys() - {place}:
            with pytest.raises(SecretUnreadableError):
                await opened(world, vault, other, ciphertext)


async def test_p5_a_token_moved_into_another_account_s_row_breaks_that_connection_and_opens_nothing(
    world: World,
) -> None:
    """In the database itself, as who can write there would do it."""
    thief, victim = await world.connected(), await world.connected()
    [stolen] = await world.rows(
        "SELECT t.access_token, t.refresh_token FROM connection_tokens t JOIN connections c"
        " ON c.id = t.connection_id WHERE c.email = $1",
        victim.email,
    )
    await world.rows(
        "UPDATE connection_tokens t SET access_token = $1, refresh_token = $2 FROM connections c"
        " WHERE c.id = t.connection_id AND c.email = $3",
        stolen["access_token"],
        stolen["refresh_token"],
        thief.email,
    )
    before = len(await world.sandbox.google_requests(account=victim.email))
    [sync] = await world.rows(
        "SELECT s.account_id, s.calendar_id FROM calendar_syncs s JOIN calendars k ON k.id = s.calendar_id"
        " JOIN connections c ON c.id = k.connection_id WHERE c.email = $1 AND k.is_primary",
        thief.email,
    )
    await world.services.sync.run(sync["account_id"], sync["calendar_id"])
    [told] = await world.rows("SELECT last_error FROM calendar_syncs WHERE calendar_id = $1", sync["calendar_id"])
    assert told["last_error"] == "reauthorization_required", "its person can mend it"
    assert len(await world.sandbox.google_requests(account=victim.email)) == before


@asynccontextmanager
async def rotating(
    environment: dict[str, str], keys: dict[int, SecretBytes]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`rotate-keys`, as the operator starts it."""
    told = {str(version): base64.b64encode(key.get_secret_value()).decode() for version, key in keys.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "rotate-keys",
        env={**os.environ, **environment, "CALENDAR_CONNECT_MASTER_KEYS": json.dumps(told)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def versions(world: World) -> dict[int, int]:
    found = await world.rows("SELECT master_version, count(*) AS many FROM data_keys GROUP BY 1 ORDER BY 1")
    return {row["master_version"]: row["many"] for row in found}


async def fill(world: World, vault: Vault) -> list[Sealed]:
    """Many accounts with a secret each."""
    kept = []
    for number in range(ACCOUNTS):
        place = SecretPlace("webhook_endpoints", "secret", uuid4(), uuid4())
        async with transaction(world.services.sessions, place.account_id) as session:
            kept.append((place, await vault.seal(session, place, f"secret {number}"), f"secret {number}"))
    return kept


async def killed_half_way(world: World, environment: dict[str, str], keys: dict[int, SecretBytes]) -> None:
    """Rotation comes to an account that is held, and dies there; which one, chance says."""
    accounts: list[UUID] = [
        row["account_id"] for row in await world.rows("SELECT account_id FROM directory WHERE kind = 'data_key'")
    ]
    stuck = random.choice(accounts[1:])  # noqa: S311 - which account, not a key
    holder = await asyncpg.connect(world.database_url)
    try:
        held = holder.transaction()
        await held.start()
        await holder.execute("SELECT FROM data_keys WHERE account_id = $1 FOR UPDATE", stuck)
        async with rotating(environment, keys) as process:

            async def waits() -> bool:
                return bool(await world.rows("SELECT FROM pg_locks WHERE NOT granted"))

            await eventually(waits, seconds=60)
            process.kill()
            await process.wait()
        await held.rollback()
    finally:
        await holder.close()


async def work_on(world: World, person: Person, page: str, number: int) -> None:
    """What goes on all the time: a booking, and a sync that needs the token."""
    booked = await person.book(page, person.at(4 + number // 24, f"{number % 24:02}:00").isoformat())
    assert booked.status_code == 201, booked.text
    syncs = await world.rows("SELECT account_id, calendar_id FROM calendar_syncs ORDER BY calendar_id")
    for sync in syncs:
        await world.services.sync.run(sync["account_id"], sync["calendar_id"])
    assert [row["last_error"] for row in await world.rows("SELECT last_error FROM calendar_syncs")] == [None] * len(
        syncs
    )


async def test_r54_a_rotation_that_dies_under_load_is_run_again_and_the_old_key_can_go(
    settings: Settings, service_environment: dict[str, str], sandbox: Sandbox
) -> None:
    await empty(settings.database_url.get_secret_value())
    both = {**settings.master_keys, 2: NEW}
    async with open_world(settings, sandbox) as world:
        person = await world.connected()
        page = (await person.make_page())["id"]
        kept = await fill(world, Vault(settings.master_keys))
        assert await versions(world) == {1: ACCOUNTS + 1}
    async with open_world(settings.model_copy(update={"master_keys": both}), sandbox) as world:
        person.api = world.api
        dying = asyncio.create_task(killed_half_way(world, service_environment, both))
        number = 0
        while not dying.done():
            await work_on(world, person, page, number := number + 1)
            await asyncio.wait({dying}, timeout=1.5)
        await dying
        half = await versions(world)
        assert half.keys() == {1, 2}, "some were done, and some were not"
        for place, ciphertext, secret in kept:
            assert await opened(world, Vault(both), place, ciphertext) == secret, "readable in between"
        async with rotating(service_environment, both) as process:
            said, _ = await process.communicate()
            assert process.returncode == 0
        assert said.decode().strip() == f"{half[1]} data keys wrapped again", "what was done is not done again"
        assert await versions(world) == {2: ACCOUNTS + 1}
    async with open_world(settings.model_copy(update={"master_keys": {2: NEW}}), sandbox) as world:
        person.api = world.api
        world.clock.offset = timedelta(hours=2)
        await work_on(world, person, page, number + 1)
        for place, ciphertext, secret in kept:
            assert await opened(world, Vault({2: NEW}), place, ciphertext) == secret
            with pytest.raises(MasterKeyAheadError):
                await opened(world, Vault(settings.master_keys), place, ciphertext)
