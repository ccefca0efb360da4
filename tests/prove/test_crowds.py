"""The contention battery, tiny: it plays every scene before a real service, and believes no lie.

The one rule: what its judges are told is made up in one place only, and that place is named.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from app.ids import encode_id, new_id
from prove.contention_crowd import Crowd
from prove.contention_invariants import broken, unkept
from prove.contention_scenes import SCENES, Arena, one_host, ten_hosts
from prove.contention_team import HALF_HOUR, Team
from tests.support.people import Person
from tests.support.teams import colleagues, team_page
from tests.support.visitors import visit
from tests.support.world import World, open_world

FEW = 3


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """The port of a server in this process."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells of it in no other way
            await asyncio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def team_of(people: list[Person]) -> Team:
    """Few people stand in for ten; scenes that name the fourth or fifth of them name the last."""
    pages = [(await person.make_page())["id"] for person in people]
    first, second, *_ = people
    pairs = [(await team_page(pair, "group"))["id"] for pair in ([first, second], [second, first])]
    group, turns = [(await team_page(people, kind))["id"] for kind in ("group", "round_robin")]
    begin = datetime.combine(first.day(3), datetime.min.time(), UTC)
    starts = iter([begin + number * HALF_HOUR for number in range(400)])
    hosts = [SimpleNamespace(user_id=person.user_id) for person in people]
    return Team(SimpleNamespace(), first.account_id, hosts, pages, pairs, group, turns, starts)


def arena_at(port: int, team: Team, contenders: int = 24) -> Arena:
    return Arena(team, Crowd([port]), contenders, random.Random(1))  # noqa: S311 - to be repeated


async def test_p1_every_scene_ends_as_it_must(world: World) -> None:
    team = await team_of(await colleagues(world, FEW))
    team.own = [*team.own, *[team.own[-1]] * FEW]
    quick = world.services.settings.model_copy(
        update={"trusted_proxies": 1, "live_check_seconds": 10.0, "changes_per_minute": 1000, "changes_per_day": 1000}
    )
    async with open_world(quick, world.sandbox) as door, served(door.app) as port:
        arena = arena_at(port, team)
        for scene in SCENES:
            if scene.__name__ != "everybody":  # it wants a page of each
                await scene(arena)
    assert (arena.wrong, arena.tally.odd) == ([], [])
    assert arena.tally.attempts >= len(SCENES) * 24
    assert await broken(world.rows) == []
    assert await unkept(world.rows, arena.promised) == []
    assert arena.promised


async def test_a_promise_that_was_not_kept_is_found(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    one, other = [await visit(person, page, person.at(day, "10:00")) for day in (3, 4)]
    promised = {item.id: item.start_at for item in (one, other)}
    assert await unkept(world.rows, promised) == []
    [extra] = await unkept(world.rows, {one.id: one.start_at})
    assert extra.startswith("there, and promised to nobody")
    [moved] = await unkept(world.rows, promised | {one.id: one.start_at + timedelta(hours=1)})
    assert "promised for" in moved
    [lost] = await unkept(world.rows, promised | {encode_id("bkg", new_id()): one.start_at})
    assert lost.startswith("promised, and not there")


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ("DELETE FROM reservations", "without the time"),
        ("UPDATE reservations SET during = tstzrange(lower(during) - '1 day'::interval, lower(during))", "not cover"),
    ],
)
async def test_tables_that_lie_are_found(world: World, lie: str, told: str) -> None:
    person = await world.connected()
    await visit(person, await person.make_page(), person.at(3, "10:00"))
    assert await broken(world.rows) == []
    await world.rows(lie)
    [found] = await broken(world.rows)
    assert told in found


async def test_hosts_who_are_engaged_twice_are_found(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    for hour in ("10:00", "12:00"):
        await visit(person, page, person.at(3, hour))
    await world.rows("ALTER TABLE reservations DROP CONSTRAINT reservations_no_overlap")
    try:
        await world.rows(
            "UPDATE reservations SET during = tstzrange(lower(during), lower(during) + interval '3 hours')"
        )
        assert [what for what in await broken(world.rows) if what.startswith("hosts engaged twice")]
    finally:
        await world.rows("DELETE FROM reservations")
        await world.rows(
            "ALTER TABLE reservations ADD CONSTRAINT reservations_no_overlap"
            " EXCLUDE USING gist (account_id WITH =, host_id WITH =, during WITH &&)"
        )


async def test_a_service_that_says_yes_to_everybody_and_fails_is_found() -> None:
    """The service is made up: it gives one slot to all, and has an error for every fourth."""
    team = Team(SimpleNamespace(), "acct", [None] * 2, ["page"], [], "group", "turns", iter([datetime.now(UTC)] * 2))
    answered = 0

    async def generous(scope: Any, receive: Any, send: Any) -> None:
        nonlocal answered
        answered += 1
        made = {"id": encode_id("bkg", new_id()), "status": "confirmed", "start_at": datetime.now(UTC).isoformat()}
        content = json.dumps(made).encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 201 if answered % 4 else 500, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async with served(generous) as port:
        arena = arena_at(port, team, contenders=8)
        await one_host(arena)
        await ten_hosts(arena)
    assert [what.partition(" at ")[0] for what in arena.wrong] == ["one host", "round robin of 2"]
    assert len(arena.tally.odd) == 4
    assert len(arena.promised) == 12
