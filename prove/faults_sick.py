"""One account whose every call is slow or fails, beside others: does it slow them?

The one rule: both are measured in turns on the same machine, and what the sick one does is the same in every round;
only whether its calls are answered well differs.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

import httpx

from prove.faults_grid import BATTERY
from prove.faults_people import Person, move_in
from prove.faults_street import Street
from prove.faults_wire import Fault, Kind
from prove.lines import Line, say
from prove.proxy import Rule
from prove.stage import StageError

GOAL: Final = 1.10
TOLERATED: Final = 1.60
"""A machine that others use as well is no better judge than that: rounds of the same kind differ by as much, and by
more where more wait for each core."""
_ROUNDS, _LONG_ROUNDS = 3, 20
_EACH: Final = 3
"""How often each person is measured in a round."""
_OTHERS: Final = 3
_LOOK: Final = 0.03
_PATIENCE: Final = 60.0
_SICKNESS: Final = (
    Fault(Kind.LATENCY, seconds=5.0),
    Fault(Kind.LATENCY, seconds=10.0),
    Fault(Kind.STATUS, status=503),
    Fault(Kind.RESET),
    Fault(Kind.HALF_OPEN),
)


async def sick(street: Street, *, long: bool) -> AsyncIterator[Line]:
    """Rounds with it well and sick by turns; the ratio of what the others then wait."""
    names = ("sick", *(f"well-{number}" for number in range(_OTHERS)))
    patient, *others = await asyncio.gather(*(_settled(street, name) for name in names))
    say("faults: one sick account beside others")
    rule = Rule(_SICKNESS[0], who=patient.email, times=None, or_else=_SICKNESS[1:])
    waits: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number in range(2 * (_LONG_ROUNDS if long else _ROUNDS)):
        ill = number % 2 == 1
        street.providers.rules = [rule] if ill else []
        if not ill:
            await _until_well(patient)
        waits[ill].append(await _round(patient, others))
    street.providers.rules = []
    for what in ("booking", "mirror"):
        well, beside = ([one[what] for one in waits[ill]] for ill in (False, True))
        yield compare(what, well, beside, sick_calls=len(rule.fired), load=os.getloadavg()[0])


def compare(what: str, well: Sequence[float], beside: Sequence[float], *, sick_calls: int, load: float) -> Line:
    """The seconds others waited in rounds of health and in rounds of sickness; a sick one that was never asked for is
    no proof."""
    ratio, bound = round(median(beside) / median(well), 3), TOLERATED * max(1.0, load / (os.cpu_count() or 1))
    figures = {
        "ratio": ratio,
        "goal": GOAL,
        "met": ratio <= GOAL,
        "fails_above": round(bound, 2),
        "load": round(load, 1),
        "sick_calls": sick_calls,
        "well": [round(one, 3) for one in well],
        "beside_sick": [round(one, 3) for one in beside],
    }
    check = f"a sick account does not slow the others: {what}"
    return Line(BATTERY, check, ratio <= bound and sick_calls > 0, figures)


async def _settled(street: Street, name: str) -> Person:
    person = await move_in(street, "google", name)
    await person.connect()
    await street.stage.page(person.host)
    await person.written(await person.book())
    return person


async def _until_well(patient: Person) -> None:
    """What the sickness left is over, so that a round of health is one."""
    ended = await patient.street.stage.wait_until(lambda: _is_well(patient), seconds=_PATIENCE)
    if ended is None:
        raise StageError("the sick account did not get well")


async def _is_well(patient: Person) -> bool:
    await _ask_to_sync(patient)
    return not await patient.state()


async def _round(patient: Person, others: Sequence[Person]) -> dict[str, float]:
    """The median of what the others wait while the patient keeps the service busy."""
    busy = [asyncio.create_task(work(patient)) for work in (_keeps_syncing, _keeps_booking)]
    try:
        samples = await asyncio.gather(*(_measured(person) for person in others))
    finally:
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
    return {what: median(sample[what] for each in samples for sample in each) for what in ("booking", "mirror")}


async def _keeps_syncing(patient: Person) -> None:
    while True:
        with suppress(httpx.TransportError):
            await patient.meets_by_hand()
            await _ask_to_sync(patient)
        await asyncio.sleep(0.5)


async def _keeps_booking(patient: Person) -> None:
    """Visitors who ask once, and leave when it takes too long."""
    while True:
        with suppress(httpx.TransportError):
            await patient.wish(timeout=3)
        await asyncio.sleep(0.5)


async def _ask_to_sync(patient: Person) -> None:
    path = f"/v1/connections/{patient.host.connection_id}/sync"
    await patient.host.api.post(path, headers=patient.host.headers)


async def _measured(person: Person) -> list[dict[str, float]]:
    samples = []
    for _ in range(_EACH):
        began = time.monotonic()
        await person.book()
        booked = time.monotonic() - began
        event = await person.meets_by_hand()
        began = time.monotonic()
        await _mirrored(person, event)
        samples.append({"booking": booked, "mirror": time.monotonic() - began})
    return samples


async def _mirrored(person: Person, when: tuple[datetime, datetime]) -> None:
    """Until a visitor is not offered this time any more."""
    query: dict[str, Any] = {"time_zone": "UTC", "duration_minutes": 30}
    query |= {name: f"{when[0] + timedelta(days=days):%Y-%m-%d}" for name, days in (("first_day", 0), ("last_day", 0))}
    path = f"/v1/public/scheduling-pages/{person.host.page_id}/slots"
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        answer = await person.host.api.get(path, params=query)
        offered = {datetime.fromisoformat(slot["start_at"]) for slot in answer.json().get("items", ())}
        if answer.is_success and when[0] not in offered:
            return
        await asyncio.sleep(_LOOK)
    raise StageError(f"{person.email}: an event made by hand was not seen within {_PATIENCE:.0f} s")
