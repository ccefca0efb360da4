"""Where the stories take place: one person with a page and a calendar, and what of them a story is about.

The one rule: every telling is about times and people of its own, so that none can be mistaken for another's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.ids import decode_id
from tests.crash.hands import MINUTES, GoogleHands, Hands, MicrosoftHands
from tests.crash.workers import Workers
from tests.support.people import Person
from tests.support.visitors import visit
from tests.support.world import World

LATER = timedelta(hours=1)
"""How far things are moved."""
_FIRST_DAY = 3
HOURS = timedelta(hours=3)
"""What of the calendar a telling has for itself."""
_HANDS = {"google": GoogleHands, "office365": MicrosoftHands}


@dataclass(slots=True)
class Subject:
    """What one telling is about."""

    start: datetime
    """Where it takes place, in UTC; some stories end an hour later."""
    address: str
    """Of the visitor, guest or contact."""
    booking: UUID | None = None
    engagement: UUID | None = None
    event: str | None = None
    contact: str | None = None
    """As the API spells it."""
    moves: int = 0
    """How often a story has come back to it."""

    @property
    def key(self) -> str | None:
        """The mark that its event carries when it is ours."""
        if self.booking is not None:
            return f"booking:{self.booking}"
        return None if self.engagement is None else f"meeting:{self.engagement}"


@dataclass(slots=True)
class Scene:
    """A person, connected and synced, with a page that is always open."""

    world: World
    hands: Hands
    page: dict[str, Any]
    workers: Workers
    database: asyncpg.Connection
    origin: datetime
    """Where the first telling takes place."""
    told: int = 0
    kept: dict[str, Subject] = field(default_factory=dict)
    """What a story comes back to in every telling."""

    @property
    def person(self) -> Person:
        return self.hands.person

    def subject(self) -> Subject:
        """Something new: its own three hours, its own person."""
        self.told += 1
        return Subject(self.origin + self.told * HOURS, f"guest-{self.told}@example.com")

    async def book(self, subject: Subject) -> None:
        """A visitor books the subject's time, from a network address of their own."""
        async with self.world.visitor_at(f"10.0.{self.told >> 8}.{self.told & 255}") as api:
            made = await visit(replace(self.person, api=api), self.page, subject.start, email=subject.address)
        subject.booking = decode_id("bkg", made.id)

    async def make_contact(self, subject: Subject) -> None:
        """The CRM gets to know the subject's person."""
        answer = await self.person.post("/v1/contacts", {"email": subject.address})
        assert answer.status_code == 201, answer.text
        subject.contact = answer.json()["id"]

    async def find_event(self, subject: Subject) -> None:
        """The event of ours that the subject has."""
        [found] = [event.id for event in await self.hands.standing() if event.key == subject.key]
        subject.event = found

    async def press_sync(self) -> None:
        """The calendar is to be read, as after a push."""
        answer = await self.person.post(f"/v1/connections/{self.person.connection_id}/sync")
        assert answer.status_code == 202, answer.text

    async def synced(self) -> None:
        """The calendar is read as after a push, and all that is due is done."""
        await self.press_sync()
        await self.workers.work()

    async def settled(self) -> None:
        """Nobody dies, and everything that is due is done."""
        await self.workers.work()
        await self.synced()


@asynccontextmanager
async def open_scene(world: World, provider: str) -> AsyncIterator[Scene]:
    """A scene in an empty world."""
    person = await world.person()
    hands: Hands = _HANDS[provider](world.sandbox, person)
    database = await asyncpg.connect(world.database_url)
    try:
        await hands.begin()
        workers = Workers(world, database)
        await workers.work()
        page = await person.make_page(durations_minutes=[MINUTES])
        await workers.work()
        yield Scene(world, hands, page, workers, database, person.at(_FIRST_DAY, "00:00").astimezone(UTC))
    finally:
        await database.close()
