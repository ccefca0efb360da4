"""The demo's hosts, one at each provider: what they have, how they connect, and what really stands in their calendars.

The one rule: what is checked is the provider's own truth, read through its control API, never what the service says.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from sandbox.client import Sandbox
from sandbox.exchange.client import PASSWORD

Json = dict[str, Any]
Span = tuple[datetime, datetime]
_FREE = {"free", "workingElsewhere", "Free", "WorkingElsewhere"}


@dataclass(frozen=True)
class Standing:
    """An event of ours as the provider has it."""

    id: str
    start: datetime
    title: str
    uid: str


class House(Protocol):
    """A host's calendar at one provider."""

    provider: str
    email: str
    changes: bool
    """Whether bookings can be moved and called off (R24)."""
    invites: bool
    """The provider mails its own invitations, whatever we ask: ours carries none (R49)."""

    async def furnish(self, around: date) -> dict[str, int]:
        """A working life in the calendar; the number of events by kind."""

    async def busy(self, first: date, days: int) -> list[Span]:
        """What really blocks the host's time."""

    async def ours(self) -> list[Standing]:
        """The events that an application has made and that still stand."""

    async def writes(self) -> list[str]:
        """What an application did to the calendar: insert, update, delete."""


@dataclass
class GoogleHouse:
    sandbox: Sandbox
    email: str = "ada@example.com"
    provider = "google"
    changes = True
    invites = False

    async def furnish(self, around: date) -> dict[str, int]:
        await self.sandbox.google_account(self.email, name="Ada Andersson", time_zone="Europe/Stockholm")
        seeded = await self.sandbox.seed_google(self.email, around=around, with_damage=True)
        kinds: dict[str, int] = seeded["calendars"][self.email]
        return kinds

    async def busy(self, first: date, days: int) -> list[Span]:
        spans = await self.sandbox.google_busy(self.email, start=first, days=days)
        return [(datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])) for span in spans]

    async def ours(self) -> list[Standing]:
        made = {entry["event_id"] for entry in await self.sandbox.google_ledger(account=self.email, actor="api")}
        return [
            Standing(item["id"], datetime.fromisoformat(item["start"]["dateTime"]), item["summary"], item["iCalUID"])
            for item in await self.sandbox.google_events(self.email)
            if item["id"] in made
        ]

    async def writes(self) -> list[str]:
        return [entry["operation"] for entry in await self.sandbox.google_ledger(account=self.email, actor="api")]


@dataclass
class MicrosoftHouse:
    sandbox: Sandbox
    email: str = "astrid@contoso.example"
    provider = "office365"
    changes = True
    invites = True

    async def furnish(self, around: date) -> dict[str, int]:
        await self.sandbox.microsoft.account(self.email, name="Astrid Berg")
        seeded = await self.sandbox.microsoft.seed(self.email, around=around)
        kinds: dict[str, int] = next(iter(seeded["calendars"].values()))
        return kinds

    async def busy(self, first: date, days: int) -> list[Span]:
        return [
            (_graph_time(item["start"]), _graph_time(item["end"]))
            for item in await self._view(first, days)
            if item["showAs"] not in _FREE and not item["isCancelled"]
        ]

    async def ours(self) -> list[Standing]:
        made = {entry["event_id"] for entry in await self.sandbox.microsoft.ledger(account=self.email, actor="api")}
        return [
            Standing(item["id"], _graph_time(item["start"]), item["subject"], item["iCalUId"])
            for item in await self._view(datetime.now(UTC).date(), 60)
            if item["id"] in made
        ]

    async def writes(self) -> list[str]:
        return [entry["operation"] for entry in await self.sandbox.microsoft.ledger(account=self.email, actor="api")]

    async def _view(self, first: date, days: int) -> list[Json]:
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        return await self.sandbox.microsoft.view(self.email, start=start, end=start + timedelta(days=days))


@dataclass
class ExchangeHouse:
    sandbox: Sandbox
    email: str = "agnes@corp.example"
    provider = "exchange"
    changes = False
    invites = False

    async def furnish(self, around: date) -> dict[str, int]:
        await self.sandbox.exchange.account(self.email, name="Agnes Ek", time_zone="Europe/Stockholm")
        seeded = await self.sandbox.exchange.seed(self.email, around=around)
        kinds: dict[str, int] = next(iter(seeded["calendars"].values()))
        return kinds

    async def busy(self, first: date, days: int) -> list[Span]:
        return [
            (datetime.fromisoformat(item["start"]), datetime.fromisoformat(item["end"]))
            for item in await self._view(first, days)
            if item["busy"] not in _FREE and item["my_response"] != "Decline" and not item["is_cancelled"]
        ]

    async def ours(self) -> list[Standing]:
        made = {entry["event_id"] for entry in await self.sandbox.exchange.ledger(account=self.email, actor="api")}
        return [
            Standing(item["id"], datetime.fromisoformat(item["start"]), item["subject"], item["uid"])
            for item in await self._view(datetime.now(UTC).date(), 60)
            if item["id"] in made
        ]

    async def writes(self) -> list[str]:
        return [entry["operation"] for entry in await self.sandbox.exchange.ledger(account=self.email, actor="api")]

    async def credentials(self) -> Json:
        """What the host types in."""
        where = await self.sandbox.addresses()
        return {
            "email": self.email,
            "password": PASSWORD,
            "username": self.email,
            "ews_url": where["ews_url"],
            "certificate": where["ews_authority_pem"],
        }

    async def _view(self, first: date, days: int) -> list[Json]:
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        return await self.sandbox.exchange.view(self.email, start, start + timedelta(days=days))


HOUSES = (GoogleHouse, MicrosoftHouse, ExchangeHouse)


def _graph_time(time: Json) -> datetime:
    return datetime.fromisoformat(time["dateTime"][:19]).replace(tzinfo=UTC)
