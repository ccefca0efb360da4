"""Which times to propose, when the caller leaves the choice to us (R43). Pure.

The one rule: a time stands in few open proposals at once, and the times of one proposal do not overlap.

Times that are day on the recipient's clocks come before those at night. Spread over days, each round takes one time of
each day, by turns in the morning and in the afternoon; otherwise the earliest are taken.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.scheduling.slots.zones import DAY, offset_at
from app.timespan import Span

MOST_PROPOSALS: Final = 3
"""How many open proposals of one host may name the same time."""

_HOUR: Final = 3600
_WAKING: Final = (8 * _HOUR, 20 * _HOUR)
_NOON: Final = 12 * _HOUR


@dataclass(frozen=True, slots=True)
class Commitments:
    """What a host has proposed and may still be taken at their word for."""

    spans: tuple[tuple[int, int, int], ...]
    """Start, end and the proposal's number; rising."""
    longest: int
    """Of the spans, in seconds."""

    def full(self, span: Span) -> bool:
        """Whether so many open proposals name a time that overlaps this one that no other should."""
        first = bisect_left(self.spans, span[0] - self.longest, key=_start)
        last = bisect_left(self.spans, span[1], key=_start)
        return len({number for _, end, number in self.spans[first:last] if span[0] < end}) >= MOST_PROPOSALS


def commitments(proposals: Iterable[Iterable[Span]]) -> Commitments:
    """The commitments of the open proposals' times."""
    spans = sorted((start, end, number) for number, times in enumerate(proposals) for start, end in times)
    return Commitments(tuple(spans), max((end - start for start, end, _ in spans), default=0))


def choose(starts: Iterable[int], *, seconds: int, zone: str, count: int, spread: bool) -> list[int]:
    """At most `count` of the starts, rising; meetings last `seconds`, `zone` is the recipient's."""
    open_starts = list(starts)
    waking = [start for start in open_starts if _is_waking(zone, start, seconds)]
    chosen: list[int] = []
    for candidates in (waking, open_starts):
        order = _day_by_day(candidates, zone) if spread else iter(candidates)
        for start in order:
            if len(chosen) == count:
                return sorted(chosen)
            if all(abs(start - other) >= seconds for other in chosen):
                chosen.append(start)
    return sorted(chosen)


def nearest(starts: Sequence[int], wanted: int, count: int) -> list[int]:
    """The `count` starts that are nearest to the wanted one, rising; of equals the earlier."""
    return sorted(sorted(starts, key=lambda start: (abs(start - wanted), start))[:count])


def _day_by_day(starts: Iterable[int], zone: str) -> Iterator[int]:
    """One of each day in turn, until none is left; mornings and afternoons alternate from day to day and by round."""
    days: dict[int, list[int]] = {}
    for start in starts:
        days.setdefault((start + offset_at(zone, start)) // DAY, []).append(start)
    turn = 0
    while days:
        for place, day in enumerate(list(days)):
            left = days[day]
            afternoon = (turn + place) % 2 == 1
            wished = [start for start in left if (_second_of_day(zone, start) >= _NOON) == afternoon]
            start = (wished or left)[0]
            yield start
            left.remove(start)
            if not left:
                del days[day]
        turn += 1


def _is_waking(zone: str, start: int, seconds: int) -> bool:
    begins = _second_of_day(zone, start)
    return _WAKING[0] <= begins and begins + seconds <= _WAKING[1]


def _second_of_day(zone: str, instant: int) -> int:
    return (instant + offset_at(zone, instant)) % DAY


def _start(span: tuple[int, int, int]) -> int:
    return span[0]
