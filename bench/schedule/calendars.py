"""A calendar of the play: what its rows would say. And what is due, as `due_calendars` and its index would give it.

The one rule: when and whose turn it is comes from the service's own functions; here it is only kept.
"""

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from app.calendar import ProviderName
from app.sync.due import BEHIND_AFTER, WINDOW
from app.sync.pace import Kin
from app.sync.polling import next_poll, spread
from app.sync.shares import share_out
from bench.schedule.population import START, Population

BASE: Final = timedelta(seconds=60)
"""The setting `sync_poll_seconds`."""
_WATCHED_FOR: Final = START + timedelta(days=7)


@dataclass(slots=True, eq=False)
class Calendar:
    """One calendar."""

    number: int
    kin: Kin
    watchable: bool
    watched_until: datetime | None
    changed_at: datetime | None
    succeeded_at: datetime = START
    dirty: int = 0
    synced: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    queued: bool = False
    running: bool = False
    due_at: float = math.inf
    due_since: float = math.inf
    """`due_at` before anybody put it behind others."""
    unseen: list[float] = field(default_factory=list)
    """When it changed, as far as the mirror does not know."""

    @property
    def told(self) -> bool:
        """A signal came that no run has answered."""
        return self.dirty != self.synced

    def interval(self, now: datetime, behind_watch: timedelta) -> timedelta:
        """How often it is polled these days."""
        return next_poll(
            BASE,
            now=now,
            watched_until=self.watched_until,
            changed_at=self.changed_at,
            behind_watch=behind_watch,
        )

    def believe(self) -> None:
        """A push has come."""
        self.watched_until = _WATCHED_FOR if self.watchable else None

    def see(self, asked_at: float) -> list[float]:
        """Take the changes that a fetch at this time shows."""
        seen = [at for at in self.unseen if at <= asked_at]
        if seen:
            self.unseen = [at for at in self.unseen if at > asked_at]
        return seen


def calendars_of(population: Population, behind_watch: timedelta, line: "DueLine", random: Random) -> list[Calendar]:
    """All calendars, their polls spread as they are after hours of quiet work."""
    made = []
    for number in range(len(population)):
        provider = population.provider[number]
        kin = Kin(
            provider,
            population.account[number],
            population.connection[number],
            shared=provider is not ProviderName.EXCHANGE,
        )
        watchable = population.watched[number]
        calendar = Calendar(number, kin, watchable, None, population.last_change(number, random))
        if watchable:
            calendar.believe()
        pause = spread(calendar.interval(START, behind_watch), chance=random.random())
        left = pause * random.random()
        calendar.succeeded_at = START - (pause - left)
        line.set(calendar, left.total_seconds())
        made.append(calendar)
    return made


class DueLine:
    """What is due, in order."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Calendar]] = []
        self._line: deque[tuple[float, Calendar]] = deque()
        """What has come due. An entry whose time is no longer its calendar's means nothing, as in the heap."""

    def set(self, calendar: Calendar, at: float) -> None:
        """When the calendar is due next."""
        calendar.due_at = calendar.due_since = at
        heapq.heappush(self._heap, (at, calendar.number, calendar))

    def take(self, now: float, limit: int) -> list[Calendar]:
        """As `take_due` does. Whoever is taken is not due until a run says when: no job is ever lost here."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, calendar = heapq.heappop(heap)
            self._line.append((at, calendar))
        window = self._window()
        turn = share_out([calendar.kin.account for calendar in window], limit=limit, window=WINDOW)
        late = now - BEHIND_AFTER.total_seconds()
        behind = [place for place in turn.behind if window[place].due_at <= late]
        moved = {*turn.taken, *behind}
        self._line.extendleft(
            (window[place].due_at, window[place]) for place in reversed(range(len(window))) if place not in moved
        )
        for place in behind:
            window[place].due_at = now
            self._line.append((now, window[place]))
        for place in turn.taken:
            window[place].due_at = math.inf
        return [window[place] for place in turn.taken]

    def _window(self) -> list[Calendar]:
        """Those who are due longest, taken from the line."""
        window: list[Calendar] = []
        while self._line and len(window) < WINDOW:
            at, calendar = self._line.popleft()
            if calendar.due_at == at:
                window.append(calendar)
        return window
