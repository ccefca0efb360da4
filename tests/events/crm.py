"""The CRM in tests of the feed and of webhooks: a service token, and what is done with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.database import transaction
from app.events.feed import add_event
from app.events.types import EventType
from app.ids import decode_id, new_id
from app.queue import enqueue
from tests.support.people import Person
from tests.support.world import World

PERMISSIONS = ["events:read", "webhooks:write"]


@dataclass(slots=True)
class Crm:
    """The service token of one account."""

    world: World
    person: Person

    @property
    def account_id(self) -> UUID:
        return decode_id("acct", self.person.account_id)

    async def feed(self, **query: Any) -> dict[str, Any]:
        """A part of the feed."""
        answer = await self.person.get("/v1/events", **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def types(self) -> list[str]:
        """The types of everything that happened; the numbers must be 1, 2, 3, …"""
        feed = await self.feed(limit=100)
        assert [event["sequence"] for event in feed["items"]] == list(range(1, len(feed["items"]) + 1))
        return [event["type"] for event in feed["items"]]

    async def endpoint(self, url: str, **fields: Any) -> dict[str, Any]:
        """A new endpoint, its secret included."""
        made = await self.person.post("/v1/webhook-endpoints", {"url": url} | fields)
        assert made.status_code == 201, made.text
        return made.json()

    async def look(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """The endpoint as it is now."""
        answer = await self.person.get(f"/v1/webhook-endpoints/{endpoint['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def change(self, endpoint: dict[str, Any], **fields: Any) -> dict[str, Any]:
        answer = await self.person.patch(f"/v1/webhook-endpoints/{endpoint['id']}", fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, endpoint: dict[str, Any], verb: str, body: Any = None) -> Any:
        return await self.person.post(f"/v1/webhook-endpoints/{endpoint['id']}/{verb}", body)

    async def deliveries(self, endpoint: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        """The attempts, the oldest first."""
        answer = await self.person.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries", **({"limit": 100} | query))
        assert answer.status_code == 200, answer.text
        return answer.json()["items"][::-1]

    async def happens(self, count: int = 1, *, event: EventType = EventType.SCHEDULING_PAGE_UPDATED) -> None:
        """Something happens, each in a transaction of its own; the jobs are left to the test."""
        for number in range(count):
            async with transaction(self.world.services.sessions, self.account_id) as session:
                told = add_event(
                    session,
                    self.account_id,
                    event,
                    subject_id=new_id(),
                    data={"number": number},
                    now=datetime.now(UTC),
                )
                await session.flush()
                await enqueue(session, [told])


async def crm_of(world: World, person: Person | None = None) -> Crm:
    """The CRM of a person's account, or of a new one."""
    service = await world.person(**({} if person is None else {"account_id": person.account_id}))
    await service.refresh_token(service=True, sub="service:crm", permissions=PERMISSIONS)
    return Crm(world, service)
