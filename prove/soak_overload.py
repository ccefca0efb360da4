"""Five times as much as one process can do arrives, for a while: what becomes of it, and of the process afterwards.

    ramp      more and more clients who wait for their answers, until more of them are answered no more
    before    half of that: how long an answer takes when all is well
    flood     five times that, by clients who wait for nobody
    after     half again, until it is as it was before

The one rule: what the process can do is measured a moment before, on the same machine beside the same neighbours; no
figure of another day is a bound here.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.settings import Settings
from bench.load import Plan as LoadPlan
from bench.load import open_load_process
from prove.lines import Line, say
from prove.soak_load import Flood, Flooded, pour
from prove.soak_vitals import BATTERY

TIMES: Final = 5
LEAST_GOODPUT: Final = 0.7
_COLLAPSED: Final = 0.35
BACK_WITHIN: Final = 30.0  # seconds
AT_ONCE: Final[int] = Settings.model_fields["requests_at_once"].default
_CLIENTS: Final = (4, 8, 16, 32)
_GAIN: Final = 1.05
_PROBE_SECONDS: Final = 2.0
_HALF: Final = 0.5
_SLACK_MS: Final = 150.0
_EXPECTED: Final = {200, 429, 503}


@dataclass(frozen=True, slots=True)
class Overload:
    """What happened."""

    capacity: float
    """Good answers a second at most."""
    clients: int
    """How many asked for them."""
    before: Flooded
    flood: Flooded
    after: Flooded
    """The last look."""
    back: float | None
    """Seconds from the flood's last answer until all was as before; None: it was not, in time."""

    load: float = 0.0
    """Of the machine before the flood, for each of its cores, by all who use it."""

    @property
    def patience_ms(self) -> float:
        """Four times what a full process takes for all it has let in, which turns others away besides; more, where
        others work. Three to four times was measured.
        """
        return max(1000.0, 4 * AT_ONCE / (LEAST_GOODPUT * self.capacity) * 1000) * max(1.0, self.load)

    @property
    def least_share(self) -> float:
        """The goal is for a machine of its own: on one that others use, who floods takes its processor as well."""
        return max(_COLLAPSED, LEAST_GOODPUT / max(1.0, self.load))

    def lines(self) -> Iterator[Line]:
        """What is to be said of it."""
        flood = self.flood
        odd = {status: count for status, count in flood.statuses.items() if status not in _EXPECTED}
        figures = {
            "capacity": round(self.capacity, 1),
            "at_clients": self.clients,
            "sent_per_second": round(flood.sent / flood.seconds, 1),
            "statuses": flood.statuses,
            "unsent": flood.unsent,
        }
        enough = flood.turned_away > 0 and flood.sent / flood.seconds > (TIMES - 1) * self.capacity
        yield Line(BATTERY, "a flood is answered or turned away, not dropped", enough and not odd, figures)
        told = {"turned_away": flood.turned_away, "without": flood.without_retry_after}
        yield Line(BATTERY, "who is turned away is told when to come back", not flood.without_retry_after, told)
        share = flood.goodput / self.capacity
        told_share = {"goodput": round(flood.goodput, 1), "share": round(share, 2), "goal": LEAST_GOODPUT}
        told_share |= {"goal_met": share >= LEAST_GOODPUT, "fails_below": round(self.least_share, 2)}
        yield Line(BATTERY, "a flooded process goes on working", share >= self.least_share, told_share)
        yield self._latency()
        yield self._recovery()

    def _latency(self) -> Line:
        slow = round(self.flood.percentile(99)) if self.flood.answered_ms else float("inf")
        figures = {"p50_ms": None, "p99_ms": slow, "fails_above_ms": round(self.patience_ms)}
        figures["load_per_core"] = round(self.load, 1)
        if self.flood.answered_ms:
            figures["p50_ms"] = round(self.flood.percentile(50))
        return Line(BATTERY, "who is let in is answered in time", slow <= self.patience_ms, figures)

    def _recovery(self) -> Line:
        good = self.back is not None and self.back <= BACK_WITHIN
        p99 = {name: _p99(each) for name, each in (("before_p99_ms", self.before), ("after_p99_ms", self.after))}
        return Line(BATTERY, "after the flood all is as before", good, {"seconds": self.back, **p99})


async def overload(
    port: int, requests: Sequence[str], *, ramp_seconds: float, flood_seconds: float, times: float = TIMES
) -> Overload:
    """Do it to the process at this port; `requests` are good ones."""
    capacity, clients = await _ramp(port, requests, ramp_seconds)
    say(f"{capacity:.0f} answers a second at {clients} clients; now {times:g} times as many")
    half = Flood(port, list(requests), capacity * _HALF, _PROBE_SECONDS)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    before = await pour(half)
    flood = await pour(Flood(port, list(requests), capacity * times, flood_seconds))
    began, back = time.monotonic(), None
    while back is None and time.monotonic() - began < BACK_WITHIN:
        looked = time.monotonic()
        after = await pour(half)
        if as_before(before, after, load):
            back = round(looked - began, 1)
    return Overload(capacity, clients, before, flood, after, back, load)


def as_before(before: Flooded, after: Flooded, load: float) -> bool:
    """All are answered, and not much later than before; where so many wait for each core, by chance so much later."""
    if after.statuses.keys() != {200} or not before.answered_ms:
        return False
    return after.percentile(99) <= 2 * before.percentile(99) + _SLACK_MS * max(1.0, load)


async def _ramp(port: int, requests: Sequence[str], seconds: float) -> tuple[float, int]:
    """Raises: BenchError when an answer is not good."""
    best, at = 0.0, 0
    async with open_load_process() as load:
        await load.run(LoadPlan(port, max(_CLIENTS), list(requests) * 8))  # connections opened, statements planned
        for clients in _CLIENTS:
            rate = (await load.run(LoadPlan(port, clients, list(requests), seconds))).all_answered(200).rate
            if rate < best * _GAIN:
                return max(best, rate), clients
            best, at = rate, clients
    return best, at


def _p99(flooded: Flooded) -> int | None:
    return round(flooded.percentile(99)) if flooded.answered_ms else None
