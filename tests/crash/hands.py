"""A person's calendar seen from the other side of the wire: what hands do there, and what is true there.

The one rule: nothing here goes through the service.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from prove.truth import Standing, at_google, at_microsoft
from sandbox.client import Sandbox
from tests.support.people import Person

MINUTES = 30
"""How long everything in these stories takes."""


class Hands(Protocol):
    """One person at one provider."""

    person: Person
    provider: str

    async def begin(self) -> None:
        """The person has a mailbox there, and connects it."""

    async def meet(self, start: datetime, guest: str) -> str:
        """The person makes an event with a guest; its id."""

    async def move(self, event_id: str, start: datetime) -> None: ...

    async def delete(self, event_id: str) -> None: ...

    async def decline(self, event_id: str, guest: str) -> None:
        """The guest does."""

    async def standing(self) -> list[Standing]:
        """Everything that stands in the calendar."""

    async def writes(self) -> list[tuple[str, str]]:
        """What we ever did there: the operation and the event's id."""

    async def letters(self) -> list[tuple[str, str, str]]:
        """The mails the provider ever sent for the calendar: their kind, to whom, about which event."""


class GoogleHands:
    """At the simulated Google."""

    provider = "google"

    def __init__(self, sandbox: Sandbox, person: Person) -> None:
        self.person = person
        self._sandbox = sandbox

    async def begin(self) -> None:
        await self._sandbox.google_account(self.person.email, time_zone=self.person.time_zone)
        assert (await self.person.connect(self.provider))["status"] == "completed"

    async def meet(self, start: datetime, guest: str) -> str:
        body = {"summary": "By hand", "attendees": [{"email": guest}], **_google_times(start)}
        return str((await self._sandbox.insert_google_event(self.person.email, body))["id"])

    async def move(self, event_id: str, start: datetime) -> None:
        await self._sandbox.patch_google_event(self.person.email, event_id, _google_times(start))

    async def delete(self, event_id: str) -> None:
        await self._sandbox.delete_google_event(self.person.email, event_id)

    async def decline(self, event_id: str, guest: str) -> None:
        email = self.person.email
        await self._sandbox.answer_google_invitation(email, event_id, attendee=guest, response="declined")

    async def standing(self) -> list[Standing]:
        return [at_google(event) for event in await self._sandbox.google_events(self.person.email)]

    async def writes(self) -> list[tuple[str, str]]:
        ledger = await self._sandbox.google_ledger(account=self.person.email, actor="api")
        return [(entry["operation"], entry["event_id"]) for entry in ledger]

    async def letters(self) -> list[tuple[str, str, str]]:
        sent = await self._sandbox.google_outbox()
        return [(mail["kind"], mail["to"], mail["event_id"]) for mail in sent if mail["calendar"] == self.person.email]


class MicrosoftHands:
    """At the simulated Microsoft cloud."""

    provider = "office365"

    def __init__(self, sandbox: Sandbox, person: Person) -> None:
        self.person = person
        self._microsoft = sandbox.microsoft

    async def begin(self) -> None:
        await self._microsoft.account(self.person.email)
        assert (await self.person.connect(self.provider))["status"] == "completed"

    async def meet(self, start: datetime, guest: str) -> str:
        attendee = {"emailAddress": {"address": guest}, "type": "required"}
        body = {"subject": "By hand", "attendees": [attendee], **_graph_times(start)}
        return str((await self._microsoft.create_event(self.person.email, body))["id"])

    async def move(self, event_id: str, start: datetime) -> None:
        await self._microsoft.edit_event(self.person.email, event_id, _graph_times(start))

    async def delete(self, event_id: str) -> None:
        await self._microsoft.delete_event(self.person.email, event_id)

    async def decline(self, event_id: str, guest: str) -> None:
        await self._microsoft.answer_invitation(self.person.email, event_id, attendee=guest, response="declined")

    async def standing(self) -> list[Standing]:
        return [at_microsoft(event) for event in await self._microsoft.events(self.person.email)]

    async def writes(self) -> list[tuple[str, str]]:
        ledger = await self._microsoft.ledger(account=self.person.email, actor="api")
        return [(entry["operation"], entry["event_id"]) for entry in ledger]

    async def letters(self) -> list[tuple[str, str, str]]:
        sent = await self._microsoft.outbox()
        return [(mail["kind"], mail["to"], mail["event_id"]) for mail in sent if mail["sender"] == self.person.email]


def _google_times(start: datetime) -> dict[str, Any]:
    end = start + timedelta(minutes=MINUTES)
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}


def _graph_times(start: datetime) -> dict[str, Any]:
    sides = {"start": start, "end": start + timedelta(minutes=MINUTES)}
    return {
        name: {"dateTime": f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for name, moment in sides.items()
    }
