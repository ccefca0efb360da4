"""What a check of a domain's DNS record means for the domain. Pure.

The one rule: a domain is connected by one good check, and stops being so by bad ones over a day, never by silence.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_ENOUGH: Final = 3
_PATIENCE: Final = timedelta(days=1)


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


def after_check(before: Standing, failure: Failure | None, *, now: datetime) -> Standing:
    """How the domain stands after one more check."""
    if failure is None:
        return Standing(DomainStatus.CONNECTED)
    connected = before.status is DomainStatus.CONNECTED
    if connected and failure in _TELLS_NOTHING:
        return replace(before, failure=failure)
    since, failures = before.failing_since or now, before.failures + 1
    lost = failures >= _ENOUGH and now - since >= _PATIENCE
    status = DomainStatus.CONNECTED if connected and not lost else DomainStatus.FAILED
    return Standing(status, failure, failures, since)
