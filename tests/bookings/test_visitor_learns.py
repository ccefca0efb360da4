"""What a visitor learns of the host and of the host's provider (R34): a name, and whether the event stands.

The one rule: whatever the provider has refused, why is the host's to know.
"""

from tests.support.visitors import fault, visit
from tests.support.world import World


async def test_r34_neither_the_hosts_address_nor_what_the_provider_refused_is_told(world: World) -> None:
    host = await world.connected()
    booking = await visit(host, await host.make_page(), host.at(3, "10:00"))
    await fault(world, host, "forbidden", times=None, method="POST", path="/events$")
    await world.work()
    own = (await host.get(f"/v1/bookings/{booking.id}")).json()
    assert own["calendar_event"] == {"status": "pending", "error": "permission_denied"}
    told = await booking.read()
    assert told["calendar_event"] == {"status": "pending", "error": None}
    assert host.email not in str(told)
