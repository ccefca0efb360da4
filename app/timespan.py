"""Spans of time as pairs of whole UTC seconds, and their algebra. No I/O.

The one rule: a span is half open, `[start, end)`. Spans that touch do not overlap, an empty span covers nothing.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, compress
from operator import eq, lt
from typing import Final, overload

Span = tuple[int, int]
"""`(start, end)` in seconds since 1970-01-01T00:00Z, the end exclusive."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

# The first byte of a packed set names the width of its numbers: 4 bytes carry every second from 1970 to 2106.
_NARROW: Final = 1
_WIDE: Final = 2
_TYPE_CODES: Final = {_NARROW: "I", _WIDE: "q"}
_NARROW_END: Final = 2**32


@dataclass(frozen=True, slots=True, eq=False)
class Spans(Sequence[Span]):
    """A set of instants: spans that are not empty, rising, neither overlapping nor touching.

    Made by the functions below; they alone keep that promise. Two columns instead of pairs, because columns are
    searched, sorted, packed and unpacked without a Python loop. Equal to any sequence of the same pairs.
    """

    starts: Sequence[int]
    ends: Sequence[int]

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Span]:
        return zip(self.starts, self.ends, strict=True)

    @overload
    def __getitem__(self, index: int) -> Span: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Span]: ...
    def __getitem__(self, index: int | slice) -> Span | Sequence[Span]:
        if isinstance(index, slice):
            return list(zip(self.starts[index], self.ends[index], strict=True))
        return self.starts[index], self.ends[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # the columns may be arrays


NOTHING: Final = Spans((), ())


def merge(*groups: Iterable[Span]) -> Spans:
    """Everything that any of the groups covers. A lone `Spans` comes back as it is, at no cost."""
    some = [group for group in groups if not isinstance(group, Sized) or len(group) > 0]
    if len(some) == 1 and isinstance(some[0], Spans):
        return some[0]
    columns = [_columns(group) for group in some]
    starts = sorted(chain.from_iterable(starts for starts, _ in columns))
    ends = sorted(chain.from_iterable(ends for _, ends in columns))
    return _joined(starts, ends)


def union(starts: Iterable[int], ends: Iterable[int]) -> Spans:
    """Everything that spans cover of which these are the starts and these the ends, in any order; none is empty."""
    return _joined(sorted(starts), sorted(ends))


def reaching_into(spans: Iterable[Span], between: Span) -> Spans:
    """Those of `spans` that overlap with `between`, each whole."""
    whole = merge(spans)
    start, end = between
    first, last = bisect_right(whole.ends, start), bisect_left(whole.starts, end)
    if first >= last or start >= end:
        return NOTHING
    return Spans(whole.starts[first:last], whole.ends[first:last])


def clip(spans: Iterable[Span], between: Span) -> Spans:
    """What of `spans` lies inside `between`."""
    inside = reaching_into(spans, between)
    if not inside:
        return NOTHING
    starts, ends = list(inside.starts), list(inside.ends)
    starts[0], ends[-1] = max(starts[0], between[0]), min(ends[-1], between[1])
    return Spans(starts, ends)


def subtract(spans: Iterable[Span], holes: Iterable[Span]) -> Spans:
    """What of `spans` no hole covers."""
    whole, cuts = merge(spans), merge(holes)
    if not whole or not cuts:
        return whole
    starts: list[int] = []
    ends: list[int] = []
    for start, end in whole:
        first, last = bisect_right(cuts.ends, start), bisect_left(cuts.starts, end)
        for left, right in zip([start, *cuts.ends[first:last]], [*cuts.starts[first:last], end], strict=True):
            if left < right:
                starts.append(left)
                ends.append(right)
    return Spans(starts, ends)


def widen(spans: Iterable[Span], *, before: int, after: int) -> Spans:
    """Every span begun `before` seconds sooner and ended `after` seconds later."""
    if before < 0 or after < 0:
        raise ValueError("a span is widened, never narrowed")
    whole = merge(spans)
    return _joined([start - before for start in whole.starts], [end + after for end in whole.ends])


def overlaps(spans: Iterable[Span], span: Span) -> bool:
    """Whether any instant of `span` is covered."""
    whole = merge(spans)
    start, end = span
    index = bisect_right(whole.ends, start)
    return start < end and index < len(whole) and whole.starts[index] < end


def pack(spans: Iterable[Span]) -> bytes:
    """A set of spans as bytes: a version, the starts, the ends; little endian, exact to the second."""
    whole = merge(spans)
    narrow = not whole or (whole.starts[0] >= 0 and whole.ends[-1] < _NARROW_END)
    version = _NARROW if narrow else _WIDE
    numbers = array(_TYPE_CODES[version], chain(whole.starts, whole.ends))
    return bytes([version]) + _little_endian(numbers).tobytes()


def unpack(data: bytes | memoryview) -> Spans:
    """The set that was packed. Raises: ValueError when these bytes are none."""
    if len(data) == 0 or data[0] not in _TYPE_CODES:
        raise ValueError("packed spans of an unknown version")
    numbers = array(_TYPE_CODES[data[0]])
    numbers.frombytes(memoryview(data)[1:])
    half, odd = divmod(len(numbers), 2)
    if odd:
        raise ValueError("packed spans with a start but no end")
    numbers = _little_endian(numbers)
    return Spans(numbers[:half], numbers[half:])


def to_seconds(moment: datetime) -> int:
    """The whole second a moment lies in. Raises: TypeError for a naive moment."""
    return (moment - _EPOCH) // _SECOND


def to_moment(seconds: int) -> datetime:
    """The moment, aware, in UTC."""
    return _EPOCH + seconds * _SECOND


def covering(start: datetime, end: datetime) -> Span:
    """The shortest span of whole seconds with all of `[start, end)` in it. Raises: TypeError for naive moments."""
    return to_seconds(start), -((_EPOCH - end) // _SECOND)


def _columns(spans: Iterable[Span]) -> tuple[Sequence[int], Sequence[int]]:
    if isinstance(spans, Spans):
        return spans.starts, spans.ends
    solid = [span for span in spans if span[0] < span[1]]
    return [start for start, _ in solid], [end for _, end in solid]


def _joined(starts: list[int], ends: list[int]) -> Spans:
    """The union of spans from its sorted starts and its sorted ends, whichever start once belonged to which end.

    The n-th end lies before the start after the n-th exactly where all that had begun has ended: there is the hole.
    """
    if not starts:
        return NOTHING
    later = starts[1:]
    holes = list(map(lt, ends, later))
    if all(holes):
        return Spans(starts, ends)
    return Spans([starts[0], *compress(later, holes)], [*compress(ends, holes), ends[-1]])


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
