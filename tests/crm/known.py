"""A contact, and somebody who knows them and whose calendar at some provider is connected.

The one rule: what is done here is done through the API, or by a person's hands.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.settings import Settings
from sandbox.client import Sandbox
from tests.crm.scene import make_contact, synced, timeline
from tests.support.calendar_hands import CalendarHands, Seen
from tests.support.people import Person
from tests.support.places import Place, connected_at
from tests.support.world import World

HOUR = timedelta(hours=1)
FRIEND = "friend@example.com"
TEXT = "See <b>here</b> & there"
"""What a person may write, and what looks like a page's markup."""


@dataclass(slots=True)
class Known:
    """A person whose calendar is connected, and a contact they know."""

    world: World
    hands: CalendarHands
    person: Person
    contact: dict[str, Any]

    async def sync(self, times: int = 1) -> None:
        for _ in range(times):
            await synced(self.world, self.person)

    async def meetings(self) -> list[dict[str, Any]]:
        """The contact's timeline, the earliest first."""
        return sorted(await timeline(self.person, self.contact), key=lambda meeting: str(meeting["start_at"]))

    async def meeting(self) -> dict[str, Any]:
        [meeting] = await self.meetings()
        return meeting

    async def event(self) -> Seen:
        [event] = await self.hands.look(self.person)
        return event

    async def writes(self) -> list[str]:
        return await self.hands.our_writes(self.person)

    async def meet(self, **changes: Any) -> dict[str, Any]:
        """A meeting is made on the contact's record."""
        start = self.person.at(2, "10:00")
        wish = {"title": "Demo", "start_at": start.isoformat(), "end_at": (start + HOUR).isoformat()}
        path = f"/v1/contacts/{self.contact['id']}/meetings"
        answer = await self.person.post(path, wish | {"time_zone": self.person.time_zone} | changes)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def edit(self, meeting: dict[str, Any], **changes: Any) -> dict[str, Any]:
        answer = await self.person.patch(f"/v1/engagements/{meeting['id']}", changes)
        assert answer.status_code == 200, answer.text
        await self.world.work()
        edited: dict[str, Any] = answer.json()
        return edited


@asynccontextmanager
async def knowing(place: Place, settings: Settings, sandbox: Sandbox) -> AsyncIterator[Known]:
    """Such a person at a place."""
    async with connected_at(place, settings, sandbox) as (world, hands, person):
        yield Known(world, hands, person, await make_contact(person))


def begins(meeting: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(meeting["start_at"])
