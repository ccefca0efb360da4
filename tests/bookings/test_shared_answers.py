"""Who asks the same within a moment is given the same answer; nobody is given an old one."""

import asyncio

import pytest

from app.bookings import shared_answers
from app.bookings.shared_answers import SharedAnswers


class Calls:
    """Calls that end when they are told to."""

    def __init__(self) -> None:
        self.made: list[asyncio.Future[str]] = []

    async def __call__(self) -> str:
        self.made.append(asyncio.get_running_loop().create_future())
        return await self.made[-1]


async def begun(*askers: asyncio.Task[str]) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(asker.done() for asker in askers)


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> SharedAnswers[str]:
    monkeypatch.setattr(shared_answers, "_MOMENT", 3600.0)
    return SharedAnswers()


async def test_a_crowd_is_one_call_and_who_comes_after_its_end_is_another(
    answers: SharedAnswers[str], calls: Calls
) -> None:
    crowd = [asyncio.create_task(answers.ask("slot", calls)) for _ in range(200)]
    await begun(*crowd)
    calls.made[0].set_result("free")
    assert await asyncio.gather(*crowd) == ["free"] * 200
    later = asyncio.create_task(answers.ask("slot", calls))
    await begun(later)
    calls.made[1].set_result("busy")
    assert await later == "busy"


async def test_another_question_is_another_call(answers: SharedAnswers[str], calls: Calls) -> None:
    crowd = [asyncio.create_task(answers.ask(question, calls)) for question in ("slot", "next")]
    await begun(*crowd)
    for call, answer in zip(calls.made, ("free", "busy"), strict=True):
        call.set_result(answer)
    assert await asyncio.gather(*crowd) == ["free", "busy"]


async def test_nobody_is_given_the_answer_to_an_old_question(
    answers: SharedAnswers[str], calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_answers, "_MOMENT", 0.0)
    first = asyncio.create_task(answers.ask("slot", calls))
    await begun(first)
    await asyncio.sleep(0.01)
    second = asyncio.create_task(answers.ask("slot", calls))
    await begun(second)
    calls.made[0].set_result("free")
    assert await first == "free"
    await begun(second)
    calls.made[1].set_result("busy")
    assert await second == "busy"


async def test_who_goes_takes_nobody_along_and_the_last_one_takes_the_call(
    answers: SharedAnswers[str], calls: Calls
) -> None:
    one, other = (asyncio.create_task(answers.ask("slot", calls)) for _ in range(2))
    await begun(one, other)
    one.cancel()
    await asyncio.wait([one])
    await begun(other)
    other.cancel()
    newcomer = asyncio.create_task(answers.ask("slot", calls))
    await asyncio.wait([other])
    await begun(newcomer)
    assert calls.made[0].cancelled()
    calls.made[1].set_result("free")
    assert await newcomer == "free", "not cancelled along with a call that was given up"


async def test_what_the_call_raises_all_are_told(answers: SharedAnswers[str], calls: Calls) -> None:
    crowd = [asyncio.create_task(answers.ask("slot", calls)) for _ in range(3)]
    await begun(*crowd)
    calls.made[0].set_exception(ZeroDivisionError())
    assert [type(told) for told in await asyncio.gather(*crowd, return_exceptions=True)] == [ZeroDivisionError] * 3
