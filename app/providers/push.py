"""Providers that tell us when something changed.

Glossary: a *watch* is our standing request to be told; a *signal* is what a delivery says of one watch.

The one rule: a signal is a hint and is never believed: it says that a cursor should be asked. Reading one is pure, so
that a receiver can answer at once; whether its secret is right is for whoever knows the watch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.providers.base import ProviderError, TokenSource


class PushUnsupported(ProviderError):
    """This calendar is not told about; it has to be polled."""

    code = "push_unsupported"


class PushScope(StrEnum):
    """What one watch covers."""

    CALENDAR = "calendar"
    MAILBOX = "mailbox"


class News(StrEnum):
    """What a signal is about."""

    CHANGED = "changed"
    STARTED = "started"
    """The watch works; nothing has changed."""
    RENEW = "renew"
    """The provider wants to see a good token, or the watch ends."""
    ENDED = "ended"
    """The provider has ended the watch."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Where to tell us, and by which secret we know who tells."""

    url: str
    lifecycle_url: str
    secret: str

    def __repr__(self) -> str:
        """Never shows the secret."""
        return f"Callback(url={self.url!r})"


@dataclass(frozen=True, slots=True)
class Watch:
    """A standing request, as the provider has it."""

    channel_id: str
    """What its signals call it."""
    resource_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Signal:
    """What a delivery claims."""

    channel_id: str
    secret: str
    news: News


@dataclass(frozen=True, slots=True)
class Handshake:
    """The provider asks whether we are there: answer with this text."""

    text: str


class Watches(Protocol):
    """One connection's watches. Every verb raises ProviderErrors only."""

    async def start(self, calendar_id: str, channel_id: str, callback: Callback, *, until: datetime) -> Watch:
        """Have changes told; `channel_id` is our proposal. Raises: PushUnsupported, …"""
        ...

    async def extend(self, watch: Watch, url: str, *, until: datetime) -> Watch | None:
        """The watch, for longer; None where it cannot be, and another one has to be started beside it. So it is where
        changes are told to another address than `url`, that of the callback.
        """
        ...

    async def stop(self, watch: Watch) -> None:
        """Be told no more. One already gone is done."""
        ...


@runtime_checkable
class SupportsPush(Protocol):
    """A provider that tells us."""

    @property
    def push_scope(self) -> PushScope:
        """What one watch covers."""
        ...

    @property
    def push_lifetime(self) -> timedelta:
        """How long a watch is asked for; the provider may give less."""
        ...

    def watches(self, tokens: TokenSource, *, mailbox: str | None = None) -> Watches:
        """One connection's watches."""
        ...

    def signals(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Handshake | Sequence[Signal]:
        """What a delivery says; nothing, when it says nothing we know. Never raises."""
        ...
