"""People whose calls go wrong: they connect, are booked, change their minds, and try again what was not answered.

The one rule: a person does what persons do. Nobody repairs anything but by trying again what the service said it could
not do.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from prove.faults_street import CALLS, Street
from prove.faults_wire import Fault, fits
from prove.proxy import ByteDoor, Rule
from prove.stage import StageError
from sandbox.demo_journey import Host
from sandbox.houses import ExchangeHouse, Span

Json = dict[str, Any]
_AGAIN: Final = 0.5
_MEETING: Final = timedelta(minutes=30)
_WRITES: Final = frozenset(call.name for call in CALLS if call.write)
_SEE_OTHER: Final = 303


@dataclass(slots=True)
class Person:
    """Somebody with a calendar behind a door."""

    street: Street
    host: Host
    door: ByteDoor | None = None
    """At an Exchange of one's own."""
    rules: dict[str, Rule] = field(default_factory=dict)
    """What goes wrong for this person, by the call."""
    wishes: int = 0
    meetings: int = 0

    @property
    def email(self) -> str:
        """Who it is."""
        return self.host.house.email

    def arm(self, fault: Fault, *calls: str) -> None:
        """The next of each of these calls goes wrong."""
        for call in calls:
            rule = Rule(fits(fault, write=call in _WRITES), call=call, who=self.email)
            self.rules[f"{call} {len(self.rules)}"] = rule
            self.street.providers.rules.append(rule)

    def arm_bytes(self, fault: Fault, when: str) -> None:
        """The next thing said to one's own Exchange goes wrong."""
        assert self.door is not None
        rule = Rule(fault)
        self.rules[f"{when} {len(self.rules)}"] = rule
        self.door.rules.append(rule)

    # connecting -----------------------------------------------------------------------------------

    async def connect(self) -> int:
        """Connect, however often it takes; how often."""
        return await self._until(self._connected, "connected")

    async def _connected(self) -> bool:
        provider = self.host.house.provider
        disclosure = await self.host.read(f"/v1/providers/{provider}/disclosure")
        body = {"provider": provider, "client": "web", "disclosure_version": disclosure["version"]}
        if isinstance(self.host.house, ExchangeHouse):
            return await self._connected_by_password(body | await self.host.house.credentials())
        path = "/v1/connection-authorizations"
        started = await self.host.send("POST", path, body | {"login_hint": self.email}, status=201)
        callback = urlsplit(await self.street.stage.sandbox.consent(started["authorization_url"], email=self.email))
        [code] = parse_qs(callback.query)["code"]
        self.street.providers.names.learn(code, self.email)
        returned = await self.host.api.get(callback._replace(scheme="", netloc="").geturl())
        if returned.status_code != _SEE_OTHER:
            return False
        result = parse_qs(urlsplit(returned.headers["Location"]).query)
        self.host.connection_id = result.get("connection_id", [""])[0]
        return result["status"] == ["completed"]

    async def _connected_by_password(self, body: Json) -> bool:
        assert self.door is not None
        body["ews_url"] = f"https://127.0.0.1:{self.door.port}/EWS/Exchange.asmx"
        answer = await self.host.api.post("/v1/connections", json=body, headers=self.host.headers)
        self.host.connection_id = answer.json().get("id", "") if answer.is_success else ""
        return answer.is_success

    # being booked ---------------------------------------------------------------------------------

    async def book(self) -> Json:
        """A visitor books a time of their own, however often it takes; the booking as it was answered."""
        sent, path, body, key = self._wish()
        return await self._insist("book", sent, path, body, key)

    async def wish(self, *, timeout: float) -> None:  # noqa: ASYNC109 - the client's own
        """A visitor asks once, and leaves when it takes too long. Raises: httpx.TransportError."""
        sent, path, body, key = self._wish()
        await self._ask("book", sent, path, body, key, timeout=timeout)

    def _wish(self) -> tuple[Json, str, Json, dict[str, str]]:
        self.wishes += 1
        visitor = f"visitor-{self.wishes}.{self.email}"
        start = _free_time(2 * self.wishes)
        body = {
            "start_at": start.isoformat(),
            "duration_minutes": 30,
            "name": "Vera Visitor",
            "email": visitor,
            "time_zone": "America/New_York",
        }
        path = f"/v1/public/scheduling-pages/{self.host.page_id}/bookings"
        return {"email": visitor, "to": start.isoformat()}, path, body, {"Idempotency-Key": visitor}

    async def move(self, booking: Json) -> Json:
        """The visitor takes another time."""
        start = datetime.fromisoformat(booking["start_at"]) + timedelta(hours=1)
        sent = {"booking": booking["id"], "to": start.isoformat()}
        return await self._change(booking, "reschedule", sent, {"start_at": start.isoformat()})

    async def call_off(self, booking: Json) -> Json:
        """The visitor cancels."""
        return await self._change(booking, "cancel", {"booking": booking["id"], "ends": True}, {})

    async def _change(self, booking: Json, act: str, sent: Json, body: Json) -> Json:
        path = f"/v1/public/bookings/{booking['id']}/{act}"
        return await self._insist(act, sent, path, body, {"Booking-Token": booking["booking_token"]})

    async def _insist(self, act: str, sent: Json, path: str, body: Json, headers: dict[str, str]) -> Json:
        """Ask until it is done, and write down each time."""
        answers: list[Json] = []

        async def done() -> bool:
            answer = await self._ask(act, sent, path, body, headers)
            answers.append(answer.json())
            return answer.is_success

        await self._until(done, act)
        return answers[-1]

    async def _ask(
        self, act: str, sent: Json, path: str, body: Json, headers: dict[str, str], **options: Any
    ) -> httpx.Response:
        """Ask once, and write it down. Raises: httpx.TransportError."""
        number = self.street.journal.sends(self.email, act, sent)
        try:
            answer = await self.host.api.post(path, json=body, headers=headers, **options)
        except httpx.TransportError as error:
            self.street.journal.lost(number, type(error).__name__)
            raise
        self.street.journal.answered(number, answer.status_code, answer.json())
        return answer

    async def written(self, *bookings: Json) -> None:
        """The calendar has what the bookings say."""

        async def so() -> bool:
            read = [await self.host.read(f"/v1/bookings/{booking['id']}") for booking in bookings]
            return all(booking["calendar_event"]["status"] == "written" for booking in read)

        await self._until(so, "written")

    # one's own calendar ---------------------------------------------------------------------------

    async def meets_by_hand(self) -> Span:
        """The person makes an event in the calendar; when it is."""
        self.meetings += 1
        start = _free_time(-2 * self.meetings)
        await self.host.house.invite("guest@elsewhere.example", "By hand", (start, start + _MEETING))
        return start, start + _MEETING

    async def token_ends(self) -> None:
        """The access token is not good any more."""
        sandbox = self.street.stage.sandbox
        if self.host.house.provider == "google":
            await sandbox.expire_google_access_tokens(self.email)
        else:
            await sandbox.microsoft.expire_access_tokens(self.email)

    async def lists_anew(self) -> None:
        """The person asks which calendars there are."""
        path = f"/v1/connections/{self.host.connection_id}/refresh-calendars"
        await self.host.send("POST", path, status=202)

    async def meets_all(self) -> None:
        """Until every fault has met its call: what was answered 202 is a job, and comes in its own time."""

        async def met() -> bool:
            return all(rule.fired for rule in self.rules.values())

        await self._until(met, "met by every fault")

    async def state(self) -> list[str]:
        """What the API says is not well with the connection; nothing when it is."""
        connection = await self.host.read(f"/v1/connections/{self.host.connection_id}")
        sync = await self.host.read(f"/v1/connections/{self.host.connection_id}/sync")
        said = [f"{self.email}: {connection['status']} {connection['reason']}"] * (connection["status"] != "active")
        for calendar in sync["calendars"]:
            if calendar["state"] not in {"idle", "running"} or calendar["last_error"] is not None:
                said.append(f"{self.email}: {calendar['state']} {calendar['last_error']}")
        return said

    async def watched(self) -> bool:
        """Whether the provider's pushes are trusted. After one that was lost they are not, until another comes."""
        sync = await self.host.read(f"/v1/connections/{self.host.connection_id}/sync")
        return self.door is not None or sync["calendars"][0]["channel_expires_at"] is not None

    async def _until(self, done: Callable[[], Awaitable[bool]], what: str) -> int:
        """Again until it is; how often. Raises: StageError."""
        deadline, tries = time.monotonic() + self.street.patience, 0
        while time.monotonic() < deadline:
            tries += 1
            try:
                if await done():
                    return tries
            except httpx.TransportError:
                pass  # nobody answered: that is what this is about
            await asyncio.sleep(_AGAIN)
        raise StageError(f"{self.email} was not {what} within {self.street.patience:.0f} s ({tries} tries)")


async def move_in(street: Street, provider: str, name: str, stack_door: ByteDoor | None = None) -> Person:
    """A person with a calendar there, not connected yet."""
    host = await street.stage.host(provider, name, connected=False)
    street.people.append((provider, host.house.email))
    return Person(street, host, stack_door)


def _free_time(number: int) -> datetime:
    """The so-manieth hour of those before (by hand) and after (visitors) a noon three weeks from now."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=21)
    return noon + timedelta(hours=number)
