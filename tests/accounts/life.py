"""An account in which everything has happened, with a canary in every text that a caller can give.

The one rule: whatever is planted here is planted through the API, so that where it may stand is found and not assumed.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.ids import decode_id, new_id
from app.privacy.account_erasure import LOOK_AGAIN
from tests.crm.scene import invite, make_contact, synced
from tests.support.people import Person
from tests.support.world import World

VISITOR = "Vera.Canary@example.com"
NAME = "Kanarina Canary"
PHONE = "+46 8 4711 0815"
FORM = [{"id": "wish", "label": "Your canary question", "kind": "text", "required": False}]
VISIT = {
    "name": NAME,
    "email": VISITOR,
    "answers": {"wish": "a canary answer"},
    "guests": ["guest.canary@example.com"],
}
TEXTS = """
SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('public', 'queue') AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version' ORDER BY 1
"""


@dataclass(slots=True)
class Life:
    """A host, who administers the account as well, and what they have made."""

    world: World
    host: Person
    page: dict[str, Any]
    contact: dict[str, Any]
    booking: dict[str, Any]

    @property
    def account_id(self) -> UUID:
        return decode_id("acct", self.host.account_id)

    async def erase(self) -> None:
        """The account, from the request to the last look."""
        answer = await self.host.delete(f"/v1/account?confirm={self.host.account_id}")
        assert answer.status_code == 202, answer.text
        await to_the_end(self.world)


async def to_the_end(world: World) -> None:
    """All of an erasure that was asked for, the last look included."""
    await world.work(until=LOOK_AGAIN / 2)
    world.clock.offset += LOOK_AGAIN + timedelta(seconds=1)
    await world.work(until=LOOK_AGAIN)


async def come_back(person: Person) -> None:
    """With a token that was issued after all this; they count in seconds."""
    await asyncio.sleep(1.1)
    await person.refresh_token()


async def live(world: World, *, canary: str = "canary") -> Life:
    """All of it. `canary` tells two accounts apart."""
    host = await world.connected(
        email=f"host-{canary}-{new_id().hex[-8:]}@example.com",
        permissions=["personal_email_access", "account:export", "account:erase", "audit:read"],
    )
    page = await host.make_page(name=f"Page {canary}", form_fields=FORM, max_guests=2)
    contact = await make_contact(host, VISITOR, name=NAME, phone=PHONE)
    answer = await host.book(page["id"], host.at(3, "10:00").isoformat(), headers={"Idempotency-Key": canary}, **VISIT)
    assert answer.status_code == 201, answer.text
    await invite(world, host, host.at(4, "10:00"), VISITOR, summary=f"By hand {canary}")
    await _on_the_record(host, contact, canary)
    await _beside(world, host, page, canary)
    await synced(world, host)
    return Life(world, host, page, contact, answer.json())


async def _on_the_record(host: Person, contact: dict[str, Any], canary: str) -> None:
    start = host.at(5, "10:00")
    meeting = {
        "title": f"Meeting {canary}",
        "description": f"Text {canary} about {NAME}",
        "start_at": start.isoformat(),
        "end_at": (start + timedelta(hours=1)).isoformat(),
        "time_zone": host.time_zone,
    }
    await _made(host, f"/v1/contacts/{contact['id']}/meetings", meeting)
    task = {
        "title": f"Call {NAME}",
        "notes": f"Notes {canary}",
        "due_at": start.isoformat(),
        "contact_id": contact["id"],
    }
    await _made(host, "/v1/tasks", task)


async def _beside(world: World, host: Person, page: dict[str, Any], canary: str) -> None:
    """What others do: a colleague without a calendar, the CRM's services, a visitor who has not decided yet."""
    colleague = await world.person(account_id=host.account_id, email=f"colleague-{canary}@example.com")
    offline = await colleague.make_page(name=f"Offline {canary}", form_fields=FORM, max_guests=2)
    asked = await colleague.book(offline["id"], colleague.at(6, "10:00").isoformat(), **VISIT)
    assert asked.status_code == 202, asked.text
    held = {"start_at": host.at(7, "10:00").isoformat(), "duration_minutes": 30}
    await host.api.post(f"/v1/public/scheduling-pages/{page['id']}/holds", json=held)
    service = await world.person(account_id=host.account_id)
    permissions = ["forms:write", "webhooks:write", "users:write"]
    await service.refresh_token(service=True, sub="service:crm", permissions=permissions)
    form = {"email": VISITOR, "name": NAME, "answers": {"wish": f"Submitted {canary}"}}
    await _made(service, "/v1/form-submissions", form)
    await _made(service, "/v1/webhook-endpoints", {"url": f"https://{canary}.example.com/hooks"})
    times = {"kind": "given", "start_at": [host.at(8, "10:00").isoformat()]}
    proposal = {"page_id": page["id"], "duration_minutes": 30, "time_zone": "UTC", "times": times}
    await _made(host, "/v1/time-proposals", proposal)


async def _made(person: Person, path: str, body: dict[str, Any]) -> None:
    answer = await person.post(path, body)
    assert answer.status_code == 201, answer.text


async def found(world: World, *words: str) -> dict[str, list[str]]:
    """The rows of the whole database, the queue's included, that hold one of the words; by table."""
    hits: dict[str, list[str]] = {}
    for table in await world.rows(TEXTS):
        rows = await world.rows(f"SELECT t::text AS row FROM {table['name']} t")  # noqa: S608 - from the catalogue
        spelt = [form for word in words for form in (word.lower(), word.encode().hex())]
        texts = [row["row"] for row in rows if any(form in row["row"].lower() for form in spelt)]
        if texts:
            hits[table["name"].removeprefix("public.")] = texts
    return hits


async def rows_of(world: World, account_id: UUID) -> dict[str, int]:
    """How many rows each table holds of an account."""
    counts = {}
    for table in await world.rows(TEXTS):
        if table["name"].startswith("public."):
            query = f"SELECT count(*) AS n FROM {table['name']} WHERE account_id = $1"  # noqa: S608 - from the catalogue
            [row] = await world.rows(query, account_id)
            if row["n"]:
                counts[table["name"].removeprefix("public.")] = row["n"]
    return counts
