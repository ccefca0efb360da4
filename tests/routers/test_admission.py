"""A process takes on so much at once and no more; the rest is told to come back, and nothing of it has happened."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from itertools import islice

import httpx
import pytest
import uvloop

from app.cli import open_doors
from app.settings import Settings
from app.telemetry.metrics import process_figures
from sandbox.client import Sandbox
from sandbox.ports import HOST
from tests.support.database import empty
from tests.support.world import World, open_world, problem
from tests.telemetry.scrape import Meter, read

AT_ONCE = 2
HELD = "/test/held"


class Gate:
    """A request at work, for as long as a test wants it to be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.opened = asyncio.Event()
        self.inside = 0
        self._changed = asyncio.Condition()
        world.app.add_api_route(HELD, self._held, methods=["GET", "POST"], include_in_schema=False)

    async def _held(self) -> None:
        await self._count(1)
        try:
            await self.opened.wait()
        finally:
            await self._count(-1)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.inside += change
            self._changed.notify_all()

    async def hold(self, count: int) -> list[asyncio.Task[httpx.Response]]:
        held = [asyncio.create_task(self.world.api.get(HELD)) for _ in range(count)]
        await self.until(count)
        return held

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.inside == count)


@pytest.fixture
async def small(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    await empty(settings.database_url.get_secret_value())
    async with open_world(settings.model_copy(update={"requests_at_once": AT_ONCE}), sandbox) as world:
        yield world


@pytest.fixture
async def gate(small: World) -> AsyncIterator[Gate]:
    gate = Gate(small)
    yield gate
    gate.opened.set()
    await gate.until(0)


def at_work() -> float:
    """How many requests the process says it is at work on."""
    return read(process_figures().decode())["http_requests_in_flight", frozenset()]


async def test_who_comes_when_all_places_are_taken_is_told_when_to_come_back(small: World, gate: Gate) -> None:
    meter = Meter()
    held = await gate.hold(AT_ONCE)
    waits = []
    for _ in range(8):
        answer = await small.api.get("/v1/me", headers={"X-Request-Id": "turned-away-1", "Accept-Language": "pl"})
        body = problem(answer, 503, "overloaded")
        assert (body["request_id"], answer.headers["Content-Language"]) == ("turned-away-1", "pl")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        waits.append(int(answer.headers["Retry-After"]))
    assert sorted(waits) == [1, 1, 2, 2, 3, 3, 4, 4], "they do not all come back in the same second"
    assert meter.counted("http_problems_total", code="overloaded") == 8
    gate.opened.set()
    assert [answer.status_code for answer in await asyncio.gather(*held)] == [200] * AT_ONCE
    problem(await small.api.get("/v1/me"), 401, "unauthenticated")


async def test_the_short_way_out_says_what_the_long_one_says(small: World, gate: Gate) -> None:
    held = await gate.hold(AT_ONCE)
    asked = {"X-Request-Id": "turned-away-2", "Accept-Language": "it", "Content-Type": "application/json"}
    without = [await small.api.get("/v1/me", headers=asked) for _ in range(4)]
    bringing = [await small.api.request("GET", "/v1/me", headers=asked, content=b"{}") for _ in range(4)]
    short, long = ({answer.headers["Retry-After"]: answer for answer in answers} for answers in (without, bringing))
    assert short.keys() == long.keys() == {"1", "2", "3", "4"}
    for wait, answer in short.items():
        assert (answer.status_code, answer.content) == (long[wait].status_code, long[wait].content)
        assert sorted(answer.headers.items()) == sorted(long[wait].headers.items())
    own = await small.api.get("/v1/me", headers={"X-Request-Id": "no!"})
    assert own.json()["request_id"] == own.headers["X-Request-Id"] != "no!"
    gate.opened.set()
    await asyncio.gather(*held)


async def test_a_browser_of_another_site_may_read_that_it_was_turned_away(small: World, gate: Gate) -> None:
    await gate.hold(AT_ONCE)
    answer = await small.api.get("/v1/public/scheduling-pages/page_x", headers={"Origin": "https://elsewhere.example"})
    problem(answer, 503, "overloaded")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


async def test_a_booking_that_was_turned_away_has_not_happened_and_can_be_sent_again(small: World, gate: Gate) -> None:
    person = await small.connected()
    page = await person.make_page()
    held = await gate.hold(AT_ONCE)
    key = {"Idempotency-Key": "sent-again-when-told"}
    problem(await person.book(page["id"], person.at(3, "10:00").isoformat(), key), 503, "overloaded")
    assert await small.rows("SELECT id FROM bookings ORDER BY id") == []
    gate.opened.set()
    await asyncio.gather(*held)
    again = await person.book(page["id"], person.at(3, "10:00").isoformat(), key)
    assert again.status_code == 201
    assert "Idempotent-Replayed" not in again.headers


async def test_whoever_runs_the_service_is_answered_by_a_full_process(small: World, gate: Gate) -> None:
    await gate.hold(AT_ONCE)
    assert (await small.api.get("/health/live")).status_code == 200
    assert (await small.api.get("/health/ready")).status_code == 200
    problem(await small.api.get("/metrics"), 404, "not_found")
    assert at_work() == AT_ONCE


async def test_who_says_that_they_will_wait_for_the_feed_passes_no_full_door(small: World, gate: Gate) -> None:
    await gate.hold(AT_ONCE)
    problem(await small.api.get("/v1/events", params={"wait_seconds": 1}), 503, "overloaded")


async def test_who_waits_for_the_feed_holds_no_place(small: World) -> None:
    person = await small.connected()
    account = person.claims["account_id"]
    crm = await small.service(account)
    await crm.refresh_token(permissions=["events:read"])
    last = (await crm.get("/v1/events", limit=1)).json()["last_sequence"]
    readers = []
    for number in range(1, AT_ONCE + 2):
        readers.append(asyncio.create_task(crm.get("/v1/events", after=last, wait_seconds=20)))
        for _ in range(1500):
            if (small.services.feed._waiting, at_work()) == (number, 0):
                break
            await asyncio.sleep(0.01)
        assert (small.services.feed._waiting, at_work()) == (number, 0)
    assert (await person.get("/v1/me")).status_code == 200
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


async def test_a_body_that_does_not_come_holds_no_place(small: World, gate: Gate) -> None:
    more = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await more.wait()
        yield b"}"

    json = {"Content-Type": "application/json"}
    slow = [asyncio.create_task(small.api.post(HELD, content=drip(), headers=json)) for _ in range(AT_ONCE + 1)]
    await asyncio.sleep(0.2)
    assert gate.inside == 0
    problem(await small.api.get("/v1/me"), 401, "unauthenticated")
    more.set()
    await gate.until(AT_ONCE)
    gate.opened.set()
    assert sorted(answer.status_code for answer in await asyncio.gather(*slow)) == [200, 200, 503]


async def test_a_body_arrives_whole(small: World) -> None:
    person = await small.connected()
    name = "x" * 40

    async def pieces() -> AsyncIterator[bytes]:
        body = b'{"type": "personal", "name": "' + name.encode() + b'", "time_zone": "Europe/Rome"'
        body += b', "durations_minutes": [30], "minimum_notice_minutes": 0}'
        left = iter(body)
        while piece := bytes(islice(left, 7)):
            yield piece

    headers = person.headers | {"Content-Type": "application/json"}
    made = await small.api.post("/v1/scheduling-pages", content=pieces(), headers=headers)
    assert (made.status_code, made.json().get("name")) == (201, name), made.text


async def test_whoever_fails_or_goes_away_gives_the_place_back(small: World, gate: Gate) -> None:
    async def fail() -> None:
        raise RuntimeError

    small.app.add_api_route("/test/broken", fail, include_in_schema=False)
    for _ in range(AT_ONCE + 1):
        problem(await small.api.get("/test/broken"), 500, "internal_error")
    held = await gate.hold(AT_ONCE)
    for task in held:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    problem(await small.api.get("/v1/me"), 401, "unauthenticated")


CROWD = 90


async def rounds_of_the_loop_until_all_are_in() -> int:
    """Of uvloop, which the service runs on; the crowd is connected before anybody is let in."""
    came: list[asyncio.BaseTransport] = []

    class Guest(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            came.append(transport)

    loop, listening = asyncio.get_running_loop(), socket.socket()
    listening.bind((HOST, 0))
    servers = [await loop.create_server(Guest, sock=each, backlog=CROWD) for each in open_doors(listening)]
    crowd = [socket.create_connection(servers[0].sockets[0].getsockname(), timeout=5) for _ in range(CROWD)]
    rounds = 0
    while len(came) < CROWD and rounds < CROWD:
        await asyncio.sleep(0)
        rounds += 1
    for end in (*crowd, *came, *servers):
        end.close()
    await asyncio.sleep(0.01)
    return rounds


async def test_a_crowd_does_not_stand_in_the_kernels_queue_while_the_process_is_busy() -> None:
    assert await asyncio.to_thread(uvloop.run, rounds_of_the_loop_until_all_are_in()) < CROWD / 3
