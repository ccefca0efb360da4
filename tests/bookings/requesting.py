"""Meeting requests as their visitors hold them.

The one rule: a visitor knows the id and the token of the request, and nothing else.
"""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.people import Person
from tests.support.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its visitor holds it."""

    api: httpx.AsyncClient
    id: str
    token: str

    @property
    def path(self) -> str:
        return f"/v1/public/meeting-requests/{self.id}"

    @property
    def booking_path(self) -> str:
        return f"/v1/public/bookings/{self.id.replace('mreq_', 'bkg_')}"

    async def get(self, path: str | None = None) -> httpx.Response:
        return await self.api.get(path or self.path, headers={"Booking-Token": self.token})

    async def withdraw(self, **body: Any) -> httpx.Response:
        return await self.api.post(f"{self.path}/withdraw", json=body, headers={"Booking-Token": self.token})


async def ask(person: Person, page: dict[str, Any], days: int, clock: str, **wish: Any) -> Asked:
    """Ask for a time of somebody without a calendar."""
    answer = await person.book(page["id"], person.at(days, clock).isoformat(), **wish)
    assert answer.status_code == 202, answer.text
    return Asked(person.api, answer.json()["id"], answer.json()["booking_token"])


async def read(person: Person, asked: Asked) -> dict[str, Any]:
    """The request as its host sees it."""
    answer = await person.get(f"/v1/meeting-requests/{asked.id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def accept(person: Person, asked: Asked) -> httpx.Response:
    return await person.post(f"/v1/meeting-requests/{asked.id}/accept")


async def decline(person: Person, asked: Asked, **body: Any) -> httpx.Response:
    return await person.post(f"/v1/meeting-requests/{asked.id}/decline", body)


async def connected(world: World, person: Person) -> None:
    """Connect Google, whose account is made here, and let everything that follows from it happen."""
    await world.sandbox.google_account(person.email, time_zone=person.time_zone)
    await person.connect()
    await world.work()


async def mailed(world: World) -> list[str]:
    """The kinds of the mails after those about the asking."""
    rows = await world.rows("SELECT kind FROM mails WHERE kind NOT LIKE 'requested%' ORDER BY kind")
    return [row["kind"] for row in rows]


async def letter(world: World, kind: str) -> dict[str, Any]:
    """The one mail of the kind, which was sent."""
    [row] = await world.rows("SELECT id, to_email, status FROM mails WHERE kind = $1", kind)
    assert row["status"] == "sent"
    mails: list[dict[str, Any]] = await world.sandbox.mails(row["to_email"])
    [mail] = [mail for mail in mails if str(row["id"]) in mail["message_id"]]
    return mail


async def feed(world: World) -> list[str]:
    """What the CRM was told of requests and bookings, in order."""
    rows = await world.rows(
        "SELECT type FROM feed_events WHERE type LIKE 'meeting_request.%' OR type LIKE 'booking.%' ORDER BY arrival"
    )
    return [row["type"] for row in rows]


async def audited(world: World) -> list[tuple[str, str]]:
    """Who did what, but for the asking."""
    rows = await world.rows(
        "SELECT actor, action FROM audit_entries WHERE (action LIKE 'meeting_request.%' OR action LIKE 'booking.%')"
        " AND action <> 'meeting_request.created' ORDER BY id"
    )
    return [(row["actor"], row["action"]) for row in rows]
