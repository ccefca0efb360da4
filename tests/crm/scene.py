"""What the tests of the CRM have in common: a contact, a calendar that is read, a timeline."""

from datetime import datetime, timedelta
from typing import Any

from tests.support.people import Person
from tests.support.world import World

VERA = "vera@example.com"


async def make_contact(person: Person, email: str = VERA, **fields: Any) -> dict[str, Any]:
    answer = await person.post("/v1/contacts", {"email": email} | fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def synced(world: World, person: Person) -> None:
    """The calendar is read, and all that follows from it is done."""
    answer = await person.post(f"/v1/connections/{person.connection_id}/sync")
    assert answer.status_code == 202, answer.text
    await world.work()


async def timeline(person: Person, contact: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await person.get(f"/v1/contacts/{contact['id']}/engagements")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def span(start: datetime, minutes: int = 60) -> dict[str, Any]:
    """Google's words for a time."""
    end = start + timedelta(minutes=minutes)
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}


async def invite(world: World, person: Person, at: datetime, *guests: str, **fields: Any) -> str:
    """The person makes an event with guests, by hand; its id."""
    event = {"summary": "By hand", "attendees": [{"email": guest} for guest in guests]} | span(at) | fields
    made = await world.sandbox.insert_google_event(person.email, event)
    event_id: str = made["id"]
    return event_id
