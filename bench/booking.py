"""The booking endpoint: everybody books another slot, beside one bare guarded insert.

The one rule: every answer counted is a 201 of a slot nobody had; every commit waits for the disk, the floor's, too.

`booking.whole` asks the sandbox's Google before each booking: its time is in the figure, as a real one's would be.
`booking.alone` asks a Google that answers at once: the cost of the service itself, the wire to Google included.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import chain

import msgspec

from bench.endpoint import rate_beside, spread
from bench.hosts import ENDLESS, Host
from bench.load import BenchError, Load, Plan, post
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.stage import ALONE, FLOOR, SERVICE, Stage

EVENTS = 100
_INSERT = "one guarded INSERT"
_MOST_A_SECOND = 10_000
"""More bookings than any machine makes: requests must not run out, and none may come twice."""


async def figures(stage: Stage, scale: Scale) -> AsyncIterator[Figure]:
    """All figures of this bench."""
    hosts = await stage.hosts.make([(ENDLESS, EVENTS)] * scale.hosts)
    await stage.settle()
    most = int(scale.seconds * _MOST_A_SECOND) + max(scale.clients)
    wishes = (await wishes_of(stage, hosts))[:most]
    inserts = [post(f"/hosts/{number % scale.hosts}/times/{number // scale.hosts}") for number in range(most)]
    for server in (SERVICE, ALONE):
        await stage.warm(server, wishes, times=scale.warming)
        await stage.unbook()
    for clients in scale.clients:
        samples = {
            "whole": _sample(stage, SERVICE, wishes, clients, scale.seconds),
            "alone": _sample(stage, ALONE, wishes, clients, scale.seconds),
            _INSERT: _sample(stage, FLOOR, inserts, clients, scale.seconds),
        }
        rounds = await alternate(samples, scale.rounds)
        for kind in ("whole", "alone"):
            name, goal = f"booking.{kind}.c{clients}", Goal(">=", 0.5) if kind == "alone" else None
            yield rate_beside(
                name, rounds[kind], rounds[_INSERT], floor_name=_INSERT, goal=goal, more={"hosts": scale.hosts}
            )
            yield spread(name, rounds[kind], None)


async def wishes_of(stage: Stage, hosts: Sequence[Host]) -> list[str]:
    """A request for every slot that is offered, host after host in turn. Raises: BenchError."""
    offered: list[list[str]] = []
    for host in hosts:
        answer = await stage.api.get(host.slots_path)
        items = msgspec.json.decode(answer.content).get("items", ())
        if not items:
            raise BenchError(f"no slots: {answer.text}")
        offered.append([post(host.bookings_path, host.wish(item["start_at"])) for item in items])
    return list(chain.from_iterable(zip(*offered, strict=False)))


def _sample(
    stage: Stage, server: str, requests: list[str], clients: int, seconds: float
) -> Callable[[], Awaitable[Load]]:
    plan = Plan(stage.ports[server], clients, requests, seconds)

    async def sample() -> Load:
        await stage.unbook()
        return (await stage.load.run(plan)).all_answered(201)

    return sample
