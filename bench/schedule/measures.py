"""What a play is judged by. Pure.

The one rule: a change that nobody has seen when the play ends counts with its age, never as if it had not been.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """What was seen when. Times are seconds of the play."""

    changed: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    calendars: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """How long after it was due a poll was handed to the queue and began."""
    late_calendars: list[int] = field(default_factory=list)
    runs: int = 0
    told_runs: int = 0
    put_off: int = 0
    unseen: list[tuple[float, int]] = field(default_factory=list)
    """When the play ended."""
    most_waiting: int = 0
    """In the queue."""

    def begin(self, late: float, calendar: int, *, told: bool) -> None:
        """A run starts; a poll this long after it was due."""
        self.runs += 1
        if told:
            self.told_runs += 1
        else:
            self.late.append(late)
            self.late_calendars.append(calendar)

    def see(self, changed: float, seen: float, calendar: int) -> None:
        """A change has reached the mirror."""
        self.changed.append(changed)
        self.seen.append(seen)
        self.calendars.append(calendar)

    def staleness(self, begin: float, end: float, of: Collection[int] | None = None) -> list[float]:
        """How old each change was when it was seen, of those made in this span, by these calendars; sorted."""
        known = zip(self.changed, self.seen, self.calendars, strict=True)
        ages = [
            seen - changed
            for changed, seen, calendar in known
            if begin <= changed < end and (of is None or calendar in of)
        ]
        ages += [end - at for at, calendar in self.unseen if begin <= at < end and (of is None or calendar in of)]
        return sorted(ages)

    def lateness(self, of: Collection[int]) -> list[float]:
        """How long these calendars waited beyond the time they were due; sorted."""
        pairs = zip(self.late, self.late_calendars, strict=True)
        return sorted(late for late, calendar in pairs if calendar in of)

    def drained_at(self, begin: float, end: float, of: Collection[int]) -> float | None:
        """When 99 of 100 changes that were made in this span by these calendars had been seen."""
        pairs = zip(self.changed, self.seen, self.calendars, strict=True)
        seen = sorted(at for changed, at, calendar in pairs if begin <= changed < end and calendar in of)
        missing = sum(begin <= changed < end and calendar in of for changed, calendar in self.unseen)
        needed = (len(seen) + missing) * 99 // 100
        return seen[needed - 1] if 0 < needed <= len(seen) else None


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def calendars_of(accounts: Iterable[int], account_of: Sequence[int]) -> set[int]:
    """The calendars of these accounts."""
    wanted = set(accounts)
    return {calendar for calendar, account in enumerate(account_of) if account in wanted}
