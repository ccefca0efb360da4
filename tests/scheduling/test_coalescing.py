"""One answer for everybody who asks at the same time."""

import asyncio
from dataclasses import dataclass, field

import pytest

from app.scheduling.coalescing import Coalescer


@dataclass
class Desk:
    """Answers with how things stood when it began; each answer is made when the test says so."""

    state: int = 0
    begun: list[str] = field(default_factory=list)
    gates: list[asyncio.Event] = field(default_factory=list)

    async def make(self, key: str) -> int:
        seen, gate = self.state, asyncio.Event()
        self.begun.append(key)
        self.gates.append(gate)
        await gate.wait()
        if seen < 0:
            raise LookupError(seen)
        return seen


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def answers(desk):
    return Coalescer(desk.make)


async def asking(answers, key="page"):
    """Somebody who has asked and waits."""
    task = asyncio.create_task(answers.get(key))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_who_asks_at_once_shares_an_answer(desk, answers):
    waiting = [asyncio.create_task(answers.get("page")) for _ in range(10)]
    await asyncio.sleep(0.01)
    desk.gates[0].set()
    assert await asyncio.gather(*waiting) == [0] * 10
    assert desk.begun == ["page"]


async def test_nobody_is_told_what_was_true_before_they_asked(desk, answers):
    early = await asking(answers)
    desk.state = 1
    late = [await asking(answers) for _ in range(3)]
    assert desk.begun == ["page"], "one at a time"
    desk.gates[0].set()
    assert await early == 0
    desk.state = 2
    await asyncio.sleep(0.01)
    latest = await asking(answers)
    desk.gates[1].set()
    assert await asyncio.gather(*late) == [1, 1, 1], "begun when the first was done"
    await asyncio.sleep(0.01)
    desk.gates[2].set()
    assert await latest == 2
    assert desk.begun == ["page"] * 3


async def test_another_question_waits_for_nobody(desk, answers):
    await asking(answers, "one")
    other = await asking(answers, "two")
    desk.gates[1].set()
    assert await other == 0
    assert desk.begun == ["one", "two"]


async def test_who_goes_away_takes_nobodys_answer_along(desk, answers):
    first, second, stays = [await asking(answers) for _ in range(3)]
    first.cancel()
    second.cancel()
    await asyncio.sleep(0.01)
    desk.gates[0].set()
    await asyncio.sleep(0.01)
    desk.gates[1].set()
    assert await stays == 0
    assert (first.cancelled(), second.cancelled()) == (True, True)


async def test_a_failure_is_told_to_those_who_share_it_and_kept_for_nobody(desk, answers):
    desk.state = -1
    failing = [asyncio.create_task(answers.get("page")) for _ in range(2)]
    await asyncio.sleep(0.01)
    desk.state = 5
    after = await asking(answers)
    desk.gates[0].set()
    assert [type(error) for error in await asyncio.gather(*failing, return_exceptions=True)] == [LookupError] * 2
    await asyncio.sleep(0.01)
    desk.gates[1].set()
    assert await after == 5


async def test_nothing_is_kept_when_all_have_their_answers(desk, answers):
    first = await asking(answers)
    second = await asking(answers)
    desk.gates[0].set()
    await first
    await asyncio.sleep(0.01)
    desk.gates[1].set()
    await second
    assert (answers._last, answers._open) == ({}, {})
