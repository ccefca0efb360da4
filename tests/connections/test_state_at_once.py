"""A state that comes back twice at once is good for one (R6).

The one rule: it is taken before the provider is asked, and with all that it stands for or not at all.
"""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.connections import repository
from tests.connections.test_connecting import newcomer, outcome
from tests.support.google import failing
from tests.support.world import World, problem


async def test_r6_of_two_returns_at_once_one_is_gone_on_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has found the state waits for the other to find it, too; who cannot goes on alone."""
    both, find = asyncio.Barrier(2), repository.find_authorization

    async def when_both_are_here(*asked: Any, **named: Any) -> Any:
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(both.wait(), 0.5)
        return await find(*asked, **named)

    monkeypatch.setattr(repository, "find_authorization", when_both_are_here)
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


async def test_r6_a_state_outlives_an_answer_that_could_not_be_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()
    callback = urlsplit(await world.sandbox.consent(started["authorization_url"], email=person.email))
    back = f"{callback.path}?{callback.query}"

    async def busy(*_: Any) -> None:
        raise PoolTimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(repository, "find_authorization", busy)
        problem(await world.api.get(back), 503, "provider_unavailable")
    assert (await world.api.get(back)).status_code == 303
    assert await outcome(person, started["id"]) == ("completed", None)


async def test_r6_an_attempt_that_cannot_be_stored_has_failed_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await newcomer(world)
    started = (await person.start_connecting()).json()

    async def busy(*_: Any, **__: Any) -> None:
        raise PoolTimeoutError

    monkeypatch.setattr("app.connections.authorization.establish", busy)
    assert (await person.consent(started["authorization_url"])).status_code == 303
    assert await outcome(person, started["id"]) == ("failed", "internal_error")
