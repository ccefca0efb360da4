"""Limits on the public surface: told on every answer, and kept."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import uvicorn
from starlette.requests import Request

from app.cli import SERVING
from app.ids import encode_id, new_id
from app.routers.rate_limits import client_network
from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.database import empty
from tests.support.visitors import visit
from tests.support.world import World, open_world, problem

READS = 3
DIRECT = "192.0.2.99"


def caller(*forwarded: str, proxies: int = 1, direct: str = DIRECT) -> str:
    """The network of a request that came with these `X-Forwarded-For` lines."""
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return client_network(Request({"type": "http", "headers": headers, "client": (direct, 40000)}), proxies)


def left(answer: httpx.Response) -> int:
    """How many more the answer says there are."""
    return int(answer.headers["RateLimit"].split(";r=")[1].split(";")[0])


@pytest.fixture
def strict(settings: Settings) -> Settings:
    return settings.model_copy(update={"reads_per_minute": READS, "bookings_per_minute": 2})


async def test_reads_past_the_limit_answer_429_and_every_answer_tells_what_is_left(
    strict: Settings, sandbox: Sandbox
) -> None:
    await empty(strict.database_url.get_secret_value())
    async with open_world(strict, sandbox) as world:
        person = await world.person()
        page = await person.make_page()
        answers = [await person.slot_list(page["id"], person.day(1)) for _ in range(READS + 1)]
        assert [answer.status_code for answer in answers] == [200] * READS + [429]
        assert [left(answer) for answer in answers] == [2, 1, 0, 0]
        refused = answers[-1]
        problem(refused, 429, "rate_limited")
        assert refused.headers["RateLimit-Policy"] == f'"default";q={READS};w=60'
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit"].endswith(f";t={refused.headers['Retry-After']}")


async def test_a_visitor_behind_another_address_has_a_limit_of_its_own(strict: Settings, sandbox: Sandbox) -> None:
    await empty(strict.database_url.get_secret_value())
    behind_a_proxy = strict.model_copy(update={"trusted_proxies": 1})
    async with open_world(behind_a_proxy, sandbox) as world:
        person = await world.person()
        page = await person.make_page()
        path = f"/v1/public/scheduling-pages/{page['id']}"

        async def read(forwarded: str) -> httpx.Response:
            return await world.api.get(path, headers={"X-Forwarded-For": forwarded})

        for _ in range(READS):
            assert (await read("198.51.100.1")).status_code == 200
        assert (await read("198.51.100.1")).status_code == 429
        assert (await read("203.0.113.9, 198.51.100.1")).status_code == 429, "what the caller claims does not count"
        assert (await read("198.51.100.2")).status_code == 200
        assert (await read("2001:db8::1")).status_code == 200
        for _ in range(READS - 1):
            assert (await read("2001:db8::ffff")).status_code == 200
        assert (await read("2001:db8::2")).status_code == 429, "one /64 is one visitor"


async def test_many_pages_are_no_way_around_a_limit_nor_into_the_memory(strict: Settings, sandbox: Sandbox) -> None:
    await empty(strict.database_url.get_secret_value())
    async with open_world(strict, sandbox) as world:
        for what in ("bookings", "holds"):
            ids = [encode_id("page", new_id()) for _ in range(READS - 1)] + ["x" * 60_000]
            paths = [f"/v1/public/scheduling-pages/{each}/{what}" for each in ids]
            first = [await world.api.post(path, json={}) for path in paths]
            assert {answer.status_code for answer in first} <= {404, 422}
            problem(await world.api.post(paths[0], json={}), 429, "rate_limited")
        limits = world.app.state.rate_limits
        assert max(map(len, limits._bookings._times)) < 100


@pytest.mark.parametrize(
    ("forwarded", "proxies", "network"),
    [
        (["198.51.100.1"], 1, "198.51.100.1"),
        (["203.0.113.9, 198.51.100.1"], 1, "198.51.100.1"),
        (["203.0.113.9", "198.51.100.1"], 1, "198.51.100.1"),
        (["203.0.113.9", "198.51.100.1, 10.0.0.1"], 2, "198.51.100.1"),
        (["203.0.113.9, 198.51.100.1", "10.0.0.1"], 2, "198.51.100.1"),
        (["203.0.113.9", "198.51.100.1"], 0, DIRECT),
        (["203.0.113.9"], 2, DIRECT),
        ([], 1, DIRECT),
        (["198.51.100.1:40000"], 1, "198.51.100.1"),
        (["[2001:db8::1]:40000"], 1, "2001:db8::/64"),
        (["[2001:db8::1]"], 1, "2001:db8::/64"),
        (["2001:db8:0:1:2:3:4:5"], 1, "2001:db8:0:1::/64"),
        (["::ffff:198.51.100.1"], 1, "198.51.100.1"),
        (["[::ffff:198.51.100.1]:40000"], 1, "198.51.100.1"),
        (["198.51.100.1:port"], 1, "unknown"),
        (["nobody"], 1, "unknown"),
    ],
)
def test_who_calls_is_read_that_many_hops_from_the_right(forwarded: list[str], proxies: int, network: str) -> None:
    assert caller(*forwarded, proxies=proxies) == network


def test_a_socket_for_both_families_tells_visitors_of_ipv4_apart() -> None:
    networks = {caller(proxies=0, direct=f"::ffff:198.51.100.{number}") for number in (1, 2)}
    assert networks == {"198.51.100.1", "198.51.100.2"}


async def test_the_server_leaves_the_counting_of_hops_to_us() -> None:
    """Uvicorn believes a neighbour on the loopback interface, unless told not to."""
    seen: list[str] = []

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        seen.append(client_network(Request(scope), 0))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", **SERVING))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient() as http:
        await http.get(f"http://127.0.0.1:{port}/", headers={"X-Forwarded-For": "203.0.113.9"})
    server.should_exit = True
    await serving
    assert seen == ["127.0.0.1"]


@pytest.mark.parametrize("path", ["/health/ready", "/v1/oauth/google/callback?state=x"])
async def test_whatever_asks_the_database_for_a_stranger_is_limited(
    strict: Settings, sandbox: Sandbox, path: str
) -> None:
    await empty(strict.database_url.get_secret_value())
    async with open_world(strict, sandbox) as world:
        for _ in range(READS):
            assert (await world.api.get(path)).status_code in {200, 400}
        problem(await world.api.get(path), 429, "rate_limited")
        assert (await world.api.get("/health/live")).status_code == 200


async def test_r47_changes_of_a_booking_are_limited_wherever_they_come_from(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    booking, other = [await visit(person, page, person.at(3, clock)) for clock in ("10:00", "11:00")]
    limit = world.services.settings.changes_per_minute
    mails = len(await world.rows("SELECT FROM mails"))
    for number in range(limit):
        async with world.visitor_at(f"198.51.100.{number}") as visitor:
            booking.api = visitor
            moved = await booking.reschedule(person.at(4, f"{number + 1:02}:00"))
            assert moved.status_code == 200, moved.text
            assert left(moved) == limit - number - 1
    told = len(await world.rows("SELECT FROM mails"))
    assert told > mails
    async with world.visitor_at("203.0.113.77") as visitor:
        booking.api = visitor
        for refused in (await booking.reschedule(person.at(4, "20:00")), await booking.cancel()):
            problem(refused, 429, "rate_limited")
            assert refused.headers["RateLimit-Policy"] == f'"default";q={limit};w=60'
            assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert (await booking.read())["status"] == "confirmed"
    assert len(await world.rows("SELECT FROM mails")) == told
    assert (await other.cancel()).status_code == 200
    own = await person.post(f"/v1/bookings/{booking.id}/cancel", {})
    assert own.status_code == 200, "a host is not a stranger"


async def test_r47_changes_of_a_booking_are_limited_by_the_day_too(settings: Settings, sandbox: Sandbox) -> None:
    await empty(settings.database_url.get_secret_value())
    changed = settings.model_copy(update={"changes_per_minute": 5, "changes_per_day": 2})
    async with open_world(changed, sandbox) as world:
        person = await world.connected()
        booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
        for number in range(2):
            moved = await booking.reschedule(booking.start_at + timedelta(hours=number + 1))
            assert left(moved) == 1 - number
        refused = await booking.cancel()
        problem(refused, 429, "rate_limited")
        assert refused.headers["RateLimit-Policy"] == '"default";q=2;w=86400'
        assert 86_000 < int(refused.headers["Retry-After"]) <= 86_400


async def test_r47_who_does_not_hold_the_token_uses_up_nothing(settings: Settings, sandbox: Sandbox) -> None:
    await empty(settings.database_url.get_secret_value())
    changed = settings.model_copy(update={"changes_per_minute": 1})
    async with open_world(changed, sandbox) as world:
        person = await world.connected()
        booking = await visit(person, await person.make_page(), person.at(3, "10:00"))
        for _ in range(3):
            guess = await world.api.post(f"{booking.path}/cancel", json={}, headers={"Booking-Token": "guess"})
            problem(guess, 401, "booking_token_invalid")
        assert (await booking.cancel()).status_code == 200
