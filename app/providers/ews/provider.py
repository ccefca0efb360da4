"""Exchange as a provider: what it can do, how it is connected, and the way into one connection's calendars.

The one rule: nothing here knows a connection; whoever opens a session brings its login.
"""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from app.calendar import Clock, ProviderName
from app.providers.base import Features, TokenSource
from app.providers.credentials import ConnectField, Credentials, Verified
from app.providers.ews import marks
from app.providers.ews.addresses import Guard
from app.providers.ews.client import MAX_CONCURRENCY, Client, Mailbox, RefusedLogins
from app.providers.ews.discovery import URLS, Discovery
from app.providers.ews.lines import Lines
from app.providers.ews.login import Login
from app.providers.ews.reading import DAYS_MAX
from app.providers.ews.session import ExchangeSession
from app.providers.ews.verification import URL_FIELD, Verification
from app.providers.ews.workers import Turns, Workers

_FREE_BUSY_TARGETS: Final = 20
_FIELDS: Final = (
    ConnectField("email", required=True),
    ConnectField("password", required=True, secret=True),
    ConnectField("username", required=False),
    ConnectField(URL_FIELD, required=False),
    ConnectField("version", required=False),
    ConnectField("certificate", required=False),
)


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """What the operator decides about Exchange."""

    offered: bool = True
    """Whether people may connect it."""
    full_sync: bool = False
    """Lifts the limits of R24: EWS can do all of it."""
    allowed_hosts: Sequence[str] = ()
    """Names, addresses and networks that may be private, on any port. Everybody else's are public, on port 443."""
    timeout_seconds: float = 15.0
    """For one request, from the first byte of its connection to the last of its answer."""
    threads: int = 8
    """Requests at once in this process; half of them, at most, at one server."""
    minimum_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    discovery_urls: Sequence[str] = URLS
    """Where a mail domain is asked for its server, in this order; `{domain}` stands for it."""
    discovery_seconds: float = 6.0


class ExchangeProvider:
    """See `app.providers.base.Provider` and `SupportsCredentials`. Close it: it has threads and sockets."""

    name = ProviderName.EXCHANGE

    def __init__(self, settings: ExchangeSettings, *, clock: Clock) -> None:
        """Raises: ValueError for an allowed host that is none."""
        self.offered = settings.offered
        self._workers = Workers(settings.threads, patience=settings.timeout_seconds)
        self._lines = Lines(Guard(settings.allowed_hosts), minimum=settings.minimum_tls)
        self._client = Client(
            lines=self._lines,
            workers=self._workers,
            mailboxes=Turns(MAX_CONCURRENCY),
            servers=Turns(max(1, settings.threads // 2)),
            refused=RefusedLogins(),
            clock=clock,
            timeout_seconds=settings.timeout_seconds,
        )
        self._verification = Verification(
            self._lines,
            Discovery(self._lines, settings.discovery_urls, settings.discovery_seconds),
            settings.timeout_seconds,
        )
        self._keys = Turns(1)
        self._strangers = asyncio.Semaphore(max(1, settings.threads // 4))
        """Servers nobody has vouched for yet may take their time, but not all our threads."""
        self.features = Features(
            two_way_sync=settings.full_sync,
            task_sync=settings.full_sync,
            additional_availability_calendars=settings.full_sync,
            proposed_times=settings.full_sync,
            event_update=settings.full_sync,
            can_suppress_notifications=True,
            video=False,
            free_busy_targets_max=_FREE_BUSY_TARGETS,
            free_busy_days_max=DAYS_MAX,
            max_concurrency=MAX_CONCURRENCY,
            one_service=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, and start nothing more."""
        self._workers.close()
        self._lines.close()

    @property
    def connect_fields(self) -> Sequence[ConnectField]:
        """What to ask the person for, in order."""
        return _FIELDS

    async def verify(self, credentials: Credentials) -> Verified:
        """Sign in once. Raises: CredentialsRefused, Transient, RateLimited."""
        work = partial(self._verification.verify, credentials)
        return await self._workers.run(work, turns=(self._strangers,), to_the_end=False)

    def changed(self, secret: str, **fields: str | None) -> Credentials:
        """The credentials behind a secret with some fields replaced; None: as if never filled in."""
        login = Login.read(secret)
        known = Credentials(
            email=login.email,
            password=login.password,
            username=login.username,
            url=login.url,
            certificate=login.certificate,
        )
        new: dict[str, Any] = dict(fields)
        return replace(known, **new)

    def open(self, tokens: TokenSource, *, mailbox: str | None = None) -> ExchangeSession:  # noqa: ARG002 - by its login
        """A session for one connection."""
        return ExchangeSession(Mailbox(self._client, tokens), self._keys)

    def ical_uid(self, key: str) -> str:
        """The UID is ours to give."""
        return marks.ical_uid(key)

    def missing_scopes(self, granted: frozenset[str]) -> frozenset[str]:  # noqa: ARG002 - a password has no scopes
        """A password grants everything."""
        return frozenset()

    def can_write(self, granted: frozenset[str]) -> bool:  # noqa: ARG002 - a password has no scopes
        """What a calendar allows is in its role."""
        return True

    def can_make_calendars(self, granted: frozenset[str]) -> bool:  # noqa: ARG002 - a password has no scopes
        """A mailbox is its person's."""
        return True
