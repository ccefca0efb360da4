"""One story of one person: what was done so far, and the ways to have the service do something.

The one rule: a play knows what people did and what was booked. What stands in the calendar it asks the provider.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from app.ids import decode_id
from app.stranded import ask_again_for_stranded
from sandbox.client import Sandbox
from tests.support.database import empty
from tests.support.people import Person, new_person
from tests.support.visitors import Visit
from tests.support.world import World
from tests.sync.machine.side import HOME, Invitation, Rule, Side, Standing

FAR_DAYS = 365
"""How far ahead is looked when everything has settled; series are expanded for longer."""
LEASES_END = timedelta(minutes=4)
"""Longer than the lease of a sync, of a write, and the time after which a doubtful write is looked at again."""
_A_DAY = timedelta(days=1)
_visitors = count(1)


@dataclass(slots=True)
class Booked:
    """A booking, and what became of it."""

    visit: Visit
    wishes: int = 1
    """How often its event was wished for anew since the last reckoning."""
    touched: bool = False
    """A hand has moved or deleted its event, and no wish has put that right."""
    deletions: int = 0
    """How often a hand has deleted its event."""
    gone: bool = False

    @property
    def id(self) -> str:
        """As the event's key has it."""
        return str(decode_id("bkg", self.visit.id))

    @property
    def span(self) -> tuple[int, int]:
        start = int(self.visit.start_at.timestamp())
        return start, start + 1800


@dataclass(slots=True)
class Play:
    """What a story has come to."""

    world: World
    side: Side
    page: dict[str, Any]
    database: asyncpg.Connection
    singles: list[str] = field(default_factory=list)
    series: dict[str, Rule] = field(default_factory=dict)
    invitations: list[Invitation] = field(default_factory=list)
    bookings: list[Booked] = field(default_factory=list)
    known: frozenset[Standing] = frozenset()
    """What stood there when a sync last went well."""
    succeeded_at: datetime | None = None
    reckoned: int = 0
    """How many writes of applications the last reckoning has seen."""
    struck: bool = False
    """Something went wrong at the provider in the last step."""
    placed: list[Booked] = field(default_factory=list)
    """Bookings that the last step made or moved."""
    disturbed: bool = False
    """Since the last reckoning a write may have been tried more than once."""
    did: Counter[str] = field(default_factory=Counter)

    @property
    def person(self) -> Person:
        return self.side.person

    @property
    def live(self) -> list[Booked]:
        """Bookings that stand."""
        return [booking for booking in self.bookings if not booking.gone]

    @property
    def upcoming(self) -> list[Booked]:
        """Bookings a visitor may still change."""
        now = int(self.world.clock().timestamp())
        return [booking for booking in self.live if booking.span[0] > now]

    def day(self, days: int) -> date:
        """A civil day of the person, some days from the service's now."""
        return (self.world.clock().astimezone(HOME) + days * _A_DAY).date()

    def at(self, days: int, quarter: int, zone: int = 0) -> datetime:
        """A quarter of an hour of a day, on the wall of one of the side's zones."""
        place = ZoneInfo(self.side.zones[zone % len(self.side.zones)])
        hour, rest = divmod(quarter, 4)
        return datetime.combine(self.day(days), time(hour, 15 * rest), place)

    def window(self, days: int) -> tuple[datetime, datetime]:
        """From tomorrow's midnight on."""
        first = datetime.combine(self.day(1), time(), HOME)
        return first.astimezone(UTC), datetime.combine(self.day(1 + days), time(), HOME).astimezone(UTC)

    # the service ---------------------------------------------------------------------------------

    async def sync_row(self) -> asyncpg.Record:
        """The sync of the one calendar."""
        row = await self.database.fetchrow("SELECT * FROM calendar_syncs")
        assert row is not None
        return row

    async def run_sync(self) -> None:
        """The job itself, as a worker runs it."""
        row = await self.sync_row()
        await self.world.services.sync.run(row["account_id"], row["calendar_id"])

    async def press_sync(self) -> bool:
        """The person's Sync button; whether there was a connection to sync."""
        answer = await self.person.post(f"/v1/connections/{self.person.connection_id}/sync")
        assert answer.status_code in {202, 409}, answer.text
        return answer.status_code == 202

    async def learn(self) -> None:
        """What a hand did to an event of ours may have come back to its booking (R23)."""
        for booking in self.live:
            if booking.touched:
                seen = await booking.visit.read()
                booking.gone = seen["status"] == "cancelled"
                booking.visit.start_at = datetime.fromisoformat(seen["start_at"])

    async def unwritten(self) -> list[tuple[UUID, UUID]]:
        """Wishes that have not come true, as account and id."""
        rows = await self.database.fetch(
            "SELECT account_id, id FROM calendar_writes WHERE written_seq < desired_seq ORDER BY id"
        )
        return [(row["account_id"], row["id"]) for row in rows]

    async def book(self, start: datetime) -> tuple[int, dict[str, Any]]:
        """A visitor books; the status and the body."""
        email = f"visitor-{next(_visitors)}@example.com"
        answer = await self.person.book(self.page["id"], start.isoformat(), email=email)
        return answer.status_code, answer.json()

    async def settle(self) -> None:
        """No more faults, nobody is at it any more, and every job has run: then one good sync."""
        await self.side.clear()
        connection = await self.person.get(f"/v1/connections/{self.person.connection_id}")
        if connection.json()["status"] != "active":
            await self.side.heal()
        for _ in range(2):  # the second time for what the first has put off
            self.world.clock.offset += LEASES_END
            await ask_again_for_stranded(self.world.services.sessions, self.world.clock)
            await self.world.work(until=_A_DAY)
        assert await self.press_sync()
        await self.world.work(until=_A_DAY)


@asynccontextmanager
async def playing(world: World, side_of: Callable[[Sandbox, Person], Side]) -> AsyncIterator[Play]:
    """A person of their own, connected and synced, in an empty database before an empty provider."""
    await empty(world.database_url)
    world.clock.offset = timedelta()
    number = next(_visitors)
    async with world.visitor_at(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}") as api:
        side = side_of(world.sandbox, await new_person(api, world.sandbox, zoneinfo=HOME.key))
        database = await asyncpg.connect(world.database_url)
        try:
            await side.begin()
            await world.work()
            play = Play(world, side, await side.person.make_page(), database)
            play.succeeded_at = (await play.sync_row())["last_succeeded_at"]
            assert play.succeeded_at is not None
            play.known = frozenset(await side.standing(*play.window(FAR_DAYS)))
            yield play
        finally:
            await side.close()
            await database.close()
