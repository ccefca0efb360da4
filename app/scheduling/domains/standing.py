"""What a check of a domain's DNS record means for the domain, and when it is looked at again. Pure.

    waiting    found soon after its record is set: every minute at first, then less and less often
    connected  every day; every six hours while its record is not there
    given up   after thirty days in vain: checked again only when somebody asks

The one rule: a domain is connected by one good check, and stops being so by bad ones over three days, never by silence.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_ENOUGH: Final = 7
_APART: Final = timedelta(hours=12)
"""Failed checks count once in so long: seven of them are 72 hours, however often somebody asks."""
_DAILY: Final = timedelta(days=1)
_IN_DOUBT: Final = timedelta(hours=6)
_SOONEST: Final = timedelta(minutes=1)
_PART: Final = 10
"""Who has waited an hour is looked at again in six minutes."""
_GIVE_UP: Final = timedelta(days=30)


class DomainStatus(StrEnum):
    """How a domain stands."""

    PENDING = "pending"
    CONNECTED = "connected"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a check failed."""

    RECORD_MISSING = "record_missing"
    RECORD_WRONG = "record_wrong"
    DNS_TIMEOUT = "dns_timeout"
    DNS_FAILED = "dns_failed"
    CONNECTED_ELSEWHERE = "connected_elsewhere"


_TELLS_NOTHING: Final = frozenset({Failure.DNS_TIMEOUT, Failure.DNS_FAILED})
"""Nobody answered: the record may be there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a domain stands, and what the last checks said."""

    status: DomainStatus
    failure: Failure | None = None
    failures: int = 0
    failing_since: datetime | None = None


def after_check(before: Standing, failure: Failure | None, *, asked: bool, now: datetime) -> Standing:
    """How the domain stands after one more check; `asked`: somebody wants to know, else it was looked up by itself."""
    if failure is None:
        return Standing(DomainStatus.CONNECTED)
    if before.status is not DomainStatus.CONNECTED:
        return replace(before, status=DomainStatus.FAILED if asked else before.status, failure=failure)
    if failure in _TELLS_NOTHING:
        return replace(before, failure=failure)
    since = before.failing_since or now
    failures = min(before.failures + 1, 1 + (now - since) // _APART)
    status = DomainStatus.CONNECTED if failures < _ENOUGH else DomainStatus.FAILED
    return Standing(status, failure, failures, since)


def next_check(standing: Standing, *, awaited_since: datetime | None, now: datetime) -> datetime | None:
    """When to look again; None: not before somebody asks. What is not connected is waited for since `awaited_since`."""
    if standing.status is DomainStatus.CONNECTED:
        return now + (_DAILY if standing.failure is None else _IN_DOUBT)
    waited = timedelta() if awaited_since is None else now - awaited_since
    if waited >= _GIVE_UP:
        return None
    return now + max(_SOONEST, min(waited / _PART, _DAILY))
