"""Stories: sequences of steps that Hypothesis draws, and how one is told.

The one rule: a story is a plain value. What fails is printed as one that can be told again by itself.

The normal run tells a tour through everything and a few stories, always the same. The long one tells others each
time, and when one fails it looks for a shorter one that fails as well (for five minutes at most):

    CALENDAR_CONNECT_LONG=1 pytest tests/sync/machine                                150 stories a provider
    CALENDAR_CONNECT_LONG=1 CALENDAR_CONNECT_STORIES=1000 pytest tests/sync/machine  as many as you like
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Self

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from sandbox.client import Sandbox
from tests.support.long import LONG, normally
from tests.support.people import Person
from tests.support.world import World
from tests.sync.machine import invariants, people, service
from tests.sync.machine.play import Play, playing
from tests.sync.machine.side import Answer, Level, Mishap, Refused, Rule, Side, Target
from tests.sync.machine.tour import TOUR
from tests.sync.machine.wire import possible

_STORIES = normally(3, when_long=int(os.environ.get("CALENDAR_CONNECT_STORIES", "150")))
_CHAPTERS = normally(4, when_long=8)
_LONGEST_CHAPTER = 10

told = settings(
    max_examples=_STORIES,
    derandomize=not LONG,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, *([Phase.shrink] if LONG else [])),
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

_RULES = (
    Rule(weekly=True, interval=1, count=5),
    Rule(weekly=False, interval=1, count=8),
    Rule(weekly=False, interval=3, count=None),
    Rule(weekly=True, interval=1, count=None),
    Rule(weekly=True, interval=2, count=6),
)
_pick = st.integers(0, 50)
_day = st.integers(0, 20).map(lambda number: number or 150)
"""Mostly soon; sometimes in a month where nothing else is."""
_moment = st.builds(people.Moment, day=_day, quarter=st.integers(0, 95), zone=st.integers(0, 3))
_minutes = st.sampled_from((30, 15, 60, 90, 1500))
_short = st.sampled_from((30, 15, 60, 120))
_rule = st.sampled_from(_RULES)
_level = st.sampled_from((Level.BUSY, Level.BUSY, Level.BUSY, Level.TENTATIVE, Level.FREE, Level.AWAY))
_slot = st.builds(service.Slot, day=st.integers(1, 5), half_hour=st.integers(0, 47))
_answers = st.sampled_from((1, 1, 2, 2, 3, 5))
_mishap = st.sampled_from(sorted(possible(Mishap)))
_single = st.builds(people.AddSingle, _moment, _minutes, _level)
_series = st.builds(people.AddSeries, _moment, _short, _rule, _level)
_days = st.builds(people.AddDays, st.integers(1, 18), st.integers(1, 3), _level)
_invitation = st.builds(people.Invite, _moment, _short)
_booking = st.builds(service.Book, _slot)


def _human() -> list[tuple[int, st.SearchStrategy[Any]]]:
    return [
        (4, _single),
        (2, _days),
        (3, _series),
        (3, st.builds(people.Move, _pick, _moment, _minutes)),
        (2, st.builds(people.Delete, _pick)),
        (3, st.builds(people.MoveDate, _pick, st.sampled_from((1, -2, 5, 24, 30)), _short)),
        (3, st.builds(people.DeleteDate, _pick)),
        (1, st.builds(people.BlockDate, _pick, _level)),
        (2, st.builds(people.MoveSeries, _pick, _moment, _short, _rule)),
        (1, st.builds(people.MakeSingle, _pick)),
        (2, st.builds(people.Block, _pick, _level)),
        (2, _invitation),
        (2, st.builds(people.Respond, _pick, st.sampled_from(Answer))),
        (1, st.builds(people.MoveInvitation, _pick, _moment, _short)),
        (1, st.builds(people.CallOff, _pick)),
        (1, st.builds(people.TouchOurs, _pick, st.none() | _moment)),
    ]


def _visitors() -> list[tuple[int, st.SearchStrategy[Any]]]:
    return [
        (4, _booking),
        (2, st.builds(service.Reschedule, _pick, _slot)),
        (1, st.builds(service.Cancel, _pick)),
    ]


def _workers() -> list[tuple[int, st.SearchStrategy[Any]]]:
    return [
        (5, st.just(service.Sync())),
        (5, st.just(service.Work())),
        (2, st.builds(service.AllAtOnce, st.integers(1, 3))),
        (2, st.builds(service.SyncDies, _answers)),
        (1, st.builds(service.WriterDies, _answers)),
        (2, st.builds(service.Overtaken, _answers, _weighted(_human()))),
    ]


def _machine() -> list[tuple[int, st.SearchStrategy[Any]]]:
    struck = _weighted([*_visitors(), *_workers()])
    often = {"nth": st.sampled_from((1, 1, 2, 3)), "times": st.sampled_from((1, 1, 2))}
    return [
        (
            10,
            _mishap.flatmap(
                lambda what: st.builds(service.Struck, st.just(what[0]), st.just(what[1]), struck, **often)
            ),
        ),
        (2, st.just(service.ForgetCursors())),
        (1, st.just(service.ExpireAccess())),
        (2, st.builds(service.PageSize, st.sampled_from((2, 5, None)))),
        (1, st.builds(service.TimePasses, st.sampled_from((1, 9, 40)))),
        (2, st.just(service.Reckon())),
    ]


def _struck(what: tuple[Mishap, Target], step: service.Step, nth: int, times: int) -> service.Struck:
    return service.Struck(*what, step, nth, times)


def _weighted(choices: Sequence[tuple[int, st.SearchStrategy[Any]]]) -> st.SearchStrategy[Any]:
    """One of them, each so often in all."""
    numbers = [number for number, (weight, _) in enumerate(choices) for _ in range(weight)]
    return st.sampled_from(numbers).flatmap(lambda number: choices[number][1])


@st.composite
def stories(draw: st.DrawFn) -> list[service.Step]:
    """A calendar with something of each kind in it, and then steps in any order.

    They are drawn by chapters: one can be left out whole when a shorter story is looked for.
    """
    opening = draw(st.tuples(_single, _series, _series, _days, _invitation, _booking, st.just(service.Work())))
    steps = _weighted([*_human(), *_visitors(), *_workers(), *_machine()])
    chapters = [draw(st.lists(steps, max_size=_LONGEST_CHAPTER)) for _ in range(_CHAPTERS)]
    return [*opening, *(step for chapter in chapters for step in chapter)]


class Theatre:
    """Where stories are told, and what was done in all of them."""

    def __init__(self, world: World, side_of: Callable[[Sandbox, Person], Side]) -> None:
        self._world = world
        self._side_of = side_of
        self.did: Counter[str] = Counter()

    def __repr__(self) -> str:
        return "a theatre"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """At the end everything has happened that can happen there, else the stories have become dull."""
        if kind is None and self.did:
            missing = {step.__name__ for step in EVERY_STEP} | {"booked", "sync died", "sync overtaken"}
            assert self.did.keys() >= missing, missing - self.did.keys()

    async def tell(self, story: Sequence[service.Step]) -> None:
        """Play every step, look after each that has the service do something, and reckon at the end."""
        async with playing(self._world, self._side_of) as play:
            for step in [*story, service.Reckon()]:
                await _tell(play, step)
            self.did += play.did


EVERY_STEP = {type(step) for step in TOUR}
"""The tour is meant to leave none out."""


async def _tell(play: Play, step: service.Step) -> None:
    name = type(step).__name__
    play.struck, play.placed = isinstance(step, service.Struck), []
    try:
        await step.play(play)
    except (Refused, people.NothingThere) as idle:
        play.did[f"{name}: {type(idle).__name__}"] += 1
        return
    play.did[name] += 1
    for booking in play.placed:
        await invariants.free_when_placed(play, booking)
    if isinstance(step, service.WORKERS | service.Struck):
        await invariants.look(play)
