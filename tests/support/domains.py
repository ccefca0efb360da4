"""An account's domains in tests: a world whose DNS is the test's own, and the steps to a connected domain.

The one rule: a domain is connected by its record and the API, never by a row.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.dns import DnsServer, serving_dns
from tests.support.database import empty
from tests.support.people import Person
from tests.support.world import World, open_world

PATH = "/v1/domains"
SETTINGS = "/v1/calendar-settings"
SUBSCRIBED = [{"product": "sales_hub", "tier": "starter"}]
TARGET = "pages.calendar-connect.example"


@dataclass(slots=True)
class Web:
    """A world and its DNS."""

    world: World
    dns: DnsServer

    async def person(self, **claims: Any) -> Person:
        """Somebody of an account with a subscription."""
        return await self.world.person(**({"subscriptions": SUBSCRIBED} | claims))

    async def colleague(self, person: Person, **claims: Any) -> Person:
        return await self.person(account_id=person.account_id, **claims)

    async def added(self, person: Person, name: str = "meet.example.com") -> dict[str, Any]:
        made = await person.post(PATH, {"name": name})
        assert made.status_code == 201, made.text
        domain: dict[str, Any] = made.json()
        return domain

    def prove(self, domain: dict[str, Any]) -> None:
        """Set the records that the domain asks for."""
        for record in domain["records"]:
            dot = "." if record["type"] == "CNAME" else ""
            self.dns.set(record["name"], record["type"], record["value"] + dot)

    async def check(self, person: Person, domain: dict[str, Any]) -> dict[str, Any]:
        answer = await person.post(f"{PATH}/{domain['id']}/verify")
        assert answer.status_code == 200, answer.text
        checked: dict[str, Any] = answer.json()
        return checked

    async def connected(self, person: Person, name: str = "meet.example.com") -> dict[str, Any]:
        """A domain of the person's account that is connected."""
        domain = await self.added(person, name)
        self.prove(domain)
        checked = await self.check(person, domain)
        assert checked["status"] == "connected", checked
        return checked

    async def choose(self, person: Person, domain: dict[str, Any] | None) -> None:
        """Put the person's links on the domain."""
        saved = await person.patch(SETTINGS, {"domain_id": None if domain is None else domain["id"]})
        assert saved.status_code == 200, saved.text

    async def resolve(self, url: str) -> httpx.Response:
        """What the front end asks when a browser comes to a URL."""
        parts = httpx.URL(url)
        asked = {"host": parts.netloc.decode(), "path": parts.raw_path.decode()}
        return await self.world.api.get("/v1/public/resolve", params=asked)

    async def robots(self, host: str) -> httpx.Response:
        return await self.world.api.get("/robots.txt", headers={"Host": host})


@asynccontextmanager
async def open_web(settings: Settings, sandbox: Sandbox, **changes: Any) -> AsyncIterator[Web]:
    """An empty world whose resolver is a server of its own."""
    await empty(settings.database_url.get_secret_value())
    async with serving_dns() as server:
        own = {
            "dns_resolvers": [server.address],
            "dns_timeout_seconds": 1.0,
            "domain_target": TARGET,
            "domain_checks_per_minute": 1000,
        }
        async with open_world(settings.model_copy(update=own | changes), sandbox) as world:
            yield Web(world, server)
