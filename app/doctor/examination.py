"""The examination: every check at once, each with a time of its own.

The one rule: a check that fails, hangs or cannot look says so in its own place, and stops no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.calendar import Clock, utc_now
from app.doctor.clients import examine_clients
from app.doctor.clocks import examine_clocks
from app.doctor.configuration import examine_settings, read_settings
from app.doctor.database import examine_database
from app.doctor.deployment import Deployment, NotExaminedError, Wishes
from app.doctor.doors import examine_doors
from app.doctor.findings import Code, Finding, Seen
from app.doctor.issuer import examine_issuer
from app.doctor.keys import examine_keys
from app.doctor.mail import examine_mail
from app.doctor.migrations import examine_migrations
from app.doctor.names import examine_names
from app.doctor.roles import examine_roles
from app.doctor.stray import stray_settings
from app.doctor.work import examine_work
from app.http import HttpClient
from app.settings import DatabaseSettings, Settings


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at."""

    name: str
    look: Callable[[Deployment], Awaitable[Seen]]
    seconds: float = 20.0
    """The longest it may take."""


CHECKS: Final = (
    Check("settings", examine_settings),
    Check("database", examine_database),
    Check("roles", examine_roles),
    Check("migrations", examine_migrations),
    Check("keys", examine_keys, seconds=90),
    Check("work", examine_work),
    Check("issuer", examine_issuer),
    Check("providers", examine_clients, seconds=60),
    Check("clocks", examine_clocks, seconds=40),
    Check("doors", examine_doors, seconds=60),
    Check("names", examine_names, seconds=30),
    Check("mail", examine_mail, seconds=100),
)
"""In the order they are told."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one check."""

    name: str
    facts: str
    findings: tuple[Finding, ...] = ()
    was_looked_at: bool = True


@dataclass(frozen=True, slots=True)
class Examination:
    """What became of all."""

    checks: tuple[Examined, ...]

    @property
    def findings(self) -> list[Finding]:
        """All of them, in their order."""
        return [finding for examined in self.checks for finding in examined.findings]

    @property
    def saw_anything(self) -> bool:
        """Whether a single thing could be looked at."""
        return any(examined.was_looked_at for examined in self.checks)


async def examine(wishes: Wishes, *, clock: Clock = utc_now) -> Examination:
    """Examine the deployment that the environment tells of."""
    settings, unread = read_settings(Settings)
    if settings is not None:
        url: str | None = settings.database_url.get_secret_value()
    else:
        alone, _ = read_settings(DatabaseSettings)
        url = None if alone is None else alone.database_url.get_secret_value()
    async with HttpClient() as http:
        checks = await examine_all(Deployment(url, settings, wishes, clock, http))
    of_settings, *others = checks
    if unread:
        of_settings = Examined(of_settings.name, "cannot be read", unread, was_looked_at=False)
    of_settings = replace(of_settings, findings=(*of_settings.findings, *stray_settings()))
    return Examination((of_settings, *others))


async def examine_all(deployment: Deployment, checks: Sequence[Check] = CHECKS) -> tuple[Examined, ...]:
    """Run checks side by side."""
    return tuple(await asyncio.gather(*(_run(check, deployment) for check in checks)))


async def _run(check: Check, deployment: Deployment) -> Examined:
    try:
        async with asyncio.timeout(check.seconds):
            seen = await check.look(deployment)
    except NotExaminedError as error:
        return Examined(check.name, f"not looked at: {error}", was_looked_at=False)
    except TimeoutError:
        late = Finding(Code.CHECK_TIMED_OUT, f"{check.name}: nothing within {check.seconds:.0f} s")
        return Examined(check.name, "timed out", (late,))
    except Exception as error:  # noqa: BLE001 - it is told as a finding; the other checks go on
        return Examined(check.name, "failed", (Finding(Code.CHECK_FAILED, f"{check.name}: {type(error).__name__}"),))
    return Examined(check.name, seen.facts, seen.findings)
