"""A canary in every secret and personal field, the whole API driven at DEBUG, and then a look everywhere (P5).

The one rule: where a canary may stand is written here, with the reason; whatever else holds one is a leak.
"""

import base64
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.logs import configure_logs
from app.settings import Settings
from app.vault import SecretPlace, Vault
from prove.attack_outbound import Target, eventually
from prove.secrets_canaries import Flock, columns_with, strays
from prove.secrets_drive import Drive
from prove.secrets_reviewed import COLUMNS, MAILED
from sandbox.client import Sandbox
from tests.support.database import empty
from tests.support.world import World, open_world
from tests.test_queue import working

UNDONE = "SELECT FROM queue.pgqueuer WHERE status <> 'queued' OR execute_after <= now()"
METRICS = "Cnrymetrics-token-of-the-operator"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, at the lowest level."""
    root = logging.getLogger()
    before = root.handlers[:]
    configure_logs("DEBUG", "json")
    stream = io.StringIO()
    ours = root.handlers[:]
    for handler in ours:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
    yield stream
    configure_logs("WARNING", "console")
    root.handlers[:] = [*root.handlers, *(handler for handler in before if handler not in ours)]


@pytest.fixture
def flock(monkeypatch: pytest.MonkeyPatch) -> Flock:
    """With every secret that is ever sealed in it: tokens, passwords and verifiers that nobody here has made."""
    kept, seal = Flock(), Vault.seal

    async def tapped(vault: Vault, session: Any, place: SecretPlace, secret: str) -> bytes:
        for part in _parts(secret):
            kept.add(f"sealed {place.table}.{place.column} {len(kept.canaries)}", part)
        return await seal(vault, session, place, secret)

    monkeypatch.setattr(Vault, "seal", tapped)
    return kept


def _parts(secret: str) -> list[str]:
    """A sealed document by its values: those that could be told from chance."""
    try:
        read = json.loads(secret)
    except ValueError:
        return [secret.removeprefix("whsec_")]
    values = read.values() if isinstance(read, dict) else [read]
    return [value for value in values if isinstance(value, str) and len(value) >= 16 and not set(value) & set("/@")]


async def driven(world: World, flock: Flock) -> Drive:
    """With the jobs done as a worker does them: one that fails is told of in the log, and comes back."""
    await world.sandbox.delete_mails()

    async def done() -> bool:
        return not await world.rows(UNDONE)

    async def settle() -> None:
        await eventually(done, seconds=60)

    drive = Drive(Target(world.api, world.sandbox, settle), flock)
    async with working(world.services, world.database_url):
        await drive.run()
    return drive


async def test_p5_a_secret_is_found_in_its_column_and_nowhere_else(
    settings: Settings, sandbox: Sandbox, log: io.StringIO, flock: Flock
) -> None:
    await empty(settings.database_url.get_secret_value())
    metered = settings.model_copy(update={"metrics_token": type(settings.google_client_secret)(METRICS)})
    for name in ("google_client_secret", "office365_client_secret"):
        flock.add(name, getattr(settings, name).get_secret_value())
    flock.add("signing_key", settings.signing_key.get_secret_value().hex())
    async with open_world(metered, sandbox) as world:
        drive = await driven(world, flock)
        assert drive.leaks == []
        written = log.getvalue()
        assert flock.found_in(written.encode()) == set()
        for event in ("request", "sync.failed"):
            assert f'"event": "{event}"' in written or f'"event":"{event}"' in written, "it was logged, and at work"
        metrics = await world.api.get("/metrics", headers={"Authorization": f"Bearer {METRICS}"})
        assert metrics.status_code == 200
        assert flock.found_in(metrics.content) == set()
        mails = await sandbox.mails()
        told = flock.found_in(json.dumps(mails).encode())
        assert told == MAILED, "mails were sent, and read"
        found = await columns_with(world.database_url, flock)
        assert strays(found, COLUMNS) == {}
        excused = {(name, column) for name, columns in COLUMNS.items() for column in columns}
        assert excused == {(name, column) for name, columns in found.items() for column in columns}, "no idle excuse"


async def test_p5_a_canary_in_any_table_is_found(world: World) -> None:
    """Of the jobs' tables too, and in what is stored as bytes."""
    flock = Flock()
    leaked, packed = flock.secret("leaked"), flock.secret("packed")
    row = uuid4(), leaked.encode()
    await world.rows("INSERT INTO data_keys (account_id, master_version, wrapped) VALUES ($1, 1, $2)", *row)
    await world.rows(
        "INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status, created, updated, heartbeat, execute_after)"
        " VALUES (0, 'x', $1, 'queued', now(), now(), now(), now())",
        base64.b64encode(packed.encode()),
    )
    found = await columns_with(world.database_url, flock)
    assert found == {"leaked": {"data_keys.wrapped"}, "packed": {"pgqueuer.payload"}}
    assert strays(found, {"leaked": {"data_keys.wrapped": "planted"}}) == {"packed": {"pgqueuer.payload"}}
