"""Which times a page offers (R31, R32). Pure: told the rules, what is taken and what time it is.

The one rule: a slot is offered when all of these hold, and `refusal` asks the very same question.

- It begins on the grid: a whole number of increments after the beginning of a working interval, on the clocks of the
  zone. So 09:00, 09:15, … also on the days the clocks change; where an interval's beginning is skipped, the grid
  still counts from it, and wall times that come twice are offered twice.
- It begins inside that interval and lies wholly in working time; intervals that touch are one, also over midnight.
- With its buffers it overlaps nothing taken. Busy time comes as it is; reserved time comes with the buffers it was
  booked with, just as the database's exclusion constraint compares the two (R45).
- It begins inside the booking window, no sooner than the minimum notice, on a day and in a week with room.

Whoever asks for several hosts that must all be free passes the union of what is taken (`timespan.merge`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.scheduling.slots.caps import Caps, days_with_room
from app.scheduling.slots.grid import working_grids
from app.scheduling.slots.hours import WorkingHours
from app.scheduling.slots.window import BookingWindow
from app.scheduling.slots.zones import DAY, civil_day, first_instant
from app.timespan import Span, Spans, clip, merge, widen


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What a page says about its slots, for one of its durations."""

    duration_minutes: int
    increment_minutes: int
    hours: WorkingHours
    window: BookingWindow
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    minimum_notice_minutes: int = 0
    daily_cap: int | None = None
    weekly_cap: int | None = None

    def __post_init__(self) -> None:
        if self.duration_minutes < 1:
            raise ValueError("a meeting lasts at least a minute")
        if self.increment_minutes < 1:
            raise ValueError("one start is a minute after another at least")
        if min(self.buffer_before_minutes, self.buffer_after_minutes, self.minimum_notice_minutes) < 0:
            raise ValueError("buffers and notice are not negative")
        Caps(self.daily_cap, self.weekly_cap)  # refuses caps that make no sense

    @property
    def caps(self) -> Caps:
        """The two caps as one value."""
        return Caps(self.daily_cap, self.weekly_cap)

    def buffered(self, start: int) -> Span:
        """What a meeting that begins at `start` takes of the host's time: what a reservation holds."""
        before, after = self.buffer_before_minutes * 60, self.buffer_after_minutes * 60
        return start - before, start + self.duration_minutes * 60 + after


class Refusal(StrEnum):
    """Why a time cannot be booked, by the codes of the API."""

    OUTSIDE_BOOKING_WINDOW = "outside_booking_window"
    """Too soon, or on a day the page does not book yet or any more."""
    SLOT_UNAVAILABLE = "slot_unavailable"
    """Inside the window, but not offered."""


def offered(
    rules: SlotRules,
    *,
    busy: Iterable[Span],
    reserved: Iterable[Span] = (),
    booked_starts: Iterable[int] = (),
    now: int,
    between: Span,
) -> list[int]:
    """The starts, rising, of the slots that begin in `between`; all in UTC seconds.

    `busy` and `reserved` may be in any order and overlap; as one `Spans` they cost least. `booked_starts` are those
    of the meetings that count for the caps, of all of any week `between` touches. `now` is the time the window and
    the notice count from.
    """
    zone = rules.hours.zone
    days = rules.window.days(civil_day(zone, now))
    has_room = days_with_room(rules.caps, zone, booked_starts)
    # No clock is a whole day from UTC: the instants of the window's days lie in here.
    first = max(between[0], now + rules.minimum_notice_minutes * 60, (days.start - 1) * DAY)
    last = min(between[1], (days.stop + 1) * DAY)
    if first >= last:
        return []
    blocked = _blocked(rules, busy, reserved, (first, last))
    starts: list[int] = []
    for grid, day in _grids(rules, (first, last)):
        if day in days and has_room(day):
            starts += _free(grid, blocked)
    return starts


def bookable(rules: SlotRules, *, now: int) -> Span | None:
    """Between which instants a meeting may begin by the window and the notice, whatever is taken; None: never."""
    zone = rules.hours.zone
    days = rules.window.days(civil_day(zone, now))
    first = max(first_instant(zone, days.start), now + rules.minimum_notice_minutes * 60)
    end = first_instant(zone, days.stop)
    return (first, end) if first < end else None


def refusal(
    rules: SlotRules,
    *,
    start: int,
    busy: Iterable[Span],
    reserved: Iterable[Span] = (),
    booked_starts: Iterable[int] = (),
    now: int,
) -> Refusal | None:
    """Why a meeting cannot begin at `start`; None when it can. The other arguments are those of `offered`."""
    zone = rules.hours.zone
    if start < now + rules.minimum_notice_minutes * 60:
        return Refusal.OUTSIDE_BOOKING_WINDOW
    if civil_day(zone, start) not in rules.window.days(civil_day(zone, now)):
        return Refusal.OUTSIDE_BOOKING_WINDOW
    instant = (start, start + 1)
    if offered(rules, busy=busy, reserved=reserved, booked_starts=booked_starts, now=now, between=instant):
        return None
    return Refusal.SLOT_UNAVAILABLE


def _grids(rules: SlotRules, within: Span) -> Iterator[tuple[range, int]]:
    """The starts whose meetings lie in working time, stretch by stretch, with the stretch's day; free or not."""
    duration, step = rules.duration_minutes * 60, rules.increment_minutes * 60
    for starts, day, until in working_grids(rules.hours, step, within, reach=duration):
        fitting = range(starts.start, min(starts.stop, until - duration + 1), step)
        if fitting:
            yield fitting, day


def _blocked(rules: SlotRules, busy: Iterable[Span], reserved: Iterable[Span], starts: Span) -> Spans:
    """The instants of `starts` at which no meeting can begin, because its buffered span would meet something taken."""
    left, right = rules.buffered(0)
    around = (starts[0] + left, starts[1] + right)
    near = merge(clip(busy, around), clip(reserved, around))
    # A start s meets [a, b) when s + left < b and a < s + right; the second is a - right + 1 <= s in whole seconds.
    return widen(near, before=right - 1, after=-left)


def _free(grid: range, blocked: Spans) -> list[int]:
    """Those of the grid that are not blocked, found by leaps from one obstacle to the next."""
    at, stop, step = grid.start, grid.stop, grid.step
    begins, ends, count = blocked.starts, blocked.ends, len(blocked)
    starts: list[int] = []
    index = bisect_right(ends, at)
    while at < stop:
        if index == count or begins[index] >= stop:
            starts += range(at, stop, step)
            break
        starts += range(at, begins[index], step)
        at -= (at - ends[index]) // step * step  # on to the first of the grid that is past it
        index += 1
    return starts
