"""The demo's hosts, one at each provider: what they have and do, and what really stands in their calendars.

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


@dataclass(frozen=True)
class Appointment:
    """An event as the person sees it, an occurrence where it is a series."""

    id: str
    when: Span
    all_day: bool
    title: str
    guests: tuple[str, ...]
    remark: str
    """In the provider's own word why it may not block time, as `free`, `tentative` or `declined`; empty: it does."""


class House(Protocol):
    """A host's calendar at one provider."""

    provider: str
    email: str
    name: str
    changes: bool
    """Whether bookings can be moved and called off (R24)."""
    follows: bool
    """Whether the CRM and the calendar follow each other (R19, R20, R23; not R24)."""
    invites: bool
    """The provider mails its own invitations, whatever we ask: ours carries none (R49)."""

    async def move_in(self) -> None:
        """A mailbox with an empty calendar; one that exists stays as it is."""

    async def furnish(self, around: date) -> dict[str, int]:
        """A working life in the calendar; the number of events by kind."""

    async def busy(self, first: date, days: int) -> list[Span]:
        """What really blocks the host's time."""

    async def agenda(self, start: datetime, end: datetime) -> list[Appointment]:
        """What stands in the calendar, in order."""

    async def ours(self) -> list[Standing]:
        """The events that an application has made and that still stand."""

    async def writes(self) -> list[str]:
        """What an application did to the calendar: insert, update, delete."""

    async def move(self, event_id: str, to: Span) -> None:
        """The host drags an event to another time."""

    async def delete(self, event_id: str) -> None:
        """The host deletes an event."""

    async def invite(self, guest: str | None, title: str, when: Span) -> str:
        """The host makes an event, with a guest perhaps, by hand. Returns its id."""

    async def invitations(self, guest: str) -> list[str]:
        """The events to which the provider itself has invited a guest by mail."""

    async def watched(self) -> bool:
        """Whether the provider tells an application of changes."""

    async def notified(self) -> int:
        """How many notifications of the provider's an application has taken."""


@dataclass
class GoogleHouse:
    sandbox: Sandbox
    email: str = "ada@example.com"
    name: str = "Ada Andersson"
    provider = "google"
    changes = True
    follows = True
    invites = False

    async def move_in(self) -> None:
        await self.sandbox.google_account(self.email, name=self.name, time_zone="Europe/Stockholm")

    async def furnish(self, around: date) -> dict[str, int]:
        await self.move_in()
        seeded = await self.sandbox.seed_google(self.email, around=around, with_damage=True)
        kinds: dict[str, int] = seeded["calendars"][self.email]
        return kinds

    async def busy(self, first: date, days: int) -> list[Span]:
        spans = await self.sandbox.google_busy(self.email, start=first, days=days)
        return [(datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])) for span in spans]

    async def agenda(self, start: datetime, end: datetime) -> list[Appointment]:
        return [
            Appointment(
                item["id"],
                (_google_time(item["start"]), _google_time(item["end"])),
                "date" in item["start"],
                item.get("summary", ""),
                tuple(guest["email"] for guest in item.get("attendees", ())),
                _google_remark(item),
            )
            for item in await self.sandbox.google_view(self.email, start=start, end=end)
        ]

    async def ours(self) -> list[Standing]:
        made = {entry["event_id"] for entry in await self.sandbox.google_ledger(account=self.email, actor="api")}
        return [
            Standing(item["id"], datetime.fromisoformat(item["start"]["dateTime"]), item["summary"], item["iCalUID"])
            for item in await self.sandbox.google_events(self.email)
            if item["id"] in made
        ]

    async def writes(self) -> list[str]:
        return [entry["operation"] for entry in await self.sandbox.google_ledger(account=self.email, actor="api")]

    async def move(self, event_id: str, to: Span) -> None:
        await self.sandbox.patch_google_event(self.email, event_id, _google_times(to))

    async def delete(self, event_id: str) -> None:
        await self.sandbox.delete_google_event(self.email, event_id)

    async def invite(self, guest: str | None, title: str, when: Span) -> str:
        event = {"summary": title, "attendees": [{"email": guest}] if guest else [], **_google_times(when)}
        return str((await self.sandbox.insert_google_event(self.email, event))["id"])

    async def invitations(self, guest: str) -> list[str]:
        return [mail["event_id"] for mail in await self.sandbox.google_outbox(to=guest, kind="invitation")]

    async def watched(self) -> bool:
        return bool(await self.sandbox.google_channels(self.email, alive=True))

    async def notified(self) -> int:
        return _taken(await self.sandbox.google_deliveries(), "exists")


@dataclass
class MicrosoftHouse:
    sandbox: Sandbox
    email: str = "astrid@contoso.example"
    name: str = "Astrid Berg"
    provider = "office365"
    changes = True
    follows = True
    invites = True

    async def move_in(self) -> None:
        await self.sandbox.microsoft.account(self.email, name=self.name)

    async def furnish(self, around: date) -> dict[str, int]:
        await self.move_in()
        seeded = await self.sandbox.microsoft.seed(self.email, around=around)
        kinds: dict[str, int] = next(iter(seeded["calendars"].values()))
        return kinds

    async def busy(self, first: date, days: int) -> list[Span]:
        return [
            (_graph_time(item["start"]), _graph_time(item["end"]))
            for item in await self._view(first, days)
            if item["showAs"] not in _FREE and not item["isCancelled"]
        ]

    async def agenda(self, start: datetime, end: datetime) -> list[Appointment]:
        return [
            Appointment(
                item["id"],
                (_graph_time(item["start"]), _graph_time(item["end"])),
                item["isAllDay"],
                item["subject"] or "",
                tuple(guest["emailAddress"]["address"] for guest in item["attendees"]),
                "" if item["showAs"] == "busy" else item["showAs"],
            )
            for item in await self.sandbox.microsoft.view(self.email, start=start, end=end)
            if not item["isCancelled"]
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

    async def move(self, event_id: str, to: Span) -> None:
        await self.sandbox.microsoft.edit_event(self.email, event_id, _graph_times(to))

    async def delete(self, event_id: str) -> None:
        await self.sandbox.microsoft.delete_event(self.email, event_id)

    async def invite(self, guest: str | None, title: str, when: Span) -> str:
        attendees = [{"emailAddress": {"address": guest}, "type": "required"}] if guest else []
        event = {"subject": title, "attendees": attendees, **_graph_times(when)}
        return str((await self.sandbox.microsoft.create_event(self.email, event))["id"])

    async def invitations(self, guest: str) -> list[str]:
        return [mail["event_id"] for mail in await self.sandbox.microsoft.outbox(to=guest, kind="invitation")]

    async def watched(self) -> bool:
        return bool(await self.sandbox.microsoft.subscriptions(self.email, alive=True))

    async def notified(self) -> int:
        return _taken(await self.sandbox.microsoft.deliveries(), "created", "updated", "deleted")

    async def _view(self, first: date, days: int) -> list[Json]:
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        return await self.sandbox.microsoft.view(self.email, start=start, end=start + timedelta(days=days))


@dataclass
class ExchangeHouse:
    sandbox: Sandbox
    email: str = "agnes@corp.example"
    name: str = "Agnes Ek"
    provider = "exchange"
    changes = False
    follows = False
    invites = False

    async def move_in(self) -> None:
        await self.sandbox.exchange.account(self.email, name=self.name, time_zone="Europe/Stockholm")

    async def furnish(self, around: date) -> dict[str, int]:
        await self.move_in()
        seeded = await self.sandbox.exchange.seed(self.email, around=around)
        kinds: dict[str, int] = next(iter(seeded["calendars"].values()))
        return kinds

    async def busy(self, first: date, days: int) -> list[Span]:
        return [
            (datetime.fromisoformat(item["start"]), datetime.fromisoformat(item["end"]))
            for item in await self._view(first, days)
            if item["busy"] not in _FREE and item["my_response"] != "Decline" and not item["is_cancelled"]
        ]

    async def agenda(self, start: datetime, end: datetime) -> list[Appointment]:
        return [
            Appointment(
                item["id"],
                (datetime.fromisoformat(item["start"]), datetime.fromisoformat(item["end"])),
                item["all_day"],
                item["subject"],
                tuple(guest["email"] for guest in item["attendees"]),
                "" if item["busy"] == "Busy" else item["busy"],
            )
            for item in await self.sandbox.exchange.view(self.email, start, end)
            if not item["is_cancelled"]
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

    async def move(self, event_id: str, to: Span) -> None:
        await self.sandbox.exchange.change_item(self.email, event_id, _exchange_times(to), send=True)

    async def delete(self, event_id: str) -> None:
        await self.sandbox.exchange.delete_item(self.email, event_id)

    async def invite(self, guest: str | None, title: str, when: Span) -> str:
        item = {"subject": title, "required": [guest] if guest else [], **_exchange_times(when)}
        return str((await self.sandbox.exchange.create_item(self.email, item, send=bool(guest)))["id"])

    async def invitations(self, guest: str) -> list[str]:
        return [mail["event_id"] for mail in await self.sandbox.exchange.outbox(to=guest, kind="invitation")]

    async def watched(self) -> bool:
        return False  # an Exchange of one's own is polled

    async def notified(self) -> int:
        return 0

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


def _google_time(time: Json) -> datetime:
    """Days begin in UTC here: they are shown, nothing is reckoned with them."""
    moment = datetime.fromisoformat(time.get("dateTime") or time["date"])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _google_remark(item: Json) -> str:
    if item.get("transparency") == "transparent":
        return "free"
    mine = [guest["responseStatus"] for guest in item.get("attendees", ()) if guest.get("self")]
    return mine[0] if mine and mine[0] in {"declined", "tentative"} else ""


def _graph_time(time: Json) -> datetime:
    return datetime.fromisoformat(time["dateTime"][:19]).replace(tzinfo=UTC)


def _google_times(span: Span) -> Json:
    return {name: {"dateTime": moment.isoformat()} for name, moment in zip(("start", "end"), span, strict=True)}


def _graph_times(span: Span) -> Json:
    walls = [moment.astimezone(UTC).replace(tzinfo=None).isoformat() for moment in span]
    return {name: {"dateTime": wall, "timeZone": "UTC"} for name, wall in zip(("start", "end"), walls, strict=True)}


def _exchange_times(span: Span) -> Json:
    return {name: moment.isoformat() for name, moment in zip(("start", "end"), span, strict=True)}


def _taken(deliveries: list[Json], *kinds: str) -> int:
    """Those that tell of a change and were answered with 2xx."""
    told = [delivery for delivery in deliveries if delivery["status"] is not None and delivery["status"] < 300]
    return sum(not set(kinds).isdisjoint(delivery["kinds"]) for delivery in told)
