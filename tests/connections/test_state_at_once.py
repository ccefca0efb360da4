"""A state that comes back twice at once is good for one (R6).

The one rule: it is taken before the provider is asked.
"""

import asyncio
from urllib.parse import urlsplit

from tests.connections.test_connecting import newcomer, outcome
from tests.support.google import failing
from tests.support.world import World, problem


async def test_r6_of_two_returns_at_once_one_is_gone_on_with(world: World) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    callback = urlsplit(await world.sandbox.consent(started["authorization_url"], email=person.email))
    back = f"{callback.path}?{callback.query}"
    async with failing(world.sandbox, {"kind": "latency", "ms": 500}, path="/token$"):
        answers = await asyncio.gather(world.api.get(back), world.api.get(back))
    taken, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert taken.status_code == 303
    problem(refused, 400, "authorization_state_invalid")
    assert await outcome(person, started["id"]) == ("completed", None)
