"""What `app/scheduling` must answer, worked out minute by minute with `datetime` and `zoneinfo`, however slowly.

The one rule: nothing here is clever, and nothing here comes from the code that it judges but the values of the rules.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.scheduling.slots.hours import LocalInterval, WorkingHours
from app.scheduling.slots.offering import SlotRules
from app.scheduling.slots.window import DateRange, RollingDays, RollingWeeks

MINUTE = 60


@lru_cache(maxsize=200_000)
def on_the_wall(zone: str, instant: int) -> datetime:
    """What the clocks show: naive."""
    return datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def minutes(between: tuple[int, int]) -> Iterator[int]:
    """Every whole minute of a span of instants."""
    start, end = between
    yield from range(-(-start // MINUTE) * MINUTE, end, MINUTE)


def intervals_of(hours: WorkingHours, day: date) -> Sequence[LocalInterval]:
    """The working intervals of a day, those that overlap made one."""
    given = hours.overrides[day] if day in hours.overrides else hours.weekly[day.weekday()]
    joined: list[LocalInterval] = []
    for interval in sorted(given, key=lambda interval: interval.start_minute):
        if joined and interval.start_minute < joined[-1].end_minute:
            end = max(joined[-1].end_minute, interval.end_minute)
            joined[-1] = LocalInterval(joined[-1].start_minute, end)
        else:
            joined.append(interval)
    return joined


def interval_at(hours: WorkingHours, instant: int) -> LocalInterval | None:
    """The working interval that the wall clock is in."""
    wall = on_the_wall(hours.zone, instant)
    minute = wall.hour * 60 + wall.minute
    for interval in intervals_of(hours, wall.date()):
        if interval.start_minute <= minute < interval.end_minute:
            return interval
    return None


def in_window(rules: SlotRules, instant: int, now: int) -> bool:
    """Whether the booking window is open on the day of that instant."""
    day = on_the_wall(rules.hours.zone, instant).date()
    today = on_the_wall(rules.hours.zone, now).date()
    match rules.window:
        case RollingDays(count):
            return today <= day <= today + timedelta(days=count)
        case RollingWeeks(count):
            this_monday = today - timedelta(days=today.weekday())
            return this_monday <= day < this_monday + timedelta(weeks=count)
        case DateRange(first, last):
            return first <= day <= last


def has_room(rules: SlotRules, instant: int, booked_starts: Sequence[int]) -> bool:
    """Whether the caps let one more meeting begin on the day, and in the week, of that instant."""
    day = on_the_wall(rules.hours.zone, instant).date()
    booked = [on_the_wall(rules.hours.zone, start).date() for start in booked_starts]
    if rules.daily_cap is not None and booked.count(day) >= rules.daily_cap:
        return False
    weeks = [other.isocalendar()[:2] for other in booked]
    return rules.weekly_cap is None or weeks.count(day.isocalendar()[:2]) < rules.weekly_cap


def meets(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two half-open spans have an instant in common."""
    return max(one[0], other[0]) < min(one[1], other[1])


def is_slot(
    rules: SlotRules,
    start: int,
    *,
    taken: Sequence[tuple[int, int]],
    booked_starts: Sequence[int],
    now: int,
) -> bool:
    """Whether a meeting may begin at that instant, a whole minute."""
    if start < now + rules.minimum_notice_minutes * MINUTE or not in_window(rules, start, now):
        return False
    interval = interval_at(rules.hours, start)
    wall = on_the_wall(rules.hours.zone, start)
    if interval is None or (wall.hour * 60 + wall.minute - interval.start_minute) % rules.increment_minutes:
        return False
    end = start + rules.duration_minutes * MINUTE
    if not has_room(rules, start, booked_starts):
        return False
    buffered = (start - rules.buffer_before_minutes * MINUTE, end + rules.buffer_after_minutes * MINUTE)
    if any(meets(buffered, span) for span in taken):
        return False
    return all(interval_at(rules.hours, minute) is not None for minute in minutes((start, end)))


def offered(
    rules: SlotRules,
    *,
    busy: Sequence[tuple[int, int]],
    reserved: Sequence[tuple[int, int]] = (),
    booked_starts: Sequence[int] = (),
    now: int,
    between: tuple[int, int],
) -> list[int]:
    """The starts that `app.scheduling.slots.offering.offered` must find."""
    taken = [*busy, *reserved]
    return [
        start for start in minutes(between) if is_slot(rules, start, taken=taken, booked_starts=booked_starts, now=now)
    ]
