"""Visitors of scheduling pages: what they book, and what they do with the link they got.

The one rule: a visitor knows the page's id and the token of a booking, and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from tests.support.people import Person
from tests.support.world import World

KEY = "calendar_connect_key"
"""The mark of our events at Google."""


@dataclass(slots=True)
class Visit:
    """A booking as its visitor holds it."""

    api: httpx.AsyncClient
    id: str
    token: str
    page_id: str
    start_at: datetime

    @property
    def path(self) -> str:
        return f"/v1/public/bookings/{self.id}"

    async def read(self) -> dict[str, Any]:
        answer = await self.api.get(self.path, headers={"Booking-Token": self.token})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def reschedule(self, to: datetime | str, **headers: str) -> httpx.Response:
        start = to if isinstance(to, str) else to.isoformat()
        return await self.api.post(
            f"{self.path}/reschedule", json={"start_at": start}, headers={"Booking-Token": self.token} | headers
        )

    async def cancel(self, **headers: str) -> httpx.Response:
        return await self.api.post(f"{self.path}/cancel", json={}, headers={"Booking-Token": self.token} | headers)


async def visit(person: Person, page: dict[str, Any], start: datetime, **wish: Any) -> Visit:
    """Book, and hold the booking."""
    answer = await person.book(page["id"], start.isoformat(), **wish)
    assert answer.status_code == 201, answer.text
    return held(person.api, answer)


def held(api: httpx.AsyncClient, answer: httpx.Response) -> Visit:
    """The booking in an answer of `bookMeeting`."""
    body = answer.json()
    start = datetime.fromisoformat(body["start_at"])
    return Visit(api, body["id"], body["booking_token"], body["page_id"], start)


async def our_events(world: World, person: Person, *, deleted: bool = False) -> list[dict[str, Any]]:
    """The events in the person's primary calendar that carry our mark."""
    events = await world.sandbox.google_events(person.email, deleted=deleted)
    return [event for event in events if KEY in event.get("extendedProperties", {}).get("private", {})]


async def our_writes(world: World, person: Person) -> list[str]:
    """What we did to the person's calendars, as Google's ledger has it."""
    ledger = await world.sandbox.google_ledger(account=person.email, actor="api")
    return [entry["operation"] for entry in ledger]


async def fault(
    world: World, person: Person, kind: str | dict[str, Any], *, times: int | None = 1, **match: Any
) -> None:
    """The person's next matching requests at Google fail."""
    await world.sandbox.add_google_fault(kind, times=times, account=person.email, **match)
