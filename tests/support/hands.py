"""What a person does at their provider, the same words for each: have an account, put an event in, look what is there.

The one rule: a journey is told once, and played at every provider.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD
from tests.support.people import Person

Span = tuple[datetime, datetime]


class Hands(Protocol):
    """A person's hands at one provider."""

    provider: str
    changes: bool
    """Whether bookings can be moved and called off there (R24)."""

    async def account(self, person: Person) -> None:
        """The person has a mailbox there."""

    async def connect(self, person: Person) -> None:
        """The person connects the calendar."""

    async def heal(self, person: Person) -> None:
        """The person heals the connection."""

    async def add(self, person: Person, start: datetime, minutes: int = 60) -> None:
        """The person puts an event into the calendar."""

    async def events(self, person: Person) -> dict[str, Span]:
        """The events of the next months by id."""

    async def uids(self, person: Person) -> set[str]:
        """Under which the events of the next months go from calendar to calendar."""

    async def made_by_us(self, person: Person) -> int:
        """How many events applications ever made in the person's calendar."""

    async def revoke(self, person: Person) -> None:
        """The person takes the grant back."""


@dataclass
class GoogleHands:
    sandbox: Sandbox
    provider = "google"
    changes = True

    async def account(self, person: Person) -> None:
        await self.sandbox.google_account(person.email, time_zone=person.time_zone)

    async def connect(self, person: Person) -> None:
        assert (await person.connect(self.provider))["status"] == "completed"

    async def heal(self, person: Person) -> None:
        assert (await person.reauthorize())["status"] == "completed"

    async def add(self, person: Person, start: datetime, minutes: int = 60) -> None:
        end = start + timedelta(minutes=minutes)
        span = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
        await self.sandbox.insert_google_event(person.email, {"summary": "By hand", **span})

    async def events(self, person: Person) -> dict[str, Span]:
        listed = await self.sandbox.google_events(person.email)
        return {item["id"]: (instant(item["start"]["dateTime"]), instant(item["end"]["dateTime"])) for item in listed}

    async def uids(self, person: Person) -> set[str]:
        return {item["iCalUID"] for item in await self.sandbox.google_events(person.email)}

    async def made_by_us(self, person: Person) -> int:
        ledger = await self.sandbox.google_ledger(account=person.email, actor="api")
        return sum(entry["operation"] == "insert" for entry in ledger)

    async def revoke(self, person: Person) -> None:
        await self.sandbox.revoke_google(person.email)


@dataclass
class MicrosoftHands:
    sandbox: Sandbox
    provider = "office365"
    changes = True

    async def account(self, person: Person) -> None:
        await self.sandbox.microsoft.account(person.email)

    async def connect(self, person: Person) -> None:
        assert (await person.connect(self.provider))["status"] == "completed"

    async def heal(self, person: Person) -> None:
        assert (await person.reauthorize())["status"] == "completed"

    async def add(self, person: Person, start: datetime, minutes: int = 60) -> None:
        times = {"start": _graph(start), "end": _graph(start + timedelta(minutes=minutes))}
        await self.sandbox.microsoft.create_event(person.email, {"subject": "By hand", **times})

    async def events(self, person: Person) -> dict[str, Span]:
        now = datetime.now(UTC)
        listed = await self.sandbox.microsoft.view(person.email, start=now, end=now + timedelta(days=90))
        return {item["id"]: (of_graph(item["start"]), of_graph(item["end"])) for item in listed}

    async def uids(self, person: Person) -> set[str]:
        now = datetime.now(UTC)
        listed = await self.sandbox.microsoft.view(person.email, start=now, end=now + timedelta(days=90))
        return {item["iCalUId"] for item in listed}

    async def made_by_us(self, person: Person) -> int:
        return len(await self.sandbox.microsoft.ledger(account=person.email, actor="api", operation="insert"))

    async def revoke(self, person: Person) -> None:
        await self.sandbox.microsoft.revoke(person.email)


@dataclass
class ExchangeHands:
    sandbox: Sandbox
    provider = "exchange"
    changes = False

    async def account(self, person: Person) -> None:
        # Not NTLM: it vouches for a whole connection, and a password changed meanwhile would not be noticed at once.
        await self.sandbox.exchange.turn_knobs(authentication=["basic"])
        await self.sandbox.exchange.account(person.email, time_zone=person.time_zone)

    async def connect(self, person: Person) -> None:
        answer = await person.connect_with_password(PASSWORD)
        assert answer.status_code == 201, answer.text

    async def heal(self, person: Person) -> None:
        await self.sandbox.exchange.change_account(person.email, password="another-password")
        answer = await person.patch(f"/v1/connections/{person.connection_id}", {"password": "another-password"})
        assert answer.status_code == 200, answer.text

    async def add(self, person: Person, start: datetime, minutes: int = 60) -> None:
        item = {
            "subject": "By hand",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=minutes)).isoformat(),
        }
        await self.sandbox.exchange.create_item(person.email, item)

    async def events(self, person: Person) -> dict[str, Span]:
        now = datetime.now(UTC)
        listed = await self.sandbox.exchange.view(person.email, now, now + timedelta(days=90))
        return {item["id"]: (instant(item["start"]), instant(item["end"])) for item in listed}

    async def uids(self, person: Person) -> set[str]:
        now = datetime.now(UTC)
        return {item["uid"] for item in await self.sandbox.exchange.view(person.email, now, now + timedelta(days=90))}

    async def made_by_us(self, person: Person) -> int:
        return len(await self.sandbox.exchange.ledger(account=person.email, actor="api", operation="insert"))

    async def revoke(self, person: Person) -> None:
        await self.sandbox.exchange.change_account(person.email, password="changed-meanwhile")


ALL: dict[str, Callable[[Sandbox], Hands]] = {
    "google": GoogleHands,
    "office365": MicrosoftHands,
    "exchange": ExchangeHands,
}


def _graph(moment: datetime) -> dict[str, str]:
    return {"dateTime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}


def of_graph(time: dict[str, Any]) -> datetime:
    """A time in Graph's words."""
    assert time["timeZone"] == "UTC", time
    return datetime.fromisoformat(time["dateTime"][:19]).replace(tzinfo=UTC)


def instant(text: str) -> datetime:
    """A time with its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)
