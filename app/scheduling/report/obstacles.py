"""What closes a time, and where each thing does so. Pure.

The one rule: together the obstacles close exactly the times that `slots.offered` leaves out; each says by itself which.

What is taken closes the starts whose meeting would meet it and, by the page's buffers, those around:

    |--- buffer after ---|---- the meeting itself ----|--- buffer before ---|
                                                [ taken ]
    starts from here …                                              … to here are closed
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec

from app.scheduling.slots.offering import SlotRules
from app.timespan import Span, Spans, widen


class Rule(StrEnum):
    """Which rule closes a time."""

    PAST = "past"
    OUTSIDE_WORKING_HOURS = "outside_working_hours"
    MINIMUM_NOTICE = "minimum_notice"
    OUTSIDE_BOOKING_WINDOW = "outside_booking_window"
    DAILY_LIMIT = "daily_limit"
    WEEKLY_LIMIT = "weekly_limit"
    BUSY = "busy"
    TENTATIVE = "tentative"
    BOOKED = "booked"
    HELD = "held"
    BUFFER_BEFORE = "buffer_before"
    BUFFER_AFTER = "buffer_after"
    CALENDAR_NOT_CONNECTED = "calendar_not_connected"
    CALENDAR_UNREACHABLE = "calendar_unreachable"
    NOT_KNOWN_YET = "not_known_yet"


class Whose(msgspec.Struct, frozen=True, eq=False):
    """Whose time something is about, and where it stands; one for many obstacles."""

    host_id: UUID
    calendar_id: UUID | None = None
    booking_id: UUID | None = None


class Obstacle(msgspec.Struct, frozen=True, eq=False):
    """One thing that closes times. It is itself and no other, however much alike."""

    rule: Rule
    whose: Whose | None = None
    """None: the page's own rule."""
    taken: Span | None = None
    """What is in the way: from where the first of it begins to where the last of it ends."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Time of a host that is taken: what is in one calendar, or one booking."""

    rule: Rule
    host_id: UUID
    spans: Spans
    calendar_id: UUID | None = None
    booking_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Seating:
    """Some hosts who would meet a visitor together, and what stands in their way."""

    always: Sequence[Obstacle]
    """As long as these stand, nothing is offered."""
    taken: Sequence[Taken]
    known_until: Sequence[tuple[UUID, int]] = ()
    """Up to where a host's calendars are known, in UTC seconds."""
    asks_only: bool = False
    """What is offered can be asked for only."""


def closed_starts(seating: Seating, rules: SlotRules, starts: Sequence[int]) -> Iterator[tuple[int, Obstacle]]:
    """The index of each of the rising starts that is closed by its hosts, with what closes it; but `always`."""
    for host_id, until in seating.known_until:
        beyond = bisect_right(starts, until - rules.duration_minutes * 60)
        obstacle = Obstacle(Rule.NOT_KNOWN_YET, Whose(host_id))
        yield from ((index, obstacle) for index in range(beyond, len(starts)))
    for taken in seating.taken:
        around = _Around(taken, rules)
        for index in around.reached(starts):
            for obstacle in around.near(starts[index]):
                yield index, obstacle


class _Around:
    """The starts that are closed by what is taken, because they meet it or come too near to it."""

    def __init__(self, taken: Taken, rules: SlotRules) -> None:
        self._taken = taken
        self._whose = Whose(taken.host_id, taken.calendar_id, taken.booking_id)
        self._duration = rules.duration_minutes * 60
        self._before, self._after = rules.buffer_before_minutes * 60, rules.buffer_after_minutes * 60
        self._known: dict[tuple[Rule, int, int], Obstacle] = {}

    def reached(self, starts: Sequence[int]) -> Iterator[int]:
        """The indexes of those starts that are closed, rising."""
        reach = self._duration + self._after
        for first, last in widen(self._taken.spans, before=reach - 1, after=self._before):
            yield from range(bisect_left(starts, first), bisect_left(starts, last))

    def near(self, start: int) -> Sequence[Obstacle]:
        """What is taken before, during and after a meeting, one obstacle each."""
        begins, ends, end = self._taken.spans.starts, self._taken.spans.ends, start + self._duration
        first, last = bisect_right(ends, start), bisect_left(begins, end)
        found = []
        if first < last:
            found.append(self._obstacle(self._taken.rule, first, last))
        if self._before and (nearest := bisect_right(ends, start - self._before)) < first:
            found.append(self._obstacle(Rule.BUFFER_BEFORE, nearest, first))
        if self._after and last < (farthest := bisect_left(begins, end + self._after)):
            found.append(self._obstacle(Rule.BUFFER_AFTER, last, farthest))
        return found

    def _obstacle(self, rule: Rule, first: int, last: int) -> Obstacle:
        """From one of the spans to another; the same for all starts that they close."""
        found = self._known.get((rule, first, last))
        if found is None:
            taken = self._taken
            span = taken.spans.starts[first], taken.spans.ends[last - 1]
            found = Obstacle(rule, self._whose, span)
            self._known[rule, first, last] = found
        return found
