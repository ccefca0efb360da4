"""The scheduler, played on a virtual clock.

    changes, pushes, troubles      drawn before the play, or by the servers
    due_calendars, the queue       a heap and a line, kept as PostgreSQL keeps them
    whose turn, how soon again,    `share_out`, `portion`, `next_poll`, `spread`, `doubts_watch`, `verdict`, `Paces`:
    how fast                       the service's own, called as the service calls them

The one rule: nothing that the service decides is decided here.
"""

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from random import Random
from typing import Final, NamedTuple, Protocol

from app.providers.base import ProviderError
from app.sync.backoff import verdict
from app.sync.pace import Paces
from app.sync.polling import doubts_watch, spread
from app.sync.schedule import portion
from bench.schedule.calendars import Calendar, DueLine, calendars_of
from bench.schedule.measures import Ledger
from bench.schedule.population import Population, moment
from bench.schedule.scenarios import Scenario
from bench.schedule.servers import Server

CONCURRENT: Final = 40
"""Jobs at once in a worker."""
_SWEEP_SECONDS: Final = 1.0
_SERIES_READS: Final = 0.3
"""The share of runs with changes that have to read a series anew."""
_PUSH_SECONDS: Final = (0.7, 0.8)
"""How long a push takes: mean and deviation of its logarithm; mostly about two seconds."""


class _Act(Protocol):
    def __call__(self, at: float, /) -> None: ...


@dataclass(slots=True, eq=False)
class _Worker:
    """One process."""

    free: int
    paces: Paces
    up: bool = True


class _Run(NamedTuple):
    """One run under way; millions are made."""

    calendar: Calendar
    worker: _Worker
    asked_at: float
    dirty: int
    told: bool
    error: ProviderError | None


class Play:
    """One scenario."""

    def __init__(
        self,
        scenario: Scenario,
        population: Population,
        servers: Mapping[str, Server],
        *,
        processes: int,
        slots: int,
        random: Random,
    ) -> None:
        """`slots` is how many runs a process has under way at once."""
        self.ledger = Ledger()
        self._scenario, self._servers, self._random = scenario, servers, random
        self._seconds = scenario.minutes * 60.0
        self._events: list[tuple[float, int, _Act]] = []
        self._number = count()
        self._workers = [_Worker(slots, Paces()) for _ in range(processes)]
        self._turn = 0
        self._due = DueLine()
        self._queue: deque[Calendar] = deque()
        self._calendars = calendars_of(population, scenario.behind_watch, self._due, random)
        self._changes = population.changes(self._seconds, random)
        self._prepare()

    def run(self) -> Ledger:
        """Play it to its end."""
        changes, position, ledger = self._changes, 0, self.ledger
        while self._events and (at := self._events[0][0]) < self._seconds:
            while position < len(changes) and changes[position][0] <= at:
                self._change(*changes[position])
                position += 1
            if self._events[0][0] < at:
                continue  # a push that came before
            _, _, act = heapq.heappop(self._events)
            act(at)
            ledger.most_waiting = max(ledger.most_waiting, len(self._queue))
        ledger.unseen = [(at, each.number) for each in self._calendars for at in each.unseen]
        return ledger

    def _prepare(self) -> None:
        for number, worker in enumerate(self._workers):
            self._at(number * _SWEEP_SECONDS / len(self._workers), partial(self._sweep, worker))
        if self._scenario.down is not None:
            begin, end = self._scenario.down
            self._at(begin * 60.0, partial(self._turn_workers, False))
            self._at(end * 60.0, partial(self._turn_workers, True))
        if self._scenario.rush is not None:
            self._at(self._scenario.rush * 60.0, self._rush)

    def _at(self, at: float, act: _Act) -> None:
        heapq.heappush(self._events, (at, next(self._number), act))

    def _change(self, at: float, number: int) -> None:
        """A person changes something; perhaps we are told."""
        calendar = self._calendars[number]
        calendar.unseen.append(at)
        end = self._scenario.pushes_end
        arrives = end is None or at < end * 60.0
        if arrives and calendar.watchable and self._random.random() < self._scenario.pushes:
            self._at(at + self._random.lognormvariate(*_PUSH_SECONDS), partial(self._push, calendar))

    def _push(self, calendar: Calendar, at: float) -> None:
        """As `SignalInbox` does: dirty, and a job unless one waits or runs."""
        calendar.dirty += 1
        calendar.believe()
        if not calendar.queued and not calendar.running:
            self._enqueue(calendar)
            self._dispatch(at)

    def _sweep(self, worker: _Worker, at: float) -> None:
        """As `enqueue_due_syncs` does."""
        self._at(at + _SWEEP_SECONDS, partial(self._sweep, worker))
        if not worker.up:
            return
        for calendar in self._due.take(at, portion(len(self._queue))):
            if not calendar.queued and not calendar.running:
                self._enqueue(calendar)
        self._dispatch(at)

    def _enqueue(self, calendar: Calendar) -> None:
        calendar.queued = True
        self._queue.append(calendar)

    def _dispatch(self, at: float) -> None:
        """Workers take jobs in turn while they have places."""
        while self._queue and (worker := self._next_worker()) is not None:
            calendar = self._queue.popleft()
            calendar.queued = False
            if self._start(calendar, worker, at):
                worker.free -= 1

    def _next_worker(self) -> _Worker | None:
        for _ in self._workers:
            self._turn = (self._turn + 1) % len(self._workers)
            worker = self._workers[self._turn]
            if worker.up and worker.free > 0:
                return worker
        return None

    def _start(self, calendar: Calendar, worker: _Worker, at: float) -> bool:
        """Claim it and ask the provider, unless it is put off."""
        now, told = moment(at), calendar.told
        interval = calendar.interval(now, self._scenario.behind_watch)
        lag = None if told else (now - calendar.succeeded_at) / interval
        wait = worker.paces.put_off(calendar.kin, now=now, lag=lag, interval=interval, chance=self._random.random())
        if wait is not None:
            self.ledger.put_off += 1
            self._due.set(calendar, at + wait.total_seconds())
            return False
        self.ledger.begin(at - calendar.due_since, calendar.number, told=told)
        calendar.running = True
        server = self._servers[calendar.kin.provider]
        requests = 2 if calendar.unseen and self._random.random() < _SERIES_READS else 1
        seconds, error = server.ask(at, calendar.kin.account, calendar.kin.connection, requests)
        self._at(at + seconds, partial(self._end, _Run(calendar, worker, at, calendar.dirty, told, error)))
        return True

    def _end(self, run: _Run, at: float) -> None:
        calendar, worker = run.calendar, run.worker
        calendar.running = False
        if run.error is None:
            self._succeed(run, at)
        else:
            self._fail(run, run.error, at)
        again = run.error is None and calendar.dirty != run.dirty
        if not (again and worker.up and self._start(calendar, worker, at)):
            worker.free += 1
        self._dispatch(at)

    def _succeed(self, run: _Run, at: float) -> None:
        """As the engine's `_finish` does."""
        calendar, now = run.calendar, moment(at)
        seen = calendar.see(run.asked_at)
        for changed in seen:
            self.ledger.see(changed, at, calendar.number)
        calendar.synced, calendar.failures, calendar.failing_since = run.dirty, 0, None
        calendar.succeeded_at = now
        if seen:
            calendar.changed_at = now
        if self._scenario.doubting and doubts_watch(changed=bool(seen), told=run.told):
            calendar.watched_until = None
        run.worker.paces.succeeded(calendar.kin, now=now)
        pause = spread(calendar.interval(now, self._scenario.behind_watch), chance=self._random.random())
        self._due.set(calendar, at + pause.total_seconds())

    def _fail(self, run: _Run, error: ProviderError, at: float) -> None:
        """As the engine's `_fail` does."""
        calendar, now = run.calendar, moment(at)
        calendar.failing_since = calendar.failing_since or now
        calendar.failures += 1
        run.worker.paces.failed(calendar.kin, error, now=now)
        decision = verdict(
            error,
            failures=calendar.failures,
            failing_since=calendar.failing_since,
            now=now,
            chance=self._random.random(),
        )
        assert decision.wait is not None, "nothing here breaks a connection"
        self._due.set(calendar, at + decision.wait.total_seconds())

    def _turn_workers(self, up: bool, at: float) -> None:
        for worker in self._workers:
            worker.up = up
        self._dispatch(at)

    def _rush(self, at: float) -> None:
        """Everything of the largest account is due at once."""
        for calendar in self._calendars:
            if calendar.kin.account == 0 and not calendar.running and not calendar.queued:
                self._due.set(calendar, at)
