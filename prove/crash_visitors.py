"""Visitors: they book, hold, ask, move, call off, and some give up when nobody answers.

The one rule: each has an address of their own and wishes for one booking; whatever chance decides comes from the seed.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from prove.crash_client import Answered, Client
from sandbox.demo_journey import Host

Json = dict[str, Any]
MINUTES: Final = 30
PAUSE: Final = (0.05, 0.4)
_CONTESTED: Final = 0.15
"""How often a visitor wants what another has just wanted."""


@dataclass
class Venue:
    """A host's page, and the times that are open there: some for visitors, some for what the host does."""

    host: Host
    visitors: list[str]
    for_the_host: list[str]
    """Where the host puts what was booked, and what is not booked."""
    left_to_the_host: list[Json] = field(default_factory=list)
    """Bookings whose visitors will do nothing more."""
    known: list[str] = field(default_factory=list)
    """Addresses of people who have booked."""

    @property
    def name(self) -> str:
        """For the journal."""
        return self.host.house.email


@dataclass
class Visitors:
    """A crowd at one venue."""

    client: Client
    venue: Venue
    chance: random.Random
    name: str
    stop: asyncio.Event
    pause: tuple[float, float] = PAUSE
    """Seconds between one and the next: as few as this, as many as that."""
    _number: int = 0

    async def run(self) -> None:
        """One after another until told to stop."""
        while not self.stop.is_set() and len(self.venue.visitors) > 2:
            self._number += 1
            await self._one(f"{self.name}-{self._number}@visitors.example")
            await asyncio.sleep(self.chance.uniform(*self.pause))

    async def _one(self, email: str) -> None:
        start, hold = self._slot(), {}
        if self.chance.random() < 0.2:
            hold = await self._hold(email, start)
            if hold and self.chance.random() < 0.3:
                await self._release(email, hold)
                return
        made = await self._book(email, start, hold)
        if made is None or made.status != 201:
            return
        self.venue.known.append(email)
        await self._changes_mind(email, made.body)

    def _slot(self) -> str:
        """A time nobody has wanted yet, or somebody just has."""
        slots = self.venue.visitors
        if self.chance.random() < _CONTESTED:
            return slots[self.chance.randrange(min(20, len(slots)))]
        return slots.pop(self.chance.randrange(len(slots)))

    async def _hold(self, email: str, start: str) -> Json:
        """A hold is not repeated: what was kept for somebody who never heard of it lapses."""
        body = {"start_at": start, "duration_minutes": MINUTES}
        call = ("POST", f"/v1/public/scheduling-pages/{self.venue.host.page_id}/holds")
        made = await self.client.once(email, "hold", call, body, {}, start=start)
        return {"hold_id": made.body["id"], "hold_token": made.body["token"]} if made and made.status == 201 else {}

    async def _release(self, email: str, hold: Json) -> None:
        call, token = ("DELETE", f"/v1/public/holds/{hold['hold_id']}"), {"Hold-Token": hold["hold_token"]}
        await self.client.insist(email, "release", call, None, token)

    async def _book(self, email: str, start: str, hold: Json) -> Answered | None:
        body = {
            "start_at": start,
            "duration_minutes": MINUTES,
            "name": "Vera Visitor",
            "email": email,
            "time_zone": "America/New_York",
            **hold,
        }
        call = ("POST", f"/v1/public/scheduling-pages/{self.venue.host.page_id}/bookings")
        key = {"Idempotency-Key": f"book-{email}"}
        send = self.client.once if self.chance.random() < 0.1 else self.client.insist
        return await send(email, "book", call, body, key, email=email, start=start)

    async def _changes_mind(self, email: str, booking: Json) -> None:
        if not self.venue.host.house.changes:
            return  # R24
        draw = self.chance.random()
        if draw < 0.3:
            await self._reschedule(email, booking)
        if draw < 0.15 or 0.3 <= draw < 0.5:
            await self._cancel(email, booking)
        elif draw >= 0.75:
            self.venue.left_to_the_host.append(booking)

    async def _reschedule(self, email: str, booking: Json) -> None:
        to, token = self._slot(), {"Booking-Token": booking["booking_token"]}
        call = ("POST", f"/v1/public/bookings/{booking['id']}/reschedule")
        await self.client.insist(email, "reschedule", call, {"start_at": to}, token, booking=booking["id"], to=to)

    async def _cancel(self, email: str, booking: Json) -> None:
        token, call = (
            {"Booking-Token": booking["booking_token"]},
            ("POST", f"/v1/public/bookings/{booking['id']}/cancel"),
        )
        await self.client.insist(email, "cancel", call, {}, token, booking=booking["id"], ends=True)


def end_of(start: str) -> datetime:
    """When what begins then is over."""
    return datetime.fromisoformat(start) + timedelta(minutes=MINUTES)


def shared_out(slots: Sequence[Json], chance: random.Random) -> tuple[list[str], list[str]]:
    """The times of a page, so many for its visitors and so many for its host, in an order of chance."""
    starts = [str(slot["start_at"]) for slot in slots]
    middle = len(starts) * 2 // 3
    for_visitors, for_the_host = starts[:middle], starts[middle:]
    chance.shuffle(for_visitors)
    chance.shuffle(for_the_host)
    return for_visitors, for_the_host
