"""How fast one process asks connections that fail together: all those of a provider, or of an account at Exchange.

    no limit              until three connections fail within seconds, and enough of what is asked fails
    refused for a limit   nine tenths of what was still answered; from there it is raised step by step
    no answers            one probe in ten seconds; after the first answer a seventh more each second, up to half
                          as much again as was usual before

A run that finds no room is put off without asking: a refused request counts against a limit as well, and a dead server
costs a worker's place for as long as its time-out lasts.

The one rule: what a person or a push waits for goes before polls, and of the polls the one that is most overdue.
"""

import math
import random
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.providers.base import ProviderError, RateLimited, Transient

_MEMORY: Final = 10.0
"""Seconds over which outcomes are weighed."""
_CONNECTIONS: Final = 3
"""Fewer of them failing is their own trouble, not everybody's."""
_REFUSED_SHARE: Final = 0.05
_FAILED_SHARE: Final = 0.5
_BETWEEN_CUTS: Final = 5.0
_CUT: Final = 0.9
_DEEPEST_CUT: Final = 0.7
_USUAL: Final = 300.0
"""Seconds over which is learnt what is usual."""
_BEYOND_USUAL: Final = 1.5
"""How much more than usual is asked at once of a provider that has come back."""
_PROBES: Final = 0.1
"""Runs a second when nothing is answered."""
_QUICKLY: Final = 1.15
_SLOWLY: Final = 1.01
_BOLDLY: Final = 1.05
"""By how much the rate grows in a second: far from the last limit, near it, and near it after long without a refusal:
the limit must have been another."""
_CAREFUL: Final = 15.0
_BOLD: Final = 90.0
"""Seconds without a refusal: until then slowly, from then on boldly."""
_SAVED: Final = 5.0
"""Seconds of the rate that can be saved up."""
_LEARNT: Final = 0.02
"""How much one poll that was admitted says of the next."""
_FULL: Final = 0.9
_WELL_AFTER: Final = 30.0
_LONGEST_CLOSED: Final = 60.0
_SOON: Final = timedelta(seconds=20)
_LONGEST_WAIT: Final = timedelta(minutes=15)
"""For a poll, when a limit is known."""
_LONGEST_DOWN: Final = timedelta(minutes=2)
_LONGEST_RISING: Final = timedelta(minutes=1)
"""The same when nothing is answered, and when it is again and nobody knows how much."""
_LEAST_LAG: Final = 0.25


@dataclass(frozen=True, slots=True)
class Kin:
    """With whom a run shares its fate."""

    provider: str
    account: Hashable
    connection: Hashable
    shared: bool = True
    """The provider is one service for all; else each account has a server of its own, as with Exchange."""

    @property
    def key(self) -> Hashable:
        """The same for all who share it."""
        return self.provider if self.shared else (self.provider, self.account)


class Pace:
    """The pace of one such population, from its first failure until it is well again."""

    def __init__(self, now: float) -> None:
        """All times here are POSIX seconds."""
        self._rate = math.inf
        self._ceiling = math.inf
        self._level = 0.0
        self._turn = 1.0
        """How overdue polls are by the time they are admitted, in their own intervals."""
        self._born = self._seen = self._weighed = now
        self._good = self._refused = self._failed = self._usual = 0.0
        self._ill: dict[Hashable, float] = {}
        self._cut_at = self._bad_at = self._closed_until = -math.inf
        self._recovering = self._down = False

    @property
    def limits(self) -> bool:
        """Whether runs are put off at all."""
        return self._rate < math.inf

    def well(self, now: float) -> bool:
        """Nothing has failed for a while, and the limit no longer limits."""
        quiet = now - self._bad_at > _WELL_AFTER
        return quiet and (not self.limits or self._level >= self._most * _FULL)

    def admit(self, now: float, lag: float | None) -> bool:
        """Whether to run now. `lag` is how many of its own intervals a poll has waited; None: somebody waits."""
        if not self.limits:
            return True
        self._refill(now)
        needed = 1.0 if lag is None else 1.0 + (self._most - 1.0) / (1.0 + max(lag, 0.0))
        if now < self._closed_until or self._level < needed:
            return False
        self._level -= 1.0
        if lag is not None:
            self._turn += (lag - self._turn) * _LEARNT
        return True

    def wait(self, now: float, lag: float | None, interval: timedelta, chance: float) -> timedelta:
        """How long to put off whoever was not admitted: a poll until its turn comes, by whose turn it is now."""
        closed = timedelta(seconds=max(0.0, self._closed_until - now))
        if lag is None:
            soon = _SOON * 3 if self._down and not self._recovering else _SOON
            return closed + soon * (0.5 + chance / 2)
        if self._down and not self._recovering:
            return _LONGEST_DOWN * (0.5 + chance / 2)
        longest = _LONGEST_RISING if self._down else _LONGEST_WAIT
        # Not more than what it has waited already: things may be better by then.
        left = min(max(self._turn - lag, _LEAST_LAG), max(lag, 1.0), longest / interval)
        return max(closed, interval * left * (0.75 + chance / 4))

    def succeeded(self, now: float) -> None:
        """A run was answered."""
        self._weigh(now)
        self._good += 1.0
        self._recovering = True
        if self.limits and self.well(now):
            self._rate, self._down = math.inf, False

    def failed(self, now: float, connection: Hashable, error: ProviderError) -> None:
        """A run was refused for a limit, or not answered."""
        self._weigh(now)
        self._refill(now)
        self._ill.pop(connection, None)
        self._ill[connection] = now  # the last in order; more than the few that count need not be known
        if len(self._ill) > _CONNECTIONS:
            del self._ill[next(iter(self._ill))]
        self._bad_at, self._recovering = now, False
        if isinstance(error, Transient):
            self._failed += 1.0
        else:
            self._refused += 1.0
        asked = self._good + self._refused + self._failed
        if len(self._ill) < _CONNECTIONS or now - self._cut_at < _BETWEEN_CUTS:
            return
        if self._failed >= _FAILED_SHARE * asked:
            self._stop(now)
        elif self._refused >= _REFUSED_SHARE * asked:
            self._slow_down(now, error.retry_after)

    def _answered(self, now: float) -> float:
        """Runs a second that went well of late."""
        return self._good / max(_MEMORY * -math.expm1((self._born - now) / _MEMORY), 1.0)

    @property
    def _most(self) -> float:
        return max(2.0, self._rate * _SAVED)

    def _stop(self, now: float) -> None:
        self._cut_at, self._rate, self._level, self._down = now, _PROBES, 0.0, True
        self._ceiling = self._usual * _BEYOND_USUAL or math.inf

    def _slow_down(self, now: float, retry_after: float | None) -> None:
        """The limit is about what was still answered; less, if it was only saved up."""
        answered = self._answered(now)
        known = self._rate if self.limits else 0.0
        self._ceiling = max(_PROBES, min(self._rate, max(answered, known * _DEEPEST_CUT / _CUT)))
        self._cut_at, self._rate, self._down = now, max(_PROBES, self._ceiling * _CUT), False
        self._level = min(self._level, self._most / 2)
        self._closed_until = now + min(retry_after or 0.0, _LONGEST_CLOSED)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._seen)
        self._seen = now
        if not self.limits or passed == 0.0:
            return
        if self._recovering:
            self._rate *= self._growth(now) ** min(passed, _MEMORY)
        self._level = min(self._most, self._level + self._rate * passed)

    def _growth(self, now: float) -> float:
        if self._rate < self._ceiling * _CUT:
            return _QUICKLY
        if self._down:
            return _SLOWLY
        quiet = now - max(self._bad_at, self._cut_at)
        bold = min(1.0, max(0.0, (quiet - _CAREFUL) / (_BOLD - _CAREFUL)))
        return _SLOWLY + (_BOLDLY - _SLOWLY) * bold

    def _weigh(self, now: float) -> None:
        """What is older weighs less."""
        passed, self._weighed = max(0.0, now - self._weighed), now
        if passed == 0.0:
            return
        if not self.limits:
            known = min(now - self._born, _USUAL)
            self._usual += (self._answered(now) - self._usual) * min(1.0, passed / max(known, passed))
        faded = math.exp(-passed / _MEMORY)
        self._good *= faded
        self._refused *= faded
        self._failed *= faded
        self._ill = {name: at for name, at in self._ill.items() if now - at < _MEMORY}


class Paces:
    """The paces of one process: of every shared provider, and of accounts for as long as something of theirs fails."""

    def __init__(self) -> None:
        self._paces: dict[Hashable, Pace] = {}

    def put_off(
        self, kin: Kin, *, now: datetime, lag: float | None, interval: timedelta, chance: float | None = None
    ) -> timedelta | None:
        """How long the run has to wait; None: it may start, and its outcome shall be told.

        `lag` is how many of its own intervals the calendar has waited for this poll; None: somebody told us of a change
        or asked for the run. `chance` in [0, 1) is for tests.
        """
        pace = self._paces.get(kin.key)
        at = now.timestamp()
        if pace is None or pace.admit(at, lag):
            return None
        return pace.wait(at, lag, interval, random.random() if chance is None else chance)  # noqa: S311 - jitter

    def succeeded(self, kin: Kin, *, now: datetime) -> None:
        """The provider answered."""
        at = now.timestamp()
        pace = self._paces.get(kin.key)
        if pace is None:
            if not kin.shared:
                return
            pace = self._paces[kin.key] = Pace(at)
        pace.succeeded(at)
        if not kin.shared and pace.well(at):
            del self._paces[kin.key]

    def failed(self, kin: Kin, error: ProviderError, *, now: datetime) -> None:
        """The provider refused, or did not answer. Other failures are the calendar's own."""
        if isinstance(error, RateLimited | Transient):
            at = now.timestamp()
            self._paces.setdefault(kin.key, Pace(at)).failed(at, kin.connection, error)
