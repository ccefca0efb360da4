"""A person whose calendar is synced, and what happens to it.

The one rule: the mirror is compared with what Google itself expands, never with what a test believes it did.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.ids import decode_id
from tests.support.google import BusyTruth, GoogleReader, mirrored
from tests.support.people import Person
from tests.support.world import World

WINDOW = timedelta(days=60)


@dataclass(slots=True)
class Scene:
    """A world, a person, and a way to read their calendar past the service."""

    world: World
    person: Person
    reader: GoogleReader
    calendar: str
    """The calendar's id at Google."""

    @classmethod
    async def of(cls, world: World, person: Person, calendar: str | None = None) -> "Scene":
        """Over a connected person; the primary calendar unless told otherwise."""
        reader = await GoogleReader.of(world.sandbox, person.email)
        return cls(world, person, reader, calendar or person.email)

    async def sync(self) -> None:
        """As the person's Sync button does, and the worker after it."""
        answer = await self.person.post(f"/v1/connections/{self.person.connection_id}/sync")
        assert answer.status_code == 202, answer.text
        await self.world.work()

    async def truth(self, window: timedelta = WINDOW) -> BusyTruth:
        """What blocks at Google."""
        start = _today()
        return await self.reader.busy(start, start + window, self.calendar)

    async def mirror(self, window: timedelta = WINDOW) -> BusyTruth:
        """What the mirror says."""
        start = _today()
        return await mirrored(self.world, start, start + window, self.calendar)

    async def agrees(self, *, spans: int | None = None) -> None:
        """Mirror and Google must say the same; `spans` is how many busy ones there must be."""
        truth = await self.truth()
        mirrored = await self.mirror()
        assert mirrored == truth, (mirrored, truth)
        if spans is not None:
            assert len(truth.busy) == spans, truth.busy

    async def state(self) -> dict[str, Any]:
        """The calendar's sync as the API tells it."""
        answer = (await self.person.get(f"/v1/connections/{self.person.connection_id}/sync")).json()
        name = await self.world.rows("SELECT id FROM calendars WHERE provider_calendar_id = $1", self.calendar)
        ours = {item["id"] for item in name}
        return next(item for item in answer["calendars"] if decode_id("cal", item["calendar_id"]) in ours)

    async def insert(self, start: datetime, *, minutes: int = 30, zone: str | None = None, **fields: Any) -> str:
        """The person makes an event; its id."""
        end = start + timedelta(minutes=minutes)
        body = {
            "summary": "Made by hand",
            "start": wire(start, zone),
            "end": wire(end, zone),
        } | fields
        return (await self.world.sandbox.insert_google_event(self.person.email, body, self.calendar))["id"]

    async def insert_days(self, first: int, after: int, **fields: Any) -> str:
        """The person makes an all-day event, in days from now; it blocks unless told otherwise."""
        body = {
            "summary": "Whole days",
            "start": {"date": self.person.day(first).isoformat()},
            "end": {"date": self.person.day(after).isoformat()},
            "transparency": "opaque",
        } | fields
        return (await self.world.sandbox.insert_google_event(self.person.email, body, self.calendar))["id"]

    async def patch(self, event_id: str, **changes: Any) -> None:
        """The person changes an event or one instance."""
        await self.world.sandbox.patch_google_event(self.person.email, event_id, changes, self.calendar)

    async def delete(self, event_id: str) -> None:
        """The person deletes an event, a series or one instance."""
        await self.world.sandbox.delete_google_event(self.person.email, event_id, self.calendar)

    async def instances(self, series_id: str) -> list[dict[str, Any]]:
        """The mirrored instances of a series, by time."""
        return await self.world.rows(
            "SELECT event_id, starts_at FROM mirror_events WHERE series_id = $1 ORDER BY starts_at", series_id
        )


def wire(moment: datetime, zone: str | None = None) -> dict[str, str]:
    """An instant in Google's shape."""
    name = zone or getattr(moment.tzinfo, "key", "UTC")
    return {"dateTime": moment.isoformat(), "timeZone": name}


def _today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
