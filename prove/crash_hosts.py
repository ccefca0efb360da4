"""Hosts: they drag and delete what was booked, make events by hand, and meetings on the records of people they know.

The one rule: a host touches a booking only when its visitor is done with it and its event stands in the calendar, so
that it is certain what must become of it.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from prove.crash_client import Client
from prove.crash_visitors import Venue, end_of
from prove.truth import look
from sandbox.client import Sandbox
from sandbox.houses import Span

Json = dict[str, Any]
PAUSE: Final = (0.3, 1.2)


@dataclass
class HostHands:
    """One host, in front of their calendar and of the CRM."""

    client: Client
    sandbox: Sandbox
    venue: Venue
    chance: random.Random
    stop: asyncio.Event
    pause: tuple[float, float] = PAUSE
    """Seconds between one thing and the next: as few as this, as many as that."""
    by_hand: list[str] = field(default_factory=list)
    """Events of their own that stand in the calendar."""
    _number: int = 0

    async def run(self) -> None:
        """One thing after another until told to stop."""
        acts = [self._make, self._move_own, self._delete_own]
        if self.venue.host.house.follows:
            acts += [self._move_booked, self._move_booked, self._delete_booked, self._meet]
        while not self.stop.is_set() and len(self.venue.for_the_host) > 1:
            self._number += 1
            await self.chance.choice(acts)()
            await asyncio.sleep(self.chance.uniform(*self.pause))

    def _time(self) -> tuple[str, Span]:
        start = self.venue.for_the_host.pop()
        return start, (datetime.fromisoformat(start), end_of(start))

    async def _make(self) -> None:
        start, span = self._time()
        guest = self.chance.choice(self.venue.known or ["guest@elsewhere.example"])
        number = self.client.acted(self.venue.name, "human.make", start=start)
        self.by_hand.append(await self.venue.host.house.invite(guest, f"By hand {self._number}", span))
        self.client.came_about(number)

    async def _move_own(self) -> None:
        if self.by_hand:
            start, span = self._time()
            event_id = self.chance.choice(self.by_hand)
            number = self.client.acted(self.venue.name, "human.move", event=event_id, start=start)
            await self.venue.host.house.move(event_id, span)
            self.client.came_about(number)

    async def _delete_own(self) -> None:
        if self.by_hand:
            event_id = self.by_hand.pop(self.chance.randrange(len(self.by_hand)))
            number = self.client.acted(self.venue.name, "human.delete", event=event_id)
            await self._delete(event_id)
            self.client.came_about(number)

    async def _move_booked(self) -> None:
        found = await self._booked()
        if found is not None:
            booking, event_id = found
            start, span = self._time()
            number = self.client.acted(self.venue.name, "human.move", booking=booking["id"], event=event_id, to=start)
            await self.venue.host.house.move(event_id, span)
            self.client.came_about(number)

    async def _delete_booked(self) -> None:
        found = await self._booked()
        if found is not None:
            booking, event_id = found
            number = self.client.acted(self.venue.name, "human.delete", booking=booking["id"], ends=True)
            await self._delete(event_id)
            self.client.came_about(number)

    async def _booked(self) -> tuple[Json, str] | None:
        """A booking that is left to the host, and its event, if that is in the calendar by now."""
        if not self.venue.left_to_the_host:
            return None
        booking = self.venue.left_to_the_host.pop(0)
        try:
            path = f"/v1/bookings/{booking['id']}"
            answer = await self.venue.host.api.get(path, headers=self.venue.host.headers)
        except httpx.TransportError:
            answer = None
        if answer is None or not answer.is_success or answer.json()["calendar_event"]["status"] != "written":
            self.venue.left_to_the_host.append(booking)
            return None
        house, start = self.venue.host.house, datetime.fromisoformat(answer.json()["start_at"])
        calendar = await look(self.sandbox, house.provider, house.email)
        ours = [event.id for event in calendar.standing if event.key is not None and event.start == start]
        return (booking, ours[0]) if len(ours) == 1 else None

    async def _delete(self, event_id: str) -> None:
        email, provider = self.venue.name, self.venue.host.house.provider
        if provider == "google":
            await self.sandbox.delete_google_event(email, event_id)
        elif provider == "office365":
            await self.sandbox.microsoft.delete_event(email, event_id)
        else:
            await self.sandbox.exchange.delete_item(email, event_id)

    async def _meet(self) -> None:
        """R19: a meeting on somebody's record becomes an event; then it is moved, or called off."""
        who, headers, label = self.venue.name, self.venue.host.headers, f"{self.chance.getrandbits(48):x}"
        guest = {"email": f"contact-{label}@elsewhere.example", "name": "Carla Contact"}
        contact = await self.client.insist(
            who,
            "contact",
            ("POST", "/v1/contacts"),
            guest,
            headers | {"Idempotency-Key": f"contact-{label}"},
        )
        if not contact.done:
            return
        body = {"title": f"Meeting {self._number}", "time_zone": "Europe/Stockholm", **self._times()}
        call, key = ("POST", f"/v1/contacts/{contact.body['id']}/meetings"), {"Idempotency-Key": f"meeting-{label}"}
        made = await self.client.insist(who, "meeting", call, body, headers | key)
        if made.done and self.chance.random() < 0.7:
            await self._change_meeting(who, made.body["id"])

    async def _change_meeting(self, who: str, engagement: str) -> None:
        path, headers = f"/v1/engagements/{engagement}", self.venue.host.headers
        if self.chance.random() < 0.5:
            await self.client.insist(who, "meeting.move", ("PATCH", path), self._times(), headers)
        else:
            await self.client.insist(who, "meeting.cancel", ("POST", f"{path}/cancel"), {}, headers)

    def _times(self) -> Json:
        start, span = self._time()
        return {"start_at": start, "end_at": span[1].isoformat()}
