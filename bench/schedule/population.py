"""Who is connected: accounts of very unequal size, people with a calendar or a few, and when each changes. Pure.

The one rule: everything is drawn from the seed, so a run can be repeated to the second.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeVar

from app.calendar import ProviderName

T = TypeVar("T")

START: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""A Monday on which Europe sits down to work."""
DAY: Final = 86_400.0
_SKEW: Final = 1.2
"""Zipf's exponent: of 2,000 accounts the largest has a fifth of all calendars, the smallest have two."""
_SHARES: Final = {ProviderName.GOOGLE: 0.45, ProviderName.OFFICE365: 0.40, ProviderName.EXCHANGE: 0.15}
_CALENDARS: Final = ((1, 0.60), (2, 0.25), (3, 0.15))
"""Of one connection."""
_LIVELINESS: Final = ((25.0, 0.25), (6.0, 0.45), (0.15, 0.30))
"""Changes on a working day: lively calendars, ordinary ones, dormant ones."""
_OFFSETS: Final = ((-5, 0.3), (0, 0.2), (1, 0.4), (8, 0.1))
"""Hours from UTC."""
_BY_HOUR: Final = (*[0.1] * 8, 0.7, 1.5, 1.5, 1.5, 1.5, 1.0, 1.4, 1.4, 1.4, 1.4, 0.3, 0.3, 0.3, 0.3, 0.1, 0.1)
"""How lively an hour of the local day is, beside the others."""
_NOT_WATCHED: Final = 0.05
"""Calendars that the provider tells nothing of although it tells of others, as of holidays or rooms."""


@dataclass(frozen=True, slots=True)
class Population:
    """The calendars, by number."""

    provider: list[ProviderName]
    account: list[int]
    """Accounts are numbered by size, the largest first."""
    connection: list[int]
    watched: list[bool]
    per_day: list[float]
    offset: list[int]
    sizes: list[int]
    """Of each account."""

    def __len__(self) -> int:
        return len(self.account)

    @classmethod
    def of(cls, calendars: int, accounts: int, random: Random) -> "Population":
        """So many calendars in so many accounts."""
        sizes = _sizes(calendars, accounts)
        population = cls([], [], [], [], [], [], sizes)
        for account, provider in enumerate(_providers(sizes)):
            offset = _drawn(_OFFSETS, random)
            left = sizes[account]
            while left:
                several = min(left, _drawn(_CALENDARS, random))
                population._connect(account, provider, offset, several, random)
                left -= several
        return population

    def _connect(self, account: int, provider: ProviderName, offset: int, several: int, random: Random) -> None:
        connection = self.connection[-1] + 1 if self.connection else 0
        for _ in range(several):
            self.provider.append(provider)
            self.account.append(account)
            self.connection.append(connection)
            self.watched.append(provider is not ProviderName.EXCHANGE and random.random() >= _NOT_WATCHED)
            self.per_day.append(_drawn(_LIVELINESS, random))
            self.offset.append(offset)

    def small_and_large(self) -> tuple[set[int], set[int]]:
        """The accounts that hold the last tenth of all calendars, and those that hold the first half."""
        small, large, seen = set(), set(), 0
        for account, size in enumerate(self.sizes):
            if seen < len(self) / 2:
                large.add(account)
            if seen >= len(self) * 0.9:
                small.add(account)
            seen += size
        return small, large

    def changes(self, seconds: float, random: Random) -> list[tuple[float, int]]:
        """When which calendar changes, in order."""
        drawn: list[tuple[float, int]] = []
        for calendar, per_day in enumerate(self.per_day):
            offset, begin = self.offset[calendar], 0.0
            while begin < seconds:
                end = min(seconds, begin + 3600.0)
                rate = per_day * _share_of_hour(begin, offset) / 3600.0
                at = begin + random.expovariate(rate)
                while at < end:
                    drawn.append((at, calendar))
                    at += random.expovariate(rate)
                begin = end
        drawn.sort()
        return drawn

    def last_change(self, calendar: int, random: Random) -> datetime:
        """When it changed last before the start."""
        return START - timedelta(seconds=random.expovariate(self.per_day[calendar] / DAY))


def moment(seconds: float) -> datetime:
    """The time so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def _share_of_hour(begin: float, offset: int) -> float:
    """The share of a day's changes that an hour has."""
    hour = (START.hour + offset + math.floor(begin / 3600.0)) % 24
    return _BY_HOUR[hour] / sum(_BY_HOUR)


def _sizes(calendars: int, accounts: int) -> list[int]:
    weights = [1.0 / rank**_SKEW for rank in range(1, accounts + 1)]
    sizes = [max(1, math.floor(calendars * weight / sum(weights))) for weight in weights]
    sizes[0] += calendars - sum(sizes)
    return sizes


def _providers(sizes: list[int]) -> list[ProviderName]:
    """One for each account, so that the shares come out by calendars."""
    has = dict.fromkeys(_SHARES, 0)
    chosen = []
    for size in sizes:
        provider = min(_SHARES, key=lambda name: has[name] / _SHARES[name])
        has[provider] += size
        chosen.append(provider)
    return chosen


def _drawn(choices: tuple[tuple[T, float], ...], random: Random) -> T:
    return random.choices([choice for choice, _ in choices], [weight for _, weight in choices])[0]
