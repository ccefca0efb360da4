"""Fixtures of the whole suite: a database, a sandbox, a world.

The one rule: servers start once per run; every test finds them empty.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.logs import configure_logs
from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.environment import Secrets, environment
from tests.support.database import empty, leave, migrated_database
from tests.support.shared import one_authority
from tests.support.world import World, open_world

configure_logs("WARNING", "console")
gc.disable()


def pytest_collection_finish() -> None:
    """Nine thousand tests and what they import never become garbage: from here on it is looked for, among the rest."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with one_authority(tmp_path_factory.mktemp("trust")):
        yield


@pytest.fixture(scope="session")
def migrated() -> Iterator[str]:
    with migrated_database() as url:
        yield url


@pytest.fixture(scope="session")
async def database_url(migrated: str) -> AsyncIterator[str]:
    yield migrated
    await leave(migrated)


@pytest.fixture(scope="session")
def sandbox_addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The sandbox as a process of its own, on free ports."""
    ready = tmp_path_factory.mktemp("sandbox") / "ready.json"
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "serve", "--ready-file", str(ready)])  # noqa: S603 - our own program
    try:
        yield _wait_for(ready, process)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(ready: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    for _ in range(600):
        if ready.exists():
            return json.loads(ready.read_text())
        if process.poll() is not None:
            raise RuntimeError("the sandbox ended before it was ready")
        time.sleep(0.05)
    raise RuntimeError("the sandbox did not become ready")


@pytest.fixture(scope="session")
def service_environment(database_url: str, sandbox_addresses: dict[str, str]) -> dict[str, str]:
    """The settings of a service that lives in the sandbox."""
    return environment(
        database_url=database_url,
        public_url="http://127.0.0.1:8000",
        sandbox_url=sandbox_addresses["http_url"],
        smtp_host=sandbox_addresses["smtp_host"],
        smtp_port=int(sandbox_addresses["smtp_port"]),
        keys=Secrets.random(),
    )


@pytest.fixture(scope="session")
def settings(service_environment: dict[str, str]) -> Settings:
    before = dict(os.environ)
    os.environ.update(service_environment)
    try:
        return Settings(_env_file=None)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
async def sandbox(sandbox_addresses: dict[str, str]) -> AsyncIterator[Sandbox]:
    async with Sandbox(sandbox_addresses["http_url"]) as client:
        yield client


@pytest.fixture
async def world(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    await empty(settings.database_url.get_secret_value())
    async with open_world(settings, sandbox) as opened:
        yield opened
