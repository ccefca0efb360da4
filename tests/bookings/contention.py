"""Crowds: visitors and hosts who want the same time in the same moment, and what holds when they are gone.

The one rule: they come through the public API, from addresses of their own, to several processes' worth of service over
one database; what they were answered is held against the tables.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from app.ids import decode_id
from tests.bookings.requesting import Asked
from tests.bookings.test_concurrency import assert_consistent, wish
from tests.support.people import Person
from tests.support.visitors import Visit
from tests.support.world import World, open_world

Deed = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
"""What one of a crowd does, with a browser of their own."""
HALF_HOUR = timedelta(minutes=30)
_DOORS = 3
_PATIENCE = 60
"""How often somebody comes back who is told to: more than any machine should need."""


class Crowd:
    """Has many do something at once. What a process keeps in mind does not keep back who came to another.

    Who is told to try again later does, as a browser would; everybody stays until they know.
    """

    def __init__(self, doors: Sequence[World]) -> None:
        self._doors = doors

    async def all_at_once(self, deeds: Iterable[Deed]) -> list[httpx.Response]:
        """The answers, in the order of the deeds; each is a yes, or a no that the API knows."""

        async def one(number: int, deed: Deed) -> httpx.Response:
            address = f"198.51.{number // 250}.{number % 250}"
            async with self._doors[number % len(self._doors)].visitor_at(address) as api:
                return await _persevere(deed, api)

        before = await self._deadlocks()
        answers = await asyncio.gather(*(one(number, deed) for number, deed in enumerate(deeds)))
        odd = [answer.text for answer in answers if answer.status_code not in {200, 201, 202, 409}]
        assert odd == [], odd[:3]
        assert await self._deadlocks() == before, "they waited for each other in a circle"
        return answers

    async def _deadlocks(self) -> int:
        [row] = await self._doors[0].rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(row["deadlocks"])


async def _persevere(deed: Deed, api: httpx.AsyncClient) -> httpx.Response:
    for _ in range(_PATIENCE):
        answer = await deed(api)
        if answer.status_code != 409 or "Retry-After" not in answer.headers:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))
    return answer


@asynccontextmanager
async def crowd_of(world: World) -> AsyncIterator[Crowd]:
    """A crowd before several services over one database, which wait for a calendar as long as a slow machine needs."""
    patient = world.services.settings.model_copy(update={"live_check_seconds": 10.0})
    async with AsyncExitStack() as stack:
        yield Crowd([await stack.enter_async_context(open_world(patient, world.sandbox)) for _ in range(_DOORS)])


def booking(page: Mapping[str, Any], start: datetime, minutes: int = 30, *, key: str | None = None) -> Deed:
    """Book the slot."""
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/v1/public/scheduling-pages/{page['id']}/bookings"
    return lambda api: api.post(path, json=wish(start, minutes), headers=headers)


def asking(page: Mapping[str, Any], start: datetime, number: int) -> Deed:
    """Ask for the slot of a page whose host has no calendar."""
    body = wish(start) | {"email": f"visitor-{number}@example.com"}
    return lambda api: api.post(f"/v1/public/scheduling-pages/{page['id']}/bookings", json=body)


def keeping(page: Mapping[str, Any], start: datetime) -> Deed:
    """Have the slot kept while the form is filled in."""
    body = {"start_at": start.isoformat(), "duration_minutes": 30}
    return lambda api: api.post(f"/v1/public/scheduling-pages/{page['id']}/holds", json=body)


def moving(visit: Visit, to: datetime) -> Deed:
    """Move a booking, by its visitor's link."""
    return lambda api: replace(visit, api=api).reschedule(to)


def cancelling(visit: Visit) -> Deed:
    """Cancel a booking, by its visitor's link."""
    return lambda api: replace(visit, api=api).cancel()


def accepting(host: Person, asked: Asked) -> Deed:
    """The host accepts a request."""
    return lambda api: api.post(f"/v1/meeting-requests/{asked.id}/accept", headers=host.headers)


def won(answers: Iterable[httpx.Response]) -> list[dict[str, Any]]:
    """What was said yes to. Every other has learnt that the time is taken, and what else is open."""
    yes: list[dict[str, Any]] = []
    for answer in answers:
        body = answer.json()
        if answer.is_success:
            yes.append(body)
        else:
            assert (answer.status_code, body["code"]) == (409, "slot_unavailable"), answer.text
            assert body["alternatives"], "nothing else to offer"
    return yes


def at(body: Mapping[str, Any]) -> datetime:
    """When a booking begins, as it was answered."""
    return datetime.fromisoformat(body["start_at"])


async def assert_kept(world: World, promised: Mapping[str, datetime]) -> None:
    """Every booking that was promised is there at its time, with the time of all its hosts; and no other is."""
    await assert_consistent(world)
    rows = await world.rows("SELECT id, starts_at FROM bookings WHERE status = 'confirmed'")
    there: dict[UUID, datetime] = {row["id"]: row["starts_at"] for row in rows}
    assert there == {decode_id("bkg", name): start for name, start in promised.items()}


async def engaged(world: World) -> list[tuple[UUID, datetime, datetime]]:
    """Whose time is reserved, from when to when."""
    rows = await world.rows(
        'SELECT host_id, lower(during) AS "from", upper(during) AS until FROM reservations ORDER BY 2, 1'
    )
    return [(row["host_id"], row["from"], row["until"]) for row in rows]
