"""What the doctor's tests stand on: a service that runs, a database nobody works on, and servers that say anything."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
from pydantic import SecretStr

from app.calendar import Clock, utc_now
from app.database import create_engine, create_sessions, transaction
from app.doctor.deployment import Deployment, Wishes
from app.doctor.examination import CHECKS, Examination, Examined, examine_all
from app.doctor.findings import Code
from app.doctor.report import as_json, as_lines
from app.http import HttpClient
from app.settings import Settings
from app.vault import Vault
from sandbox.children import Child
from sandbox.ports import free_port
from tests.support.database import leave

ROOT = Path(__file__).parents[2]
SERVICE, OWNER, STRANGER = "doctors_service", "doctors_owner", "doctors_stranger"
IDLE, EMPTY = "doctors_idle", "doctors_empty"
LOGINS = {SERVICE: "NOINHERIT IN ROLE calendar_app", OWNER: "IN ROLE calendar_app, postgres", STRANGER: ""}
NO_WISHES = Wishes()
_PATIENCE = 120.0


@dataclass(frozen=True)
class Stage:
    """A deployment in which nothing is wrong, until a test sees to it."""

    settings: Settings
    environment: Mapping[str, str]
    operator_url: str

    def url(self, *, login: str = SERVICE, database: str | None = None) -> SecretStr:
        """Where somebody else connects, or to another database."""
        parts = urlsplit(self.operator_url)
        path = parts.path if database is None else f"/{database}"
        return SecretStr(f"postgresql://{login}:{parts.password}@{parts.hostname}:{parts.port}{path}")

    def elsewhere(self, database: str) -> "Stage":
        """The same over a database that nobody works on."""
        return replace(self, settings=self.settings.model_copy(update={"database_url": self.url(database=database)}))

    async def told(self, name: str, *, wishes: Wishes = NO_WISHES, clock: Clock = utc_now, **changes: Any) -> Examined:
        """What one check says of the deployment with other settings."""
        settings = self.settings.model_copy(update=changes)
        url = settings.database_url.get_secret_value()
        async with HttpClient() as http:
            deployment = Deployment(url, settings, wishes, clock, http)
            [examined] = await examine_all(deployment, [check for check in CHECKS if check.name == name])
        keep_to_itself(examined, settings)
        return examined

    async def codes(self, name: str, **options: Any) -> set[Code]:
        """The findings of one check."""
        return {finding.code for finding in (await self.told(name, **options)).findings}

    async def operate(self, *statements: str, database: str | None = None) -> None:
        """As the superuser."""
        login = urlsplit(self.operator_url).username or ""
        connection = await asyncpg.connect(self.url(login=login, database=database).get_secret_value())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def seal_something(self) -> UUID:
        """An account with a data key, in the idle database."""
        account = uuid4()
        engine = create_engine(self.url(database=IDLE).get_secret_value(), pool_size=1)
        async with transaction(create_sessions(engine), account) as session:
            await Vault(self.settings.master_keys).derived_key(session, account, "doctor")
        await engine.dispose()
        return account


def keep_to_itself(examined: Examined, settings: Settings) -> None:
    """No secret of the settings stands in what is told."""
    password = urlsplit(settings.database_url.get_secret_value()).password
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    seen = Examination((examined,))
    told = as_json(seen, accepted=()) + as_lines(seen, accepted=())
    for secret in [*secrets, password]:
        assert not secret or len(secret) < 8 or secret not in told


@asynccontextmanager
async def staged(settings: Settings, environment: Mapping[str, str], *, resolver: str) -> AsyncIterator[Stage]:
    """API and worker as processes, with the login that docs/running.md gives them."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    operator = Stage(settings, environment, settings.database_url.get_secret_value())
    changes = {"database_url": operator.url(), "public_url": here, "push_url": here, "dns_resolvers": [resolver]}
    variables = {
        **environment,
        "DATABASE_URL": operator.url().get_secret_value(),
        "CALENDAR_CONNECT_PUBLIC_URL": here,
        "CALENDAR_CONNECT_PUSH_URL": here,
        "CALENDAR_CONNECT_DNS_RESOLVERS": json.dumps([resolver]),
    }
    stage = replace(operator, settings=settings.model_copy(update=changes), environment=variables)
    await _make_databases(stage)
    serve = ["serve", "--port", str(port)]
    children = [
        Child(words[0], [sys.executable, "-m", "app.cli", *words], {**os.environ, **variables}, ROOT, lambda *_: None)
        for words in (serve, ["worker"])
    ]
    try:
        for child in children:
            child.start()
        await _wait_for(here, stage)
        yield stage
    finally:
        for child in children:
            await child.stop()
        await _unmake_databases(stage)


async def _make_databases(stage: Stage) -> None:
    """The idle one is made while nobody is connected to what it is made of."""
    password = urlsplit(stage.operator_url).password
    name = urlsplit(stage.operator_url).path[1:]
    logins = [f"CREATE ROLE {login} LOGIN PASSWORD '{password}' {powers}" for login, powers in LOGINS.items()]
    await stage.operate(*logins, f"CREATE DATABASE {EMPTY}", database="postgres")
    await leave(stage.operator_url)
    for _ in range(100):
        try:
            await stage.operate(f"CREATE DATABASE {IDLE} TEMPLATE {name}", database="postgres")
        except asyncpg.ObjectInUseError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("somebody stays connected to the tests' database")


async def _unmake_databases(stage: Stage) -> None:
    databases = [f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in (IDLE, EMPTY)]
    logins = [f"DROP ROLE IF EXISTS {login}" for login in LOGINS]
    await stage.operate(*databases, *logins, database="postgres")


async def _wait_for(url: str, stage: Stage) -> None:
    """Until the API is ready and the worker is connected."""
    async with httpx.AsyncClient() as client, asyncio.timeout(_PATIENCE):
        while True:
            try:
                ready = (await client.get(f"{url}/health/ready")).status_code == 200
            except httpx.TransportError:
                ready = False
            if ready and Code.WORKER_SILENT not in await stage.codes("work"):
                return
            await asyncio.sleep(0.2)


Said = tuple[int, dict[str, str], bytes]


@asynccontextmanager
async def saying(answers: Mapping[str, Said]) -> AsyncIterator[str]:
    """A server that answers each path as it is told to, every other with 404; where it is."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode().partition("?")[0]
        status, headers, body = answers.get(path, (404, {}, b""))
        lines = [f"HTTP/1.1 {status} Said", "Connection: close", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
