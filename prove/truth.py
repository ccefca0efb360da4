"""What really stands in a person's calendar, and everything that was ever done to it: the provider's own word.

The one rule: it is asked of the provider's control and ledger; nothing here comes from the service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.client import Sandbox

Json = dict[str, Any]
KEY: Final = "calendar_connect_key"
"""How the mark is called that every event of ours carries, whatever each provider puts before it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A live event."""

    id: str
    etag: str
    key: str | None
    """The mark of ours."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """A line of the ledger."""

    seq: int
    at: datetime
    actor: str
    """api human propagation"""
    operation: str
    """insert update delete"""
    event_id: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A person's first calendar."""

    email: str
    provider: str
    standing: tuple[Standing, ...]
    ledger: tuple[Deed, ...]


async def look(sandbox: Sandbox, provider: str, email: str) -> Calendar:
    """The calendar as its provider has it now."""
    if provider == "google":
        events = [at_google(event) for event in await sandbox.google_events(email)]
        entries = await sandbox.google_ledger(account=email)
    elif provider == "office365":
        events = [at_microsoft(event) for event in await sandbox.microsoft.events(email)]
        entries = await sandbox.microsoft.ledger(account=email)
    else:
        entries = await sandbox.exchange.ledger(account=email)
        marks = {entry["event_id"]: _mark(entry["key"]) for entry in entries}
        events = [_at_exchange(item, marks.get(item["id"])) for item in await sandbox.exchange.items(email)]
    return Calendar(email, provider, tuple(events), tuple(_deed(entry) for entry in entries))


def at_google(event: Json) -> Standing:
    """A single event in Google's shape."""
    marks = event.get("extendedProperties", {}).get("private", {})
    start, end = (datetime.fromisoformat(event[name]["dateTime"]) for name in ("start", "end"))
    return Standing(event["id"], event["etag"], marks.get(KEY), start, end)


def at_microsoft(event: Json) -> Standing:
    """A single event in Graph's shape."""
    marks = {item["id"]: item["value"] for item in event.get("singleValueExtendedProperties", [])}
    start, end = (datetime.fromisoformat(event[name]["dateTime"][:19]).replace(tzinfo=UTC) for name in ("start", "end"))
    return Standing(event["id"], event["@odata.etag"], _mark(marks), start, end)


def _at_exchange(item: Json, key: str | None) -> Standing:
    """Outlook shows nobody the marks of programs; the ledger has them."""
    start, end = (datetime.fromisoformat(item[name]) for name in ("start", "end"))
    return Standing(item["id"], item["change_key"], key, start, end)


def _mark(marks: Mapping[str, str]) -> str | None:
    """The key among a provider's names for our marks."""
    return next((value for name, value in marks.items() if name.endswith(KEY)), None)


def _deed(entry: Json) -> Deed:
    at = datetime.fromisoformat(entry["at"])
    return Deed(entry["seq"], at, entry["actor"], entry["operation"], entry["event_id"], _mark(entry["key"]))
