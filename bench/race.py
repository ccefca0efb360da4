"""Races: so many visitors want the same slot at the same moment.

The one rule: the worst race is the figure. One winner in most races is not one winner.

All have their connection before the first asks. Google answers at once, so that nothing keeps them apart. The floor is
the same race for one bare guarded insert. Deadlocks are PostgreSQL's own count, taken when every server has ended.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from bench.booking import EVENTS, wishes_of
from bench.endpoint import percentile
from bench.hosts import ENDLESS
from bench.load import Load, each_once, post
from bench.measure import Figure, Goal, alternate
from bench.scale import Scale
from bench.stage import ALONE, FLOOR, Stage

_INSERT = "one guarded INSERT"
_WON, _LOST = 201, 409


async def figures(stage: Stage, scale: Scale) -> AsyncIterator[Figure]:
    """All figures of this bench. It ends the stage's servers."""
    hosts = await stage.hosts.make([(ENDLESS, EVENTS)])
    await stage.settle()
    await stage.unbook()
    wishes = iter(await wishes_of(stage, hosts))
    inserts = (post(f"/hosts/0/times/{number}") for number in range(10**9))
    for racers in scale.racers:
        samples = {
            "booking": _race(stage, ALONE, wishes, racers),
            _INSERT: _race(stage, FLOOR, inserts, racers),
        }
        rounds = await alternate(samples, scale.races)
        for figure in _judged(rounds["booking"], rounds[_INSERT], racers):
            yield figure
    yield Figure("race.deadlocks", "deadlocks", [await stage.deadlocks()], goal=Goal("==", 0))


def _race(stage: Stage, server: str, prizes: Iterator[str], racers: int) -> Callable[[], Awaitable[Load]]:
    async def sample() -> Load:
        return await stage.load.run(each_once(stage.ports[server], [next(prizes)] * racers))

    return sample


def _judged(races: Sequence[Load], floors: Sequence[Load], racers: int) -> Iterator[Figure]:
    winners = [race.statuses.get(_WON, 0) for race in races]
    furthest = max(winners, key=lambda won: abs(won - 1))
    answers: Counter[int] = sum((Counter(race.statuses) for race in races), Counter())
    errors = sum(count for status, count in answers.items() if status not in {_WON, _LOST})
    reasons = {"first": next(race.refusal for race in races if race.statuses.keys() - {_WON, _LOST})} if errors else {}
    details: dict[str, object] = {
        "races": len(races),
        "statuses": {str(status): count for status, count in sorted(answers.items())},
        "p50_ms": percentile(races, 50),
        "p99_ms": percentile(races, 99),
    }
    yield Figure(f"race.{racers}.winners", "winners", [furthest], goal=Goal("==", 1), details=details)
    yield Figure(f"race.{racers}.errors", "answers but 201, 409", [errors], goal=Goal("==", 0), details=reasons)
    slow, floor = ([load.percentile(99) for load in loads] for loads in (races, floors))
    yield Figure(f"race.{racers}.p99", "ms", slow, floor, f"{_INSERT}, p99")
