"""The pure slots function: 60 days in 15-minute steps with 10 to 5,000 busy spans, beside a bare integer sweep.

The one rule: both sides get the same data and must find the same slots, or nothing is measured.

    python -m bench.slots

The sweep is told the working hours as ready integers and the busy spans sorted and apart; it knows no zones, caps,
notice or windows. `slots.N` starts where the service does, at the packed bytes of the mirror; `slots.N.unsorted` starts
from pairs in any order, and there the sweep sorts them, too.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from app.scheduling.rendering import render_slots
from app.scheduling.slots.grid import working_time
from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import SlotRules, offered, refusal
from app.scheduling.slots.window import RollingDays
from app.timespan import Span, pack, to_seconds, unpack
from bench.measure import ROUNDS, Figure, Goal, compare, milliseconds

DAYS = 60
FIRST_DAY = date(2026, 3, 2)  # so that the clocks change inside
NOW = to_seconds(datetime(2026, 3, 1, 23, tzinfo=UTC))
BETWEEN = (NOW, NOW + DAYS * 86_400 - 3600)
OFFICE = (LocalInterval(9 * 60, 12 * 60), LocalInterval(13 * 60, 17 * 60))
RULES = SlotRules(
    duration_minutes=30,
    increment_minutes=15,
    hours=WorkingHours("Europe/Stockholm", (*(OFFICE,) * 5, (), ())),
    window=RollingDays(DAYS),
    buffer_before_minutes=5,
    buffer_after_minutes=10,
    daily_cap=8,
)


def busy_spans(count: int) -> list[Span]:
    """So many spans, rising and apart, on every other day; the days between stay free, however many there are."""
    rng = random.Random(count)
    room = DAYS // 2 * 86_400 // count
    spans = []
    for number in range(count):
        day, second = divmod(number * room, 86_400)
        start = NOW + 2 * day * 86_400 + second + rng.randrange(room // 3)
        spans.append((start, start + rng.randrange(60, min(3600, room // 2))))
    return spans


def sweep(working: Sequence[Span], busy: Sequence[Span]) -> list[int]:
    """The floor: two pointers over sorted integers."""
    before, duration, reach, step = 300, 1800, 2400, 900
    starts = []
    index, count = 0, len(busy)
    for opening, closing in working:
        start = opening
        while start + duration <= closing:
            while index < count and busy[index][1] <= start - before:
                index += 1
            if index == count or busy[index][0] >= start + reach:
                starts.append(start)
            start += step
    return starts


def slots_of(busy: Sequence[Span]) -> list[int]:
    """The subject."""
    return offered(RULES, busy=busy, now=NOW, between=BETWEEN)


def against_sweep(count: int, rounds: int) -> Iterator[Figure]:
    """The figures for so many busy spans."""
    working = working_time(RULES.hours, BETWEEN)
    busy = busy_spans(count)
    packed, shuffled = pack(busy), random.Random(0).sample(busy, count)
    assert len(unpack(packed)) == count
    assert slots_of(unpack(packed)) == slots_of(shuffled) == sweep(working, busy) != []

    def figure(name: str, value: Callable[[], object], floor: Callable[[], object], floor_name: str) -> Figure:
        return compare(name, milliseconds(value), milliseconds(floor), unit="ms", floor_name=floor_name, rounds=rounds)

    yield figure(
        f"slots.{count}", lambda: slots_of(unpack(packed)), lambda: sweep(working, busy), "integer sweep, sorted"
    )
    yield figure(
        f"slots.{count}.unsorted",
        lambda: slots_of(shuffled),
        lambda: sweep(working, sorted(shuffled)),
        "sort and sweep",
    )


def growth(rounds: int) -> Figure:
    """What fifty times the busy spans cost."""
    many, few = pack(busy_spans(5000)), pack(busy_spans(100))
    return compare(
        "slots.5000_to_100",
        milliseconds(lambda: slots_of(unpack(many))),
        milliseconds(lambda: slots_of(unpack(few))),
        unit="ms",
        floor_name="slots.100",
        goal=Goal("<=", 8),
        rounds=rounds,
    )


def one_slot(rounds: int) -> Figure:
    """Whether one time is still offered, as a booking asks, beside all the slots of the page."""
    packed = pack(busy_spans(5000))
    start = slots_of(unpack(packed))[-1]
    return compare(
        "slots.5000.refusal",
        milliseconds(lambda: refusal(RULES, start=start, busy=unpack(packed), now=NOW)),
        milliseconds(lambda: slots_of(unpack(packed))),
        unit="ms",
        floor_name="slots.5000",
        rounds=rounds,
    )


def rendering(rounds: int) -> Figure:
    """The JSON of the answer, beside formatting each time by itself."""
    starts = slots_of(busy_spans(100))
    zone = ZoneInfo("America/New_York")

    def naive() -> str:
        items = (
            f'{{"start_at":"{datetime.fromtimestamp(start, zone).isoformat()}",'
            f'"end_at":"{datetime.fromtimestamp(start + 1800, zone).isoformat()}","grade":"confirmable"}}'
            for start in starts
        )
        return f"[{','.join(items)}]"

    assert naive().encode() == render_slots(starts, 30, zone.key, grade="confirmable")
    return compare(
        "slots.100.rendering",
        milliseconds(lambda: render_slots(starts, 30, zone.key, grade="confirmable")),
        milliseconds(naive),
        unit="ms",
        floor_name="isoformat",
        goal=Goal("<=", 0.2),
        rounds=rounds,
    )


def figures(rounds: int = ROUNDS) -> Iterator[Figure]:
    """All figures of this bench."""
    for count in (10, 100, 500, 5000):
        yield from against_sweep(count, rounds)
    yield growth(rounds)
    yield one_slot(rounds)
    yield rendering(rounds)


if __name__ == "__main__":
    for measured in figures():
        print(measured.to_json(), flush=True)
