"""What a crowd wants at once, and who may have it.

The one rule: every scene takes slots that nobody has wanted before, and says exactly how many of its crowd must win:
one host has one meeting, and what was refused to everybody is not free.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prove.contention_crowd import Answer, Call, Crowd, Json, Tally
from prove.contention_team import Team

KNOWN: Final = frozenset({"slot_unavailable", "already_cancelled", "already_processed"})
_MOVERS: Final = 20


@dataclass(slots=True)
class Arena:
    """Where crowds meet: what they were answered, what they were promised, and what was wrong with it."""

    team: Team
    crowd: Crowd
    contenders: int
    chance: random.Random
    tally: Tally = field(default_factory=Tally)
    promised: dict[str, datetime] = field(default_factory=dict)
    """Every booking that somebody was told of, and its time."""
    scene: str = ""
    """What is played."""
    wrong: list[str] = field(default_factory=list)

    async def rush(self, calls: Sequence[Call]) -> list[Answer]:
        """All at once; the bookings among what they were told are remembered."""
        answers = await self.crowd.all_at_once(calls)
        self.tally.count(answers, self.scene, KNOWN)
        for answer in answers:
            if answer.won and str(answer.body.get("id", "")).startswith("bkg_"):
                self._remember(answer.body)
        return answers

    def _remember(self, body: Json) -> None:
        if body["status"] == "cancelled":
            self.promised.pop(body["id"], None)
        else:
            self.promised[body["id"]] = datetime.fromisoformat(body["start_at"])

    def expect(self, truth: bool, what: str) -> None:
        """Write it down when it is not so."""
        if not truth:
            self.wrong.append(what)

    def shuffled(self, calls: Sequence[Call]) -> list[Call]:
        """As many as there are contenders, from these over and over, in any order."""
        some = [calls[number % len(calls)] for number in range(self.contenders)]
        self.chance.shuffle(some)
        return some


Scene = Callable[[Arena], Awaitable[None]]


def booking(page: str, start: datetime, *, key: str | None = None, **more: object) -> Call:
    """Book the slot."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return Call("POST", f"/v1/public/scheduling-pages/{page}/bookings", _wish(start) | more, headers)


def keeping(page: str, start: datetime) -> Call:
    """Have the slot kept."""
    body = {"start_at": start.isoformat(), "duration_minutes": 30}
    return Call("POST", f"/v1/public/scheduling-pages/{page}/holds", body)


def moving(made: Json, to: datetime) -> Call:
    """Move a booking, by its visitor's link."""
    path = f"/v1/public/bookings/{made['id']}/reschedule"
    return Call("POST", path, {"start_at": to.isoformat()}, {"Booking-Token": made["booking_token"]})


def cancelling(made: Json) -> Call:
    """Cancel a booking, by its visitor's link."""
    return Call("POST", f"/v1/public/bookings/{made['id']}/cancel", {}, {"Booking-Token": made["booking_token"]})


def _wish(start: datetime) -> Json:
    return {
        "start_at": start.isoformat(),
        "duration_minutes": 30,
        "name": "Vera Visitor",
        "email": "vera@example.com",
        "time_zone": "UTC",
    }


def _won(answers: Sequence[Answer]) -> list[Json]:
    return [answer.body for answer in answers if answer.won]


async def one_host(arena: Arena) -> None:
    """Everybody wants one person's slot."""
    start = arena.team.slot()
    won = _won(await arena.rush(arena.shuffled([booking(arena.team.own[0], start)])))
    arena.expect(len(won) == 1, f"one host at {start}: {len(won)} winners")


async def two_hosts(arena: Arena) -> None:
    """Two people's slot, wanted of each alone and of both together, whoever is named first."""
    start, team = arena.team.slot(), arena.team
    pages = [*team.own[:2], *team.pairs]
    won = _won(await arena.rush(arena.shuffled([booking(page, start) for page in pages])))
    engaged = sum(2 if made["page_id"] in team.pairs else 1 for made in won)
    arena.expect(engaged == 2, f"two hosts at {start}: {engaged} engaged")


async def ten_hosts(arena: Arena) -> None:
    """A round robin's slot is won as often as there are hosts."""
    start, hosts = arena.team.slot(), len(arena.team.hosts)
    won = _won(await arena.rush(arena.shuffled([booking(arena.team.turns, start)])))
    wanted = min(hosts, arena.contenders)
    arena.expect(len(won) == wanted, f"round robin of {hosts} at {start}: {len(won)} winners, not {wanted}")


async def everybody(arena: Arena) -> None:
    """Groups, turns and personal pages of the same ten people."""
    start, team = arena.team.slot(), arena.team
    pages = [*team.own, *team.pairs, team.group, team.turns]
    won = _won(await arena.rush(arena.shuffled([booking(page, start) for page in pages])))
    sizes = {team.group: len(team.hosts), **dict.fromkeys(team.pairs, 2)}
    engaged = sum(sizes.get(made["page_id"], 1) for made in won)
    arena.expect(engaged == len(team.hosts), f"all pages at {start}: {engaged} engaged")


async def clicks(arena: Arena) -> None:
    """Who clicks twice takes one turn, and reads the same twice."""
    start, half = arena.team.slot(), arena.contenders // 2
    once = [booking(arena.team.turns, start, key=f"{start:%Y%m%d%H%M}-{number}") for number in range(half)]
    answers = await arena.rush([*once, *once])
    told = [(answer.status, answer.body.get("id")) for answer in answers]
    arena.expect(told[:half] == told[half:], f"two clicks at {start} were answered differently")
    won = {made["id"] for made in _won(answers)}
    wanted = min(len(arena.team.hosts), half)
    arena.expect(len(won) == wanted, f"two clicks at {start}: {len(won)} bookings, not {wanted}")


async def holds(arena: Arena) -> None:
    """Keeping against booking; a slot that was kept is its keeper's to book, or to let go."""
    start, page = arena.team.slot(), arena.team.own[2]
    winners = _won(await arena.rush(arena.shuffled([booking(page, start), keeping(page, start)])))
    arena.expect(len(winners) == 1, f"holds and bookings at {start}: {len(winners)} winners")
    won = winners[0] if winners else {}
    if not str(won.get("id", "")).startswith("hold_"):
        return
    own = {"hold_id": won["id"], "hold_token": won["token"]}
    if arena.chance.random() < 0.5:
        crowd = [booking(page, start, **own), *[booking(page, start) for _ in range(arena.contenders // 4)]]
        first, *others = await arena.rush(crowd)
        arena.expect(first.won and not _won(others), f"the keeper of {start} did not get it")
    else:
        release = Call("DELETE", f"/v1/public/holds/{won['id']}", None, {"Hold-Token": won["token"]})
        [released] = await arena.rush([release])
        arena.expect(released.won, f"a hold of {start} could not be let go")


async def moves(arena: Arena) -> None:
    """Many move to one free slot, and others want to book it; then everybody's plans change."""
    start, page = arena.team.slot(), arena.team.own[3]
    placed = [arena.team.slot() for _ in range(min(_MOVERS, arena.contenders))]
    made = _won(await arena.rush([booking(page, at) for at in placed]))
    arena.expect(len(made) == len(placed), f"{len(made)} of {len(placed)} free slots could be booked")
    calls = arena.shuffled([*[moving(item, start) for item in made], *[booking(page, start)] * len(made)])
    now = [item["id"] for item in _won(await arena.rush(calls))]
    arena.expect(len(set(now)) == 1, f"moving to {start}: {len(set(now))} winners")
    ended = await arena.rush([cancelling(item) for item in made])
    arena.expect(len(_won(ended)) == len(made), f"{len(made) - len(_won(ended))} bookings could not be cancelled")


async def cancels(arena: Arena) -> None:
    """One cancels, twice, while the others want the slot."""
    start, page = arena.team.slot(), arena.team.own[4]
    [first] = await arena.rush([booking(page, start)])
    arena.expect(first.won, f"the free slot {start} could not be booked")
    if not first.won:
        return
    made = first.body
    calls = arena.shuffled([booking(page, start)])[2:]
    answers = await arena.rush([*calls, cancelling(made), cancelling(made)])
    ended, again = answers[-2:]
    arena.expect(ended.won != again.won, f"the booking at {start} was not cancelled once")
    arena.expect(len(_won(answers[:-2])) <= 1, f"a slot given back at {start} was won more than once")


async def requests(arena: Arena) -> None:
    """Somebody without a calendar is asked for one time by many, connects, accepts all, and others want to book."""
    start, few = arena.team.slot(), max(2, arena.contenders // 4)
    host, page = await arena.team.newcomer()
    asks = [booking(page, start, email=f"visitor-{number}@example.com") for number in range(few)]
    asked = _won(await arena.rush(asks))
    arena.expect(len(asked) == few, f"{len(asked)} of {few} could ask for {start}")
    await arena.team.connect(host)
    accepts = [Call("POST", f"/v1/meeting-requests/{item['id']}/accept", None, host.headers) for item in asked]
    won = _won(await arena.rush(arena.shuffled([*accepts, *[booking(page, start) for _ in accepts]])))
    names = {item.get("booking_id") or item["id"] for item in won}
    arena.expect(len(names) == 1, f"accepting and booking {start}: {len(names)} winners")
    arena.promised.update(dict.fromkeys(names, start))


IN_TURN: Final = frozenset({"ten_hosts", "clicks", "everybody"})
"""Where who loses has lost to many, one after another, or waits for many."""
SCENES: Final[tuple[Scene, ...]] = (one_host, two_hosts, ten_hosts, everybody, clicks, holds, moves, cancels)
"""Those that can be played for ever; `requests` needs a newcomer each time."""
