"""The soak battery, in parts: a real flood before a real door; and each of its checks finds a lie."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.cli import SERVING
from app.routers.admission import Admission, Door
from bench.load import get
from prove.lines import Line
from prove.soak_ground import APIS, Doors, Heard
from prove.soak_load import Flooded
from prove.soak_overload import Overload, as_before, overload
from prove.soak_restart import Stopped, lines
from prove.soak_vitals import BOUNDS, LEAST_READINGS, MEMORY, TASKS, flat, rise
from prove.soak_webhooks import Subscriber
from sandbox.ports import HOST, free_port

AT_ONCE = 40
WORK_SECONDS = 0.02
SECONDS = 60


def broken(said: Sequence[Line]) -> list[str]:
    return [line.check for line in said if not line.ok]


def a_server(*, with_a_door: bool) -> FastAPI:
    """Two hands, each with so much to do for an answer: a hundred answers a second, however many ask."""
    app, hands = FastAPI(openapi_url=None), asyncio.Semaphore(2)
    app.state.problem_base = "http://127.0.0.1/problems"

    @app.get("/work")
    async def work() -> None:
        async with hands:
            await asyncio.sleep(WORK_SECONDS)

    if with_a_door:
        app.add_middleware(Admission, door=Door(at_once=AT_ONCE))
    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, lifespan="off", **SERVING))
    task = asyncio.create_task(server._serve())  # `serve` takes the signals of this process
    while not server.started:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await task


async def test_a_door_keeps_a_flooded_server_at_work() -> None:
    async with serving(a_server(with_a_door=True)) as port:
        seen = await overload(port, [get("/work")], ramp_seconds=0.5, flood_seconds=2)
    assert seen.flood.turned_away > 0
    assert seen.flood.statuses.keys() == {200, 503}
    assert "who is turned away is told when to come back" not in broken(list(seen.lines()))
    # how long it took is for the battery to judge: here a test may share its core with anybody


async def test_a_server_without_a_door_is_found_out() -> None:
    async with serving(a_server(with_a_door=False)) as port:
        seen = await overload(port, [get("/work")], ramp_seconds=0.5, flood_seconds=2)
    assert "a flood is answered or turned away, not dropped" in broken(list(seen.lines()))
    assert seen.flood.turned_away == 0


def flooded(**changes: Any) -> Flooded:
    good = {"seconds": 10.0, "sent": 5000, "unsent": 0, "statuses": {200: 1000, 503: 4000}}
    return Flooded(**(good | {"answered_ms": [400.0] * 1000, "without_retry_after": 0} | changes))


CALM = flooded(sent=100, statuses={200: 100}, answered_ms=[20.0] * 100)
GOOD = Overload(100.0, 8, CALM, flooded(), CALM, 1.5)
LIES = [
    ({"flood": flooded(statuses={200: 5000})}, "a flood is answered or turned away, not dropped"),
    ({"flood": flooded(statuses={200: 1000, 503: 3999, 0: 1})}, "a flood is answered or turned away, not dropped"),
    ({"flood": flooded(statuses={200: 1000, 503: 3999, 500: 1})}, "a flood is answered or turned away, not dropped"),
    ({"flood": flooded(sent=3000)}, "a flood is answered or turned away, not dropped"),
    ({"flood": flooded(without_retry_after=1)}, "who is turned away is told when to come back"),
    ({"flood": flooded(answered_ms=[400.0] * 600)}, "a flooded process goes on working"),
    ({"flood": flooded(answered_ms=[400.0] * 900 + [20_000.0] * 100)}, "who is let in is answered in time"),
    ({"back": None}, "after the flood all is as before"),
]


@pytest.mark.parametrize(("lie", "check"), LIES)
def test_what_a_flood_must_not_do_is_seen(lie: dict[str, Any], check: str) -> None:
    assert broken(list(GOOD.lines())) == []
    assert broken(list(replace(GOOD, **lie).lines())) == [check]


def test_slow_answers_or_refusals_after_a_flood_are_not_as_before() -> None:
    slow = flooded(statuses={200: 100}, answered_ms=[20.0] * 90 + [400.0] * 10)
    assert as_before(CALM, CALM, 0.0)
    assert not as_before(CALM, slow, 1.0)
    assert as_before(CALM, slow, 4.0), "a busy machine is no strict judge"
    assert not as_before(CALM, flooded(statuses={200: 99, 503: 1}, answered_ms=[20.0] * 99), 4.0)


def readings(grows: float, *, count: int = SECONDS) -> list[tuple[float, float]]:
    """Noise, one bad moment, and below it what grows by so much in all."""
    noisy = [(float(at), 200 + 5 * math.sin(7 * at) + grows * at / count) for at in range(count)]
    noisy[count // 2] = (noisy[count // 2][0], 900.0)
    return noisy


def test_what_piles_up_is_seen_and_noise_is_not() -> None:
    bound = {MEMORY: BOUNDS[MEMORY]}
    calm, leak = readings(0), readings(3 * BOUNDS[MEMORY])
    assert rise(leak) == pytest.approx(3 * BOUNDS[MEMORY], rel=0.2)
    assert broken(flat({("api", MEMORY): calm}, bound)) == []
    assert broken(flat({("api", MEMORY): calm, ("worker", MEMORY): leak}, bound)) == ["memory_mib stay flat"]
    few = {("api", MEMORY): calm[: LEAST_READINGS - 1]}
    assert broken(flat(few, bound)) == ["memory_mib stay flat"], "a few readings show nothing"
    assert broken(flat({("api", MEMORY): calm}, {TASKS: 1.0})) == ["tasks stay flat"], "nor does none"


def test_a_process_that_had_to_be_killed_and_an_answer_that_was_lost_are_seen() -> None:
    good = [Stopped("api", -15, 0.4), Stopped("worker", 0, 3.0)]
    fine: dict[str, Any] = {"cut": ["soak-2"], "finished": {"soak-1"}, "refused": 3}
    assert broken(list(lines(good, **fine))) == []
    ends, taken = "a process that is told to stop ends by itself", "what a process has taken is answered"
    assert broken(list(lines([*good, Stopped("worker", -9, 25.1)], **fine))) == [ends]
    assert broken(list(lines([Stopped("api", 1, 0.1)], **fine))) == [ends]
    assert broken(list(lines(good, **fine | {"cut": ["soak-1"]}))) == [taken]
    assert broken(list(lines(good, **fine | {"finished": set()}))) == [taken], "a log that nobody has read"


async def test_a_shut_door_leads_to_the_other_and_a_cut_is_remembered() -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        return "here"

    shut = free_port()
    async with serving(app) as port, await asyncio.start_server(cut, HOST, 0) as cutter:
        doors = Doors([shut, port])
        async with httpx.AsyncClient(transport=doors, base_url=f"http://{HOST}:{shut}") as client:
            assert [(await client.get("/")).json() for _ in range(4)] == ["here"] * 4
        assert (doors.refused, doors.cut) == (2, [])
        doors = Doors([cutter.sockets[0].getsockname()[1]])
        async with httpx.AsyncClient(transport=doors, base_url=f"http://{HOST}") as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/")
        assert doors.cut == ["soak-00000001"], "sent once, and by nobody else again"


def test_of_the_log_only_our_own_requests_are_heard() -> None:
    heard = Heard()
    heard(APIS[0], '{"method":"GET","event":"request","request_id":"soak-00000007","level":"info"}')
    heard(APIS[1], '{"method":"GET","event":"request","request_id":"0190aa","level":"info"}')
    heard(APIS[1], '{"event":"job.failed","request_id":"soak-00000008"}')
    assert heard.finished == {"soak-00000007"}


def test_a_number_that_a_webhook_left_out_is_seen() -> None:
    def told(*numbers: int, refused: int = 0) -> list[str]:
        taken = [SimpleNamespace(event={"sequence": number}) for number in numbers]
        receiver: Any = SimpleNamespace(taken=taken, refused=["?"] * refused)
        return list(Subscriber("acct", receiver).wrong())

    assert told(3, 4, 5) == []
    assert len(told(3, 5)) == len(told(4, 3)) == len(told(3, refused=1)) == 1
