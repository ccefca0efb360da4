"""Several people of one account, each with a calendar of their own, and the pages they share."""

from datetime import datetime, timedelta
from typing import Any

from tests.support.people import Person
from tests.support.world import World


async def colleagues(world: World, count: int, *, without_calendar: int = 0) -> list[Person]:
    """So many people with a connected Google calendar, and after them so many with none."""
    first = await world.connected()
    others = [await world.connected(account_id=first.account_id) for _ in range(count - 1)]
    lacking = [await world.person(account_id=first.account_id) for _ in range(without_calendar)]
    for person in lacking:
        await person.get("/v1/me")  # the CRM's users become known when they come
    return [first, *others, *lacking]


async def team_page(people: list[Person], kind: str, **changes: Any) -> dict[str, Any]:
    """A page of them all, made by the first."""
    members = [person.user_id for person in people[1:]]
    return await people[0].make_page(type=kind, member_ids=members, **changes)


async def busy(world: World, person: Person, at: datetime, minutes: int = 30) -> None:
    """The person has something else then, and the mirror knows."""
    span = {"start": {"dateTime": at.isoformat()}, "end": {"dateTime": (at + timedelta(minutes=minutes)).isoformat()}}
    await world.sandbox.insert_google_event(person.email, {"summary": "Something else", **span})
    await person.post(f"/v1/connections/{person.connection_id}/sync")
    await world.work()
