"""The clocks: ours beside those of the database, the issuer and the providers.

The one rule: what an answer took on its way is no drift: half of it, and the second to which HTTP tells the time, are
taken off.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from app.calendar import Clock
from app.doctor.deployment import Deployment, NotExaminedError
from app.doctor.findings import Code, Finding, Seen
from app.http import HttpError

MOST: Final = timedelta(seconds=5)
_SECONDS: Final = 5.0
_A_SECOND: Final = timedelta(seconds=1)
_NOTHING: Final = timedelta()

Ask = Callable[[], Awaitable[datetime | None]]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far another clock is from ours: ahead of it, or behind."""

    by: timedelta
    unsure: timedelta

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than the way of the answer can explain."""
        return abs(self.by) - self.unsure > MOST


async def examine_clocks(deployment: Deployment) -> Seen:
    """Ask each for the time."""
    said, findings = [], []
    sources = {"the database": (_of_database(deployment), _NOTHING)}
    sources |= {name: (_of_server(deployment, url), _A_SECOND) for name, url in _servers(deployment).items()}
    for name, (ask, grain) in sources.items():
        drift = await measure(ask, deployment.clock, grain)
        if drift is None:
            continue
        said.append(f"{name} {drift.by.total_seconds():+.1f} s")
        if drift.is_too_much:
            findings.append(
                Finding(Code.CLOCK_DRIFTS, f"{name} is {drift.by.total_seconds():+.1f} s from this machine")
            )
    if not said:
        raise NotExaminedError("nobody told the time")
    return Seen(", ".join(said), tuple(findings))


async def measure(ask: Ask, clock: Clock, grain: timedelta) -> Drift | None:
    """How far the one who is asked is from us; None: they do not say. `grain` is how exactly they tell the time."""
    before = clock()
    theirs = await ask()
    after = clock()
    if theirs is None:
        return None
    way = (after - before) / 2
    return Drift(by=theirs + grain / 2 - (before + way), unsure=way + grain / 2)


def _servers(deployment: Deployment) -> dict[str, str]:
    if deployment.configuration is None:
        return {}
    settings = deployment.settings
    servers = {"the issuer": settings.jwks_url}
    if settings.google_client_id:
        servers["google"] = settings.google_token_url
    if settings.office365_client_id:
        servers["office365"] = f"{settings.office365_authority_url.rstrip('/')}/oauth2/v2.0/token"
    return servers


def _of_database(deployment: Deployment) -> Ask:
    async def ask() -> datetime | None:
        try:
            async with deployment.connected() as connection:
                told: datetime = await connection.fetchval("SELECT clock_timestamp()")
                return told
        except NotExaminedError:
            return None

    return ask


def _of_server(deployment: Deployment, url: str) -> Ask:
    async def ask() -> datetime | None:
        try:
            answer = await deployment.http.send("GET", url, timeout_seconds=_SECONDS, status_only=True)
            return parsedate_to_datetime(answer.headers["Date"])
        except (HttpError, KeyError, ValueError):
            return None

    return ask
