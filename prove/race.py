"""`make race`: two hundred visitors want one slot at the same moment, of a service of their own, over HTTP.

One is booked, everybody else is offered other times, and the host's calendar holds one event, the winner's. It prints a
table for people and ends with 0; whatever else happens is named, and it ends with 1.

The one rule: the table shows what was answered and what the calendar holds, not what should have been.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from prove.contention import SETTINGS
from prove.contention_crowd import Answer, Call, Crowd, Json
from prove.stage import Stage, open_stage
from sandbox.demo_connecting import wait_for_the_first_sync
from sandbox.demo_journey import Host
from sandbox.houses import Standing

VISITORS: Final = 200
_TAKEN: Final = "slot_unavailable"
_SETTLING: Final = 120.0  # seconds until the calendar has the event
_QUIET: Final = 2.0  # seconds in which a second one would come
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a race ended."""

    start: datetime
    answers: Sequence[Answer]
    """By the visitors' numbers."""
    events: Sequence[Standing]
    """What the service has written into the host's calendar."""

    @property
    def winners(self) -> list[Answer]:
        """Who was booked."""
        return [answer for answer in self.answers if answer.status == 201]

    @property
    def offered(self) -> list[Answer]:
        """Who was too late, and was told of other times."""
        return [answer for answer in self.answers if _offered(answer)]

    def faults(self) -> list[str]:
        """What is not as promised; nothing, mostly."""
        found = [f"{len(self.winners)} visitors were booked"] if len(self.winners) != 1 else []
        odd = [answer for answer in self.answers if answer.status != 201 and not _offered(answer)]
        found += [f"somebody was answered {answer.status} {answer.code}" for answer in odd[:_SHOWN]]
        names = [answer.body["name"] for answer in self.winners]
        told = [(event.start, event.title) for event in self.events]
        if len(told) != 1 or told[0][0] != self.start or not names or not told[0][1].endswith(names[0]):
            found.append(f"the calendar holds {told}, the winners are {names} at {self.start}")
        return found


def _offered(answer: Answer) -> bool:
    """Too late, and told of other times, of which none is the one that went."""
    times = [time["start_at"] for time in answer.body.get("alternatives", [])]
    return answer.status == 409 and answer.code == _TAKEN and bool(times)


async def race(stage: Stage, visitors: int) -> Outcome:
    """A host with a calendar, a page, a slot, and a crowd."""
    host = await stage.host("google", "ada")
    await wait_for_the_first_sync(host)
    page = await stage.page(host)
    start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    crowd = Crowd([stage.stack.ports.api])
    answers = await crowd.all_at_once([_wish(page, start, number) for number in range(visitors)])
    return Outcome(start, answers, await _settled(stage, host))


def _wish(page: str, start: datetime, number: int) -> Call:
    body: Json = {
        "start_at": start.isoformat(),
        "duration_minutes": 30,
        "name": f"Visitor {number + 1}",
        "email": f"visitor-{number + 1}@example.com",
        "time_zone": "Europe/Stockholm",
    }
    return Call("POST", f"/v1/public/scheduling-pages/{page}/bookings", body)


async def _settled(stage: Stage, host: Host) -> list[Standing]:
    """The host's calendar, once an event has come and no other follows."""

    async def written() -> bool:
        return bool(await host.house.ours())

    await stage.wait_until(written, seconds=_SETTLING)
    await asyncio.sleep(_QUIET)
    return await host.house.ours()


def table(outcome: Outcome) -> str:
    """What happened, for people."""
    tries = [seconds for answer in outcome.answers for _, seconds in answer.tries]
    losers = Counter(f"{answer.status} {answer.code}" for answer in outcome.answers if answer.status != 201)
    again = sum(len(answer.tries) > 1 for answer in outcome.answers)
    times = {time["start_at"] for answer in outcome.offered for time in answer.body["alternatives"]}
    rows = [
        ("visitors", f"{len(outcome.answers)}, all at once, for {outcome.start:%A %H:%M} UTC"),
        *(("booked", f"{answer.body['name']}, {answer.body['id']}") for answer in outcome.winners),
        *(("refused", f"{count} with {what}") for what, count in losers.most_common()),
        ("offered instead", f"{len(outcome.offered)} visitors, {len(times)} other times between them"),
        ("asked to come back", f"{again} visitors, once or more, before they knew"),
        ("an answer took", f"p50 {_percentile(tries, 50):.0f} ms, p99 {_percentile(tries, 99):.0f} ms"),
        ("the calendar holds", f"{len(outcome.events)} event: {', '.join(event.title for event in outcome.events)}"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {what}" for name, what in rows)


def _percentile(seconds: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main(arguments: Sequence[str] | None = None) -> int:
    """0: as promised. 1: not, and why."""
    parser = argparse.ArgumentParser(prog="python -m prove.race", description="So many visitors want one slot.")
    parser.add_argument("--visitors", type=int, default=VISITORS)
    options = parser.parse_args(arguments)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{options.visitors} visitors, one slot; {cores} cores for all of it, load {load:.1f}. Starting the service.")
    outcome = asyncio.run(_run(options.visitors))
    print(table(outcome))
    faults = outcome.faults()
    for fault in faults:
        print(f"not as promised: {fault}")
    print(f"race: {'failed' if faults else 'ok'}")
    return 1 if faults else 0


async def _run(visitors: int) -> Outcome:
    async with open_stage(overrides=SETTINGS) as stage:
        return await race(stage, visitors)


if __name__ == "__main__":
    sys.exit(main())
