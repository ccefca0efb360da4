"""Whatever the plan: connecting, a page and a booking are there for everybody (R2)."""

from typing import Any

import pytest

from tests.support.visitors import our_events, visit
from tests.support.world import World

PLANS: dict[str, list[dict[str, str]]] = {
    "none": [],
    "free": [{"product": "sales_hub", "tier": "free"}],
    "starter": [{"product": "service_hub", "tier": "starter"}],
    "enterprise": [{"product": "sales_hub", "tier": "enterprise"}],
}


@pytest.mark.parametrize("plan", PLANS)
async def test_r2_a_person_on_any_plan_connects_and_is_booked(world: World, plan: str) -> None:
    claims: dict[str, Any] = {"seats": PLANS[plan], "subscriptions": PLANS[plan]}
    person = await world.connected(**claims)
    connection = (await person.get(f"/v1/connections/{person.connection_id}")).json()
    assert connection["status"] == "active"
    settings = (await person.get("/v1/calendar-settings")).json()
    assert (settings["calendar_sync"], settings["scheduling_pages"]) == (True, True)
    booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
    await world.work()
    assert len(await our_events(world, person)) == 1
    assert (await booking.read())["status"] == "confirmed"
