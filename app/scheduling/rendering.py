"""Slots as the JSON of an answer, in the zone that was asked for. Pure.

The one rule: the bytes are what a JSON encoder would write for the same slots, only faster: between two changes of the
clocks every slot differs from its neighbours in two wall times, and those are looked up, not formatted.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Final

from app.scheduling.slots.zones import offset_at, run_at, runs, zone_named

CONFIRMABLE: Final = "confirmable"
REQUEST_ONLY: Final = "request_only"
_WALL_ZERO: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - what a clock on the wall shows has no zone


class _WallTimes(dict[int, str]):
    """`2026-03-30T09:00:00` by seconds since 1970-01-01T00:00 on the same wall. One table serves all zones.

    It fills as it is asked. Five-minute steps of two hundred days fit in it; when it is full it starts anew.
    """

    __slots__ = ()
    ROOM: Final = 60_000

    def __missing__(self, wall: int) -> str:
        if len(self) >= self.ROOM:
            self.clear()
        text = self[wall] = (_WALL_ZERO + timedelta(seconds=wall)).isoformat()
        return text


_WALL_TIMES: Final = _WallTimes()


class LocalClock(dict[int, str]):
    """What the clocks of a zone show at an instant, by UTC seconds: `2026-03-30T09:00:00+02:00`. Kept as it is asked.

    Raises: TimeZoneUnknown.
    """

    __slots__ = ("_run", "_suffix", "_zone")

    def __init__(self, zone: str) -> None:
        zone_named(zone)
        self._zone = zone
        self._turn_to(0)

    def __missing__(self, instant: int) -> str:
        if not self._run.start <= instant < self._run.end:
            self._turn_to(instant)
        text = self[instant] = _WALL_TIMES[instant + self._run.offset] + self._suffix
        return text

    def _turn_to(self, instant: int) -> None:
        """One offset is good for many instants."""
        run = run_at(self._zone, instant)
        self._run = run._replace(offset=_whole_minutes(run.offset))
        self._suffix = _suffix(self._run.offset)


def render_slots(starts: Sequence[int], duration_minutes: int, zone: str, *, grade: str) -> bytes:
    """`[{"start_at":"2026-03-30T09:00:00+02:00","end_at":"…","grade":"…"},…]` for rising starts in UTC seconds.

    Raises: TimeZoneUnknown.
    """
    duration = duration_minutes * 60
    pieces: list[str] = []
    first = 0
    for until, opening, closing in _steady(starts, duration, zone):
        last = bisect_left(starts, until, first)
        if first < last:
            pieces.append(_items(starts[first:last], duration, opening, closing, grade))
        first = last
    return f"[{','.join(pieces)}]".encode("ascii")


def render_graded(starts: Sequence[int], firm: Collection[int], duration_minutes: int, zone: str) -> bytes:
    """The same, each slot with its own grade: those in `firm` can be confirmed, the others are asked for.

    Raises: TimeZoneUnknown.
    """
    if len(firm) in {0, len(starts)}:
        return render_slots(starts, duration_minutes, zone, grade=CONFIRMABLE if firm else REQUEST_ONLY)
    parts = groupby(starts, key=firm.__contains__)
    rendered = (
        render_slots(list(some), duration_minutes, zone, grade=CONFIRMABLE if sure else REQUEST_ONLY)
        for sure, some in parts
    )
    return b"[" + b",".join(part[1:-1] for part in rendered) + b"]"


def _steady(starts: Sequence[int], duration: int, zone: str) -> Iterator[tuple[int, int, int]]:
    """Until when all slots begin at one offset and end at one offset, with the two; from the first to the last."""
    zone_named(zone)  # an unknown zone is refused also where there is nothing to render
    if not starts:
        return
    at = starts[0]
    changes = [run.end for run in runs(zone, (at, starts[-1] + duration + 1))]
    for until in sorted({*changes, *(change - duration for change in changes)}):
        if at < until:
            yield until, _offset(zone, at), _offset(zone, at + duration)
            at = until


def _items(starts: Sequence[int], duration: int, opening: int, closing: int, grade: str) -> str:
    wall_time = _WALL_TIMES.__getitem__
    begins = map(wall_time, [start + opening for start in starts])
    ends = map(wall_time, [start + duration + closing for start in starts])
    head, tail = '{"start_at":"', f'{_suffix(closing)}","grade":"{grade}"}}'
    pairs = map(f'{_suffix(opening)}","end_at":"'.join, zip(begins, ends, strict=True))
    return f"{head}{f'{tail},{head}'.join(pairs)}{tail}"


def _offset(zone: str, instant: int) -> int:
    return _whole_minutes(offset_at(zone, instant))


def _whole_minutes(offset: int) -> int:
    """As RFC 3339 has no seconds in it; offsets with seconds went out of use in 1972."""
    return offset // 60 * 60


@cache
def _suffix(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
