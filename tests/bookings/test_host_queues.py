"""Those who wait for one host's time, and those whose slot goes while they wait (R45)."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.bookings.host_queues import HostQueues, RefusedMeanwhileError, TakenMeanwhileError
from app.errors import SlotUnavailable
from app.timespan import Span
from tests.bookings.test_concurrency import race, wish
from tests.support.world import World

TEN, HALF_PAST, ELEVEN = 36_000, 37_800, 39_600


class Crowd:
    """Waits for one host; the first holds everybody up until told to go on."""

    def __init__(self) -> None:
        self.queues, self.host, self.go = HostQueues(), uuid4(), asyncio.Event()

    async def want(self, wanted: Span, *, in_vain: bool = False, by: UUID | None = None) -> str:
        try:
            async with self.queues.wait_for(self.host, wanted=wanted, by=by):
                await self.go.wait()
                if in_vain:
                    raise LookupError  # noqa: TRY301 - as a transaction fails
        except TakenMeanwhileError as gone:
            return f"gone {list(gone.taken)}"
        except LookupError:
            return "in vain"
        return "had"

    async def all(self, *wishes: asyncio.Task[str]) -> list[str]:
        await asyncio.sleep(0)
        self.go.set()
        return list(await asyncio.gather(*wishes))


async def test_r45_who_waited_while_the_slot_went_is_told_without_a_look_and_nobody_else_is() -> None:
    crowd = Crowd()
    wishes = [(TEN, HALF_PAST), (TEN + 900, HALF_PAST + 900), (HALF_PAST, ELEVEN), (TEN, HALF_PAST)]
    answers = await crowd.all(*(asyncio.create_task(crowd.want(wanted)) for wanted in wishes))
    gone = f"gone {[(TEN, HALF_PAST)]}"
    later = f"gone {[(TEN, HALF_PAST), (HALF_PAST, ELEVEN)]}"
    assert answers == ["had", gone, "had", later]


async def test_r45_who_comes_afterwards_looks_for_themselves() -> None:
    """The slot may have been given back since."""
    crowd = Crowd()
    crowd.go.set()
    waiting = asyncio.create_task(crowd.want((HALF_PAST, ELEVEN)))
    assert await crowd.want((TEN, HALF_PAST)) == "had"
    assert await crowd.want((TEN, HALF_PAST)) == "had"
    assert await waiting == "had"


async def test_r47_what_moves_is_in_nobodys_way_but_others() -> None:
    crowd = Crowd()
    one, two = uuid4(), uuid4()
    moves = [((TEN, HALF_PAST), one), ((TEN + 900, HALF_PAST + 900), one), ((TEN, HALF_PAST), two)]
    answers = await crowd.all(*(asyncio.create_task(crowd.want(wanted, by=by)) for wanted, by in moves))
    assert answers == ["had", "had", f"gone {[(TEN, HALF_PAST), (TEN + 900, HALF_PAST + 900)]}"]


async def test_r45_what_failed_has_taken_nothing() -> None:
    crowd = Crowd()
    first = asyncio.create_task(crowd.want((TEN, HALF_PAST), in_vain=True))
    await asyncio.sleep(0)
    second = asyncio.create_task(crowd.want((TEN, HALF_PAST)))
    assert await crowd.all(first, second) == ["in vain", "had"]


class Turns:
    """Wait for one round robin; who looks finds nothing once its hosts are gone."""

    def __init__(self, hosts: int) -> None:
        self.queues, self.page, self.left, self.looks, self.go = HostQueues(), uuid4(), hosts, 0, asyncio.Event()

    async def want(self, asked: str, *, refused: bool | None = None, go: asyncio.Event | None = None) -> str:
        try:
            async with self.queues.turn(self.page, asked=asked) as waited:
                self.looks += 1
                await (go or self.go).wait()
                if refused or (refused is None and self.left == 0):
                    raise SlotUnavailable  # noqa: TRY301 - as a look does
                self.left -= 1
                return "after others" if waited else "first"
        except SlotUnavailable:
            return "refused"
        except RefusedMeanwhileError:
            return "told"

    async def all(self, *wishes: asyncio.Task[str]) -> list[str]:
        self.go.set()
        return list(await asyncio.gather(*wishes))


async def test_r27_the_first_who_finds_nobody_free_has_looked_for_all_who_had_come() -> None:
    turns = Turns(hosts=2)
    wishes = [asyncio.create_task(turns.want("ten")) for _ in range(5)]
    await asyncio.sleep(0)
    assert await turns.all(*wishes) == ["first", "after others", "refused", "told", "told"]
    assert turns.looks == 3


async def test_r27_a_refusal_is_no_answer_to_who_asked_something_else_or_came_after_the_look() -> None:
    turns, looking = Turns(hosts=9), asyncio.Event()
    first = asyncio.create_task(turns.want("ten"))
    await asyncio.sleep(0)
    waiting = [
        asyncio.create_task(turns.want("ten", refused=True, go=looking)),
        asyncio.create_task(turns.want("eleven")),
    ]
    await asyncio.sleep(0)
    turns.go.set()
    assert await first == "first"
    while turns.looks < 2:  # noqa: ASYNC110 - the loop's own turns are what is waited for
        await asyncio.sleep(0)
    assert not waiting[0].done(), "it looks"
    late = asyncio.create_task(turns.want("ten"))
    await asyncio.sleep(0)
    looking.set()
    assert await asyncio.gather(*waiting, late) == ["refused", "after others", "after others"]


async def test_r27_what_was_looked_at_before_anybody_came_answers_nobody() -> None:
    turns = Turns(hosts=9)
    wishes = [asyncio.create_task(turns.want("ten", refused=True)), asyncio.create_task(turns.want("ten"))]
    await asyncio.sleep(0)
    assert await turns.all(*wishes) == ["refused", "after others"]


@pytest.mark.parametrize("kept", [False, True])
async def test_r45_what_losers_are_offered_instead_is_free(world: World, *, kept: bool) -> None:
    person = await world.connected()
    page = await person.make_page(increment_minutes=15)
    start = person.at(3, "10:00")
    if kept:
        answers = await asyncio.gather(
            *(
                world.api.post(
                    f"/v1/public/scheduling-pages/{page['id']}/holds",
                    json={"start_at": start.isoformat(), "duration_minutes": 30},
                )
                for _ in range(12)
            )
        )
    else:
        answers = await race(world, [(page["id"], wish(start))] * 24)
    assert [answer.status_code for answer in answers].count(201) == 1
    for answer in answers:
        if answer.status_code != 201:
            others = [datetime.fromisoformat(other["start_at"]) for other in answer.json()["alternatives"]]
            assert others
            assert all(abs(other - start) >= timedelta(minutes=30) for other in others), "it meets what was taken"
