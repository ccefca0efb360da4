"""Three calls in ten go wrong, for a while, for everybody: nothing is lost, and soon after it ends nothing waits.

The one rule: people go on as if nothing were wrong; what they were told is done is held against what then stands there.

The short mode lets it last under a minute, the long mode an hour. What an hour does to the waits between tries, which
grow with every failure, is played in `faults_hour` for any mode.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from prove.checker import CHECKS, judge
from prove.faults_grid import BATTERY, own_checks
from prove.faults_people import Person, move_in
from prove.faults_street import CALLS, Street
from prove.faults_wire import Fault, Kind
from prove.lines import Line, say
from prove.proxy import Rule

SHARE: Final = 0.3
DRAINED_WITHIN: Final = 300.0
SHORT, HOUR = 30.0, 3600.0  # seconds
_HOSTS: Final = 2
"""At each provider."""
_PAUSE: Final = 2.0
"""Seconds between what one person does and does next …"""
_MOST: Final = 200
"""… and more, where that would be oftener: a calendar has only so many times."""
_PROVIDERS: Final = ("google", "office365")
ERRORS: Final = (
    Fault(Kind.RESET),
    Fault(Kind.RESET, applied=True),
    Fault(Kind.TRUNCATED),
    Fault(Kind.WRONG_TYPE),
    Fault(Kind.LATENCY, seconds=1.0),
    Fault(Kind.STATUS, status=500, applied=True),
    Fault(Kind.STATUS, status=502),
    Fault(Kind.STATUS, status=503),
    Fault(Kind.STATUS, status=503, wait=1, dated=True),
    Fault(Kind.STATUS, status=429, wait=1),
)
"""What passes by itself. A request that is applied though its answer is an error is told as applied only for writes."""


async def outage(street: Street, *, seconds: float) -> AsyncIterator[Line]:
    """Settle in, let it go wrong, heal, and see how long it takes."""
    people = await asyncio.gather(
        *(_settled(street, provider, number) for provider in _PROVIDERS for number in range(_HOSTS))
    )
    say(f"faults: {SHARE:.0%} of all calls for {seconds:.0f} s")
    rules = [Rule(ERRORS[0], call=call.name, times=None, share=SHARE, or_else=ERRORS[1:]) for call in CALLS]
    street.providers.rules = list(rules)
    ends = time.monotonic() + seconds
    pause = max(_PAUSE, seconds / _MOST)
    booked = await asyncio.gather(*(_go_on(person, ends, pause) for person in people))
    street.providers.rules = []
    healed_at = time.monotonic()
    waited = len((await street.evidence()).waiting)

    async def drained() -> bool:
        well = all(verdict.ok for verdict in judge(await street.evidence(), own_checks(CHECKS)))
        return well and not any([await person.state() for person in people])

    took = await street.stage.wait_until(drained, seconds=DRAINED_WITHIN)
    figures = {
        "errors": sum(len(rule.fired) for rule in rules),
        "share": SHARE,
        "seconds": seconds,
        "bookings": sum(booked),
        "kinds_of_work_waiting_at_the_end": waited,
        "drained_after": round(time.monotonic() - healed_at, 1),
        "within": DRAINED_WITHIN,
    }
    broken = [] if took is not None else _broken(judge(await street.evidence(), own_checks(CHECKS)), people)
    yield Line(BATTERY, "drained soon after the errors end", took is not None, figures | {"broken": broken})


def _broken(verdicts: Sequence[object], people: Sequence[Person]) -> list[str]:
    said = [f"{verdict}" for verdict in verdicts if not getattr(verdict, "ok", True)]
    return [*said, *(person.email for person in people)][:8]


async def _settled(street: Street, provider: str, number: int) -> Person:
    person = await move_in(street, provider, f"outage-{number}")
    await person.connect()
    await street.stage.page(person.host)
    await person.written(await person.book())
    return person


async def _go_on(person: Person, ends: float, pause: float) -> int:
    """Visitors book, one in two of them moves or cancels, the host makes events by hand; how many booked."""
    booked = 0
    while time.monotonic() < ends:
        booking = await person.book()
        booked += 1
        if booked % 4 == 1:
            await person.move(booking)
        elif booked % 4 == 3:
            await person.call_off(booking)
        await person.meets_by_hand()
        await asyncio.sleep(pause)
    return booked
