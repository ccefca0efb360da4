"""The fault proxy itself: what it does to a request is what the rule says, and nothing without one."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial

import httpx
import pytest

from app.http import Answer, AnswerTooLarge, HttpClient, Interrupted
from prove import faults_wire as wire
from prove.faults_pushes import PushDoor, Twist
from prove.faults_wire import Fault, Kind, cut_at, every_fault, fits, instead_of
from prove.proxy import Asked, ByteDoor, Call, Door, HttpDoor, Rule, Trap, _read_request

CHANCE = partial(random.Random, 7)
CALLS = [Call("write", "POST", "/things$", write=True), Call("read", "GET", "/things$")]
SOON = 10  # seconds


class Server(Door):
    """The other side: it keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(CHANCE())
        self.asked: list[Asked] = []
        self._more = asyncio.Condition()

    async def was_asked(self, times: int) -> None:
        async with asyncio.timeout(SOON), self._more:
            await self._more.wait_for(lambda: len(self.asked) >= times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked, _ = await _read_request(reader, b"")
        if asked is not None:
            async with self._more:
                self.asked.append(asked)
                self._more.notify_all()
            writer.write(self.answer(asked).to_bytes())
            await writer.drain()

    def answer(self, asked: Asked) -> wire.Answer:
        if asked.target == "/token":
            return wire.Answer(200, [], json.dumps({"access_token": "access", "refresh_token": "refresh"}).encode())
        return wire.Answer(200, [(b"content-type", b"text/plain")], b"all is well " * 2000)


@dataclass
class Scene:
    server: Server
    door: HttpDoor
    trap: Trap
    http: HttpClient

    async def send(self, method: str = "GET", path: str = "/things", **fields: object) -> Answer:
        return await self.http.send(method, f"{self.door.url}{path}", **fields)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    chance = CHANCE()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server())
        trap = await stack.enter_async_context(Trap(chance))
        door = await stack.enter_async_context(HttpDoor(chance, CALLS, trap=trap.url, to=server.port))
        http = await stack.enter_async_context(HttpClient(timeout_seconds=3))
        yield Scene(server, door, trap, http)


async def test_without_a_rule_everything_arrives(scene: Scene) -> None:
    for _ in range(3):
        answer = await scene.send("POST", content=b"x" * 100_000)
        assert (answer.status, answer.content) == (200, b"all is well " * 2000)
    assert [asked.body for asked in scene.server.asked] == [b"x" * 100_000] * 3


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (Fault(Kind.RESET), 0),
        (Fault(Kind.RESET, applied=True), 1),
        (Fault(Kind.HALF_OPEN), 0),
        (Fault(Kind.TRUNCATED, cut=1), 1),
        (Fault(Kind.TRUNCATED, cut=2000), 1),
        (Fault(Kind.TRUNCATED), 1),
    ],
)
async def test_an_answer_that_does_not_come(scene: Scene, fault: Fault, asked: int) -> None:
    scene.door.rules = [Rule(fault)]
    with pytest.raises(Interrupted):
        await scene.send(timeout_seconds=1)
    assert len(scene.server.asked) == asked
    assert (await scene.send()).status == 200, "once, and never again"


async def test_a_bomb_is_refused(scene: Scene) -> None:
    scene.door.rules = [Rule(Fault(Kind.BOMB))]
    with pytest.raises(AnswerTooLarge):
        await scene.send()
    assert len(wire.bomb()) < 2 << 20


@pytest.mark.parametrize("garbage", range(len(wire.GARBAGE)))
async def test_answers_of_the_wire(scene: Scene, garbage: int) -> None:
    scene.door.rules = [Rule(Fault(Kind.GARBAGE, applied=True, garbage=garbage)), Rule(Fault(Kind.WRONG_TYPE))]
    assert (await scene.send()).content == wire.GARBAGE[garbage]
    assert len(scene.server.asked) == 1
    assert (await scene.send()).headers["content-type"].startswith("text/html")
    assert len(scene.server.asked) == 1


async def test_a_redirect_leads_to_the_trap(scene: Scene) -> None:
    scene.door.rules = [Rule(Fault(Kind.REDIRECT), times=2)]
    assert (await scene.send()).status == 307
    assert scene.trap.visits == 0
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as follows:
        with pytest.raises(httpx.TransportError):
            await follows.get(f"{scene.door.url}/things")
    assert scene.trap.visits == 1, "the trap sees who follows"


async def test_both_forms_of_retry_after(scene: Scene) -> None:
    scene.door.rules = [Rule(Fault(Kind.STATUS, status=429, wait=2, dated=dated)) for dated in (False, True)]
    assert (await scene.send()).headers["retry-after"] == "2"
    assert (await scene.send()).headers["retry-after"].endswith("GMT")


async def test_rules_know_calls_people_and_shares(scene: Scene) -> None:
    teapot = Fault(Kind.STATUS, status=500)
    scene.door.rules = [Rule(teapot, call="write", who="ada", times=None)]
    scene.door.names.learn("a code", "ada")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await scene.send("POST", "/token", headers=form, content=b"code=a+code")).status == 200
    access, other = {"Authorization": "Bearer access"}, {"Authorization": "Bearer other"}
    assert (await scene.send("POST", headers=access)).status == 500
    assert (await scene.send("POST", headers=other)).status == 200
    assert (await scene.send("GET", headers=access)).status == 200
    assert scene.door.seen["write", "ada"] == 1
    scene.door.rules = [Rule(teapot, times=None, share=0.3)]
    answers = [(await scene.send()).status for _ in range(200)]
    assert 35 <= answers.count(500) <= 90


async def test_bytes_are_cut_where_nothing_is_understood(scene: Scene) -> None:
    async with ByteDoor(CHANCE(), to=scene.server.port) as door:
        url = f"http://127.0.0.1:{door.port}/things"
        assert (await scene.http.send("GET", url)).status == 200
        for fault in (Fault(Kind.RESET), Fault(Kind.TRUNCATED, cut=100), Fault(Kind.HALF_OPEN)):
            door.rules = [Rule(fault, seeing=b"GET")]
            with pytest.raises(Interrupted):
                await scene.http.send("GET", url, timeout_seconds=1)
        assert (await scene.http.send("GET", url)).status == 200


@pytest.mark.parametrize(("twist", "arrive"), [*((twist, 1) for twist in Twist if twist is not Twist.LOST)])
async def test_a_push_on_its_way(scene: Scene, twist: Twist, arrive: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PushDoor, "_draw", lambda _: twist)
    async with PushDoor(CHANCE(), share=1.0, to=scene.server.port) as door:
        headers = {"X-Goog-Channel-Token": "right"}
        answer = await scene.http.send("POST", f"{door.url}/hook", headers=headers, content=b"")
        assert answer.status in {200, 202}
        wanted = arrive + (twist in {Twist.DUPLICATED, Twist.FORGED})
        await scene.server.was_asked(wanted)
        tokens = [asked.header(b"x-goog-channel-token") for asked in scene.server.asked]
        assert tokens == ([b"forged", b"right"] if twist is Twist.FORGED else [b"right"] * wanted)
        assert door.told_apart == 0


async def test_a_forged_push_that_is_answered_otherwise_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PushDoor, "_draw", lambda _: Twist.FORGED)
    monkeypatch.setattr(
        scene.server, "answer", lambda asked: wire.Answer(200, [], asked.header(b"x-goog-channel-token"))
    )
    async with PushDoor(CHANCE(), share=1.0, to=scene.server.port) as door:
        await scene.http.send("POST", f"{door.url}/hook", headers={"X-Goog-Channel-Token": "right"}, content=b"")
        assert door.told_apart == 1


def test_what_a_fault_may_claim() -> None:
    names = [fault.name for fault in every_fault()]
    assert len(set(names)) == len(names)
    refused = Fault(Kind.STATUS, status=409, applied=True)
    assert not fits(refused, write=True).applied, "what was refused was not done"
    assert fits(replace(refused, status=503), write=True).applied
    assert not fits(Fault(Kind.RESET, applied=True), write=False).applied
    assert len(cut_at(Fault(Kind.TRUNCATED), b"answer", 0.99)) < len(b"answer")
    with pytest.raises(ValueError, match="half_open"):
        instead_of(Fault(Kind.HALF_OPEN), trap="")
