"""Who plays before the stranger's ear: hosts whose every private fact is marked, and visitors with facts of their own.

The one rule: whatever is private carries the mark (`canary-…`); what a page shows to visitors carries none, but for the
names of hosts and what visitors say of themselves.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

import httpx

from app.ids import decode_id
from app.settings import Settings
from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.contract.public_ear import Ear, Reader
from tests.support.domains import Web, open_web
from tests.support.people import Person
from tests.support.world import World

PUBLIC = "/v1/public"
FORM = [
    {"id": "company", "label": "Company", "kind": "text", "required": False},
    {"id": "size", "label": "How many", "kind": "choice", "required": False, "options": ["1-10", "11-50"]},
]
SHOWN: dict[str, Any] = {
    "name": "Intro call",
    "description": "What we talk about.",
    "form_fields": FORM,
    "max_guests": 3,
    "consent_text": "Keep my answers.",
    "redirect_url": "https://example.com/thanks",
}
"""A page that says everything a page can say."""
HIDDEN: dict[str, Any] = {
    "name": "Canary-other-page",
    "description": "canary-other-description",
    "location": {"kind": "phone", "text": "canary-telephone"},
    "consent_text": "canary-other-consent",
}
"""Another page of the same person: visitors of the first do not know of it."""
UNLIMITED = 100_000


@dataclass(slots=True)
class Guest:
    """A visitor, and what they say of themselves."""

    name: str
    reader: Reader = field(default_factory=Reader)

    def __post_init__(self) -> None:
        own = f"canary-{self.name}"
        addresses = f"{own}@example.com", f"{own}-guest@example.com"
        self.reader.learns(own, f"{own}-guest", f"{own}-answer", f"{own}-reason", *addresses)

    @property
    def email(self) -> str:
        return f"canary-{self.name}@example.com"

    @property
    def reason(self) -> dict[str, str]:
        return {"reason": f"canary-{self.name}-reason"}

    def wish(self, start: datetime, **more: Any) -> dict[str, Any]:
        return {
            "start_at": start.isoformat(),
            "duration_minutes": 30,
            "name": f"Canary-{self.name}",
            "email": self.email,
            "time_zone": "America/New_York",
            "answers": {"company": f"canary-{self.name}-answer"},
            "guests": [f"canary-{self.name}-guest@example.com"],
            "consent": True,
        } | more


@dataclass(slots=True)
class Stage:
    """The world with an ear in it."""

    web: Web
    ear: Ear
    tag: str = field(default_factory=lambda: uuid4().hex[:8].translate(str.maketrans("0123456789", "ghijklmnop")))
    """Other addresses every time: the sandbox keeps its accounts."""

    @property
    def world(self) -> World:
        return self.web.world

    @property
    def api(self) -> httpx.AsyncClient:
        return self.web.world.api

    def address(self, name: str) -> str:
        return f"canary-{name}-{self.tag}@example.com"

    async def host(self, name: str, provider: str | None = "google", **claims: Any) -> Person:
        """Somebody with a name and a calendar of the provider; None: with no calendar."""
        person = await self.world.person(email=self.address(name), **claims)
        await person.get("/v1/me")
        user_id = decode_id("usr", person.user_id)
        await self.world.rows("UPDATE users SET name = $1 WHERE id = $2", f"Canary-name-{name}", user_id)
        if provider is not None:
            await self.connect(person, provider)
        return person

    async def connect(self, person: Person, provider: str = "google") -> None:
        sandbox = self.world.sandbox
        if provider == "google":
            await sandbox.google_account(person.email, time_zone=person.time_zone)
        elif provider == "office365":
            await sandbox.microsoft.account(person.email)
        else:
            await sandbox.exchange.account(person.email, time_zone=person.time_zone)
            assert (await person.connect_with_password(PASSWORD)).status_code == 201
        if provider != "exchange":
            await person.connect(provider)
        await self.world.work()

    async def live(self, person: Person, at: datetime) -> None:
        """A life in the person's Google calendars: an event at this time, and a second calendar that is not theirs."""
        sandbox, boss = self.world.sandbox, self.address("boss")
        await sandbox.google_account(boss)
        shared = await sandbox.google_calendar(boss, "canary-plans")
        await sandbox.share_google_calendar(shared["id"], account=person.email, role="reader")
        await person.post(f"/v1/connections/{person.connection_id}/refresh-calendars")
        await self.world.work()
        ends = at + timedelta(minutes=46)
        event = {
            "summary": "Canary-title",
            "description": "canary-description",
            "location": "canary-place",
            "attendees": [{"email": "canary-attendee@example.com"}],
            "start": {"dateTime": at.isoformat()},
            "end": {"dateTime": ends.isoformat()},
        }
        self.ear.events |= {at.astimezone(UTC), ends.astimezone(UTC)}
        for email, calendar in ((person.email, "primary"), (boss, shared["id"])):
            await sandbox.insert_google_event(email, event, calendar)
        listed = (await person.get(f"/v1/connections/{person.connection_id}/calendars")).json()["items"]
        assert "canary-plans" in {item["name"] for item in listed}
        chosen = {"availability_calendar_ids": [item["id"] for item in listed]}
        assert (await person.patch("/v1/calendar-settings", chosen)).status_code == 200
        await person.post(f"/v1/connections/{person.connection_id}/sync")
        await self.world.work()

    async def lose(self, person: Person, *, back: bool = False) -> None:
        """The second calendar of the person cannot be read any more, or can be again."""
        [row] = await self.world.rows(
            "SELECT provider_calendar_id AS id FROM calendars WHERE name = 'canary-plans' AND connection_id = $1",
            decode_id("conn", person.connection_id),
        )
        role = "reader" if back else "none"
        await self.world.sandbox.share_google_calendar(row["id"], account=person.email, role=role)
        await person.post(f"/v1/connections/{person.connection_id}/sync")
        await self.world.work()

    def reader(self, *pages: dict[str, Any], host: str | None = None) -> Reader:
        """Somebody who has these pages' links; `host`: whose name they show."""
        reader = Reader(ids={page["id"].rpartition("_")[2] for page in pages})
        return reader if host is None else reader.learns(f"canary-name-{host}")

    async def host_of(self, booking_id: str) -> str:
        """The name of whoever organizes a booking."""
        query = "SELECT u.name FROM bookings b JOIN users u ON u.id = b.host_id WHERE b.id = $1"
        [row] = await self.world.rows(query, decode_id("bkg", booking_id))
        return str(row["name"])

    async def shown_by(self, page: dict[str, Any]) -> list[str]:
        """The name a page shows as its host's; of a round robin none."""
        query = "SELECT u.name, p.type FROM scheduling_pages p JOIN users u ON u.id = p.owner_id WHERE p.id = $1"
        [row] = await self.world.rows(query, decode_id("page", page["id"]))
        return [] if row["type"] == "round_robin" else [str(row["name"])]

    async def book(self, page: dict[str, Any], wish: dict[str, Any], **headers: str) -> httpx.Response:
        """Book as a visitor. Who has a booking may hear the name of its host, who asks for one that of the page's."""
        answer = await self.api.post(f"{PUBLIC}/scheduling-pages/{page['id']}/bookings", json=wish, headers=headers)
        if answer.status_code == 201:
            self.ear.reader.learns(await self.host_of(answer.json()["id"]))
        elif answer.status_code == 202:
            self.ear.reader.learns(*await self.shown_by(page))
        return answer


@asynccontextmanager
async def open_stage(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Stage]:
    """An empty world in which nobody is slowed down."""
    limits = ("reads_per_minute", "bookings_per_minute", "changes_per_minute", "changes_per_day")
    async with open_web(settings, sandbox, **dict.fromkeys(limits, UNLIMITED)) as web:
        stage = Stage(web, Ear(senders={parseaddr(settings.mail_from)[1]}))
        stage.ear.listen(web.world.api)
        yield stage
