"""The service and the world around it, for tests: the app in this process, the sandbox over real sockets.

The one rule: tests act through the public API and through the sandbox's hands; jobs run when a test says so.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from fastapi import FastAPI

from app.bootstrap import Services, open_services
from app.main import attach
from app.queue import Job, Payload
from app.settings import Settings
from app.worker import jobs_of
from sandbox.client import Sandbox
from tests.support.database import owner
from tests.support.declared import DeclaredOnly
from tests.support.people import Person, new_person
from tests.support.shared import application, compile_once

ACCEPTED = "2026-11-23"
"""The version of the disclosure of Exchange."""


@dataclass(slots=True)
class MovableClock:
    """The real time, moved."""

    offset: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass(slots=True)
class World:
    """Everything a test needs."""

    api: httpx.AsyncClient
    services: Services
    sandbox: Sandbox
    database_url: str
    clock: MovableClock
    app: FastAPI

    def visitor_at(self, address: str) -> httpx.AsyncClient:
        """A browser at another network address: limits count it by itself."""
        transport = DeclaredOnly(self.app, client=(address, 40000))
        return httpx.AsyncClient(transport=transport, base_url="http://api.test")

    async def person(self, **claims: Any) -> Person:
        """Somebody with a token, who has connected nothing yet."""
        return await new_person(self.api, self.sandbox, **claims)

    async def service(self, account_id: str) -> Person:
        """The CRM itself, with its service token for an account."""
        service = await self.person(account_id=account_id)
        await service.refresh_token(service=True, sub="service:crm", permissions=["users:write"])
        return service

    async def connected(self, **claims: Any) -> Person:
        """Somebody whose Google calendar is connected and synced."""
        person = await self.person(**claims)
        await self.sandbox.google_account(person.email, time_zone=person.time_zone)
        done = await person.connect()
        assert done["status"] == "completed", done
        await self.work()
        return person

    async def work(self, *, rounds: int = 50, until: timedelta = timedelta(seconds=3)) -> int:
        """Run the jobs that are due within `until`, and those they ask for; how many ran."""
        ran = 0
        for _ in range(rounds):
            rows = await self.rows(
                "DELETE FROM queue.pgqueuer WHERE execute_after <= now() + $1 RETURNING entrypoint, payload", until
            )
            if not rows:
                return ran
            for row in rows:
                payload = msgspec.json.decode(row["payload"], type=Payload)
                await jobs_of(self.services)[Job(row["entrypoint"])](payload.account_id, payload.id)
                ran += 1
        raise AssertionError("the jobs never end")

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What stands in the database, seen as its owner."""
        connections = await owner(self.database_url)
        return [dict(row) for row in await connections.fetch(query, *values)]


@asynccontextmanager
async def open_world(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    """The app over its services, in this process."""
    clock = MovableClock()
    app = application(settings)
    async with open_services(settings, clock=clock) as services:
        await compile_once(services.engine)
        attach(app, services)
        transport = DeclaredOnly(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as api:
            yield World(api, services, sandbox, settings.database_url.get_secret_value(), clock, app)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer, which must be this problem."""
    body: dict[str, Any] = json.loads(response.content or b"{}")
    assert (response.status_code, body.get("code")) == (status, code), body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    assert status not in {429, 503} or int(response.headers["Retry-After"]) > 0
    return body
