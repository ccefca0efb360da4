"""Each kind of fault at each kind of call, once: afterwards everything is as if nothing had been.

The one rule: a fault that was armed and never met its call has shown nothing, and is told as a failure of ours.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg

from prove.checker import CHECKS, Check, judge
from prove.evidence import Row
from prove.faults_people import Person, move_in
from prove.faults_street import CALLS, Street
from prove.faults_wire import Fault, Kind, every_fault
from prove.lines import Line, say
from prove.proxy import ByteDoor, Rule

BATTERY: Final = "faults"
MOST_MEMORY: Final = 400
"""Mebibytes that a process may ever hold; a bomb of one gibibyte would be more."""
HEALED_WITHIN: Final = 120.0
_AT_ONCE: Final = 14
_LONG_PATIENCE: Final = 1200.0
"""Seconds: twice what a refused write waits for."""
_BEFORE: Final = ("token", "identify", "list", "sync", "watch", "free_busy", "create")
_AFTERWARDS: Final = ("token", "list", "update", "cancel")
_PROVIDERS: Final = ("google", "office365")
_BYTES: Final = (
    Fault(Kind.LATENCY, seconds=1.5),
    Fault(Kind.RESET),
    Fault(Kind.HALF_OPEN),
    Fault(Kind.TRUNCATED, cut=1),
    Fault(Kind.TRUNCATED, cut=100),
    Fault(Kind.TRUNCATED, cut=1500),
)
_GONE: Final = 410
_END_OF_MAIL: Final = b"\r\n.\r\n"
_MAILS: Final = (
    *((Fault(kind, seconds=1.5), b"") for kind in (Kind.LATENCY, Kind.RESET, Kind.HALF_OPEN)),
    (Fault(Kind.TRUNCATED, cut=5), b""),
    (Fault(Kind.TRUNCATED), _END_OF_MAIL),
    (Fault(Kind.RESET), _END_OF_MAIL),
)
"""What goes wrong on the way to the mail server, and where these bytes go by. The last is no copy: the mail is lost."""


@dataclass(frozen=True, slots=True)
class Track:
    """What one person meets."""

    provider: str
    fault: Fault
    calls: frozenset[str]
    name: str


def tracks(chance: random.Random, *, long: bool) -> Iterator[Track]:
    """A person for each kind: at each provider in the long mode, at one of them by chance in the short.

    Silence costs twenty seconds each time; in the short mode three people share it.
    """
    every = sorted(call.name for call in CALLS)
    for number, fault in enumerate(sorted(every_fault(), key=lambda fault: fault.kind is not Kind.HALF_OPEN)):
        parts = 3 if fault.kind is Kind.HALF_OPEN and not long else 1
        for provider in _PROVIDERS if long else [chance.choice(_PROVIDERS)]:
            for part in range(parts):
                name = f"{fault.name.replace('_', '-')}-{number}-{part}"
                yield Track(provider, fault, frozenset(every[part::parts]), name)


async def grid(street: Street, *, long: bool, only: Sequence[Track] | None = None) -> AsyncIterator[Line]:
    """Play all tracks, wait until everything has healed, and judge."""
    began, turns = time.monotonic(), asyncio.Semaphore(_AT_ONCE)
    street.patience = _LONG_PATIENCE if long else street.patience
    quick = [mail for mail in _MAILS if mail[0].kind is not Kind.HALF_OPEN]
    street.smtp.rules += [Rule(fault, seeing=seeing) for fault, seeing in (_MAILS if only is None else quick)]
    async with AsyncExitStack() as doors:
        await doors.enter_async_context(_pulling(street, writes=not long))
        ways: list[tuple[str, Callable[[], Awaitable[Person]]]] = []
        ways += [(track.name, _bound(_json_way, street, track)) for track in _chosen(street, long, only)]
        for number, fault in enumerate(_BYTES if only is None else ()):
            door = ByteDoor(street.plan.chance(f"exchange {number}"), to=street.stage.stack.ports.exchange)
            await doors.enter_async_context(door)
            ways.append((f"exchange {number}", _bound(_byte_way, street, fault, door, number)))
        ended = await asyncio.gather(*(_in_turn(turns, *way) for way in ways), return_exceptions=True)
        people = [one for one in ended if isinstance(one, Person)]
        failures = [f"{type(one).__name__}: {one}" for one in ended if isinstance(one, BaseException)]
        played = round(time.monotonic() - began, 1)
        yield Line(
            BATTERY,
            "everybody got to the end",
            not failures,
            {"people": len(ways), "seconds": played, "failures": failures[:5]},
        )
        for line in reached(street, people):
            yield line
        street.pushes.share = 0.0
        await asyncio.gather(*(person.meets_by_hand() for person in people))
        async for line in healed(street, people, seconds=900 if long else HEALED_WITHIN):
            yield line
    yield kept_small(street.most_memory())


def _chosen(street: Street, long: bool, only: Sequence[Track] | None) -> Sequence[Track]:
    return list(tracks(street.plan.chance("tracks"), long=long)) if only is None else only


def own_checks(checks: Mapping[str, Check]) -> dict[str, Check]:
    """The checks, but that of attempts at a closed page nothing is expected: they are no bookings."""

    def without_attempts(check: Check) -> Check:
        return lambda evidence: check(replace(evidence, tables=_without(evidence.tables, "booking.attempt_blocked")))

    return {name: without_attempts(check) if "audit" in name else check for name, check in checks.items()}


def _without(tables: Mapping[str, Sequence[Row]], kind: str) -> dict[str, list[Row]]:
    return {name: [row for row in rows if row.get("type") != kind] for name, rows in tables.items()}


def _bound(way: Callable[..., Awaitable[Person]], *arguments: Any) -> Callable[[], Awaitable[Person]]:
    return lambda: way(*arguments)


async def _in_turn(turns: asyncio.Semaphore, name: str, way: Callable[[], Awaitable[Person]]) -> Person:
    async with turns:
        person = await way()
        say(f"faults: {name} is through")
        return person


def _can_be_told(fault: Fault, call: str) -> bool:
    """Whether anybody could know that it is a lie: of a removal, "gone" is a good answer."""
    return (call, fault.status) != ("cancel", _GONE)


async def _json_way(street: Street, track: Track) -> Person:
    """Everything a person does with a calendar, and every call of it goes wrong once."""
    person = await move_in(street, track.provider, track.name)
    person.arm(track.fault, *(call for call in _BEFORE if call in track.calls))
    await person.connect()
    await street.stage.page(person.host)
    kept, ended = await person.book(), await person.book()
    await person.written(kept, ended)
    person.arm(track.fault, *(call for call in _AFTERWARDS if call in track.calls and _can_be_told(track.fault, call)))
    await person.token_ends()
    await person.lists_anew()
    await person.meets_by_hand()
    await person.move(kept)
    await person.call_off(ended)
    await person.written(kept, ended)
    await person.meets_all()
    return person


async def _byte_way(street: Street, fault: Fault, door: ByteDoor, number: int) -> Person:
    """The same behind TLS, where nobody can tell one call from another; Exchange's bookings are not changed (R24)."""
    person = await move_in(street, "exchange", f"bytes-{number}", door)
    person.arm_bytes(fault, "connect")
    await person.connect()
    person.arm_bytes(fault, "sync")
    await street.stage.page(person.host)
    await person.meets_by_hand()
    first = await person.book()
    await person.written(first)
    person.arm_bytes(fault, "book")
    await person.written(await person.book())
    person.arm_bytes(fault, "list")
    await person.lists_anew()
    await person.meets_all()
    return person


@asynccontextmanager
async def _pulling(street: Street, *, writes: bool) -> AsyncIterator[None]:
    """Once a second; see `Street.pull_forward`."""

    async def pull() -> None:
        while True:
            await asyncio.sleep(1)
            with suppress(asyncpg.PostgresError):  # the service was at the same rows: in a second, then
                await street.pull_forward(writes=writes)

    task = asyncio.create_task(pull())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def reached(street: Street, people: Sequence[Person]) -> Iterator[Line]:
    """Which faults happened, and what must not have come of them."""
    missed = [f"{person.email}: {name}" for person in people for name, rule in person.rules.items() if not rule.fired]
    met = sum(len(rule.fired) for person in people for rule in person.rules.values())
    yield Line(BATTERY, "every fault met its call", not missed, {"faults": met, "missed": missed[:10]})
    mails = {
        f"{rule.fault.name}{' behind the mail' * bool(rule.seeing)}": len(rule.fired) for rule in street.smtp.rules
    }
    yield Line(BATTERY, "every fault met a mail", all(mails.values()), mails)
    twisted = {twist.value: times for twist, times in street.pushes.twisted.items()}
    yield Line(BATTERY, "a forged push is answered as a real one", street.pushes.told_apart == 0, twisted)
    yield Line(BATTERY, "no redirect is followed", street.trap.visits == 0, {"visits": street.trap.visits})


async def healed(
    street: Street, people: Sequence[Person], *, seconds: float, checks: dict[str, Check] | None = None
) -> AsyncIterator[Line]:
    """Wait until nothing speaks against any promise; then say each of them, or what still does."""
    wanted = own_checks(CHECKS if checks is None else checks)

    async def all_well() -> bool:
        for person in people:
            if not await person.watched():
                await person.meets_by_hand()  # a watch whose push was lost is trusted again when another comes
        return all(verdict.ok for verdict in judge(await street.evidence(), wanted)) and not await _unwell(people)

    took = await street.stage.wait_until(all_well, seconds=seconds)
    say(f"healed after {took} s")
    for verdict in judge(await street.evidence(), wanted):
        yield Line(BATTERY, verdict.check, verdict.ok, verdict.figures)
    said = await _unwell(people)
    yield Line(BATTERY, "connections say what is so: all is well", not said, {"people": len(people), "said": said[:5]})
    figures = {"seconds": took, "within": seconds, "pulled_forward": dict(street.pulled)}
    yield Line(BATTERY, "healed by itself", took is not None, figures)


async def _unwell(people: Sequence[Person]) -> list[str]:
    """By their own connections: what is said of each, and whether each is told of changes again."""
    said = [said for person in people for said in await person.state()]
    return said + [f"{person.email}: is told of nothing" for person in people if not await person.watched()]


def kept_small(memory: Mapping[str, int]) -> Line:
    """The most mebibytes each process ever held."""
    return Line(
        BATTERY, "bombs do not go off", max(memory.values()) <= MOST_MEMORY, {"mebibytes": memory, "most": MOST_MEMORY}
    )
