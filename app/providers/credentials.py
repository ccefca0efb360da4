"""Connecting with a user name and a password, where there is no OAuth (R13, R14).

The one rule: what the person typed in is tried once, and shown by nothing: no representation, no error, no log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.calendar import Identity
from app.providers.base import Provider, ProviderError


class CredentialsReason(StrEnum):
    """Why credentials were not good. Each is a problem of its own to the person."""

    INVALID = "invalid"
    """User name or password refused. Asked once: a directory locks accounts that are tried often."""
    APP_PASSWORD_REQUIRED = "app_password_required"  # noqa: S105 - a reason, not a password
    """Two-factor sign-in stands in the way."""
    URL_REQUIRED = "url_required"
    """The server could not be found from the address."""
    VERSION_UNSUPPORTED = "version_unsupported"
    ONLINE_MAILBOX = "online_mailbox"
    """The mailbox lives in Exchange Online."""
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    """The URL leads where we do not go: a private address, another scheme, a redirect to another host."""
    NOT_A_SERVER = "not_a_server"
    """Something answered that does not speak the protocol."""


class CredentialsRefused(ProviderError):
    """What the person typed in is not good for a connection; `reason` says why, `missing` what else is needed."""

    code = "credentials_refused"

    def __init__(self, reason: CredentialsReason, *, missing: tuple[str, ...] = (), operation: str = "verify") -> None:
        super().__init__(reason.value, operation=operation, provider_code=reason.value)
        self.reason = reason
        self.missing = missing
        """Names of connect fields this server needs, beyond those that were filled in."""


@dataclass(frozen=True, slots=True)
class ConnectField:
    """Something to ask the person for; its texts have the keys `connect_field.{name}.label` and `.help`."""

    name: str
    required: bool
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person typed in to connect."""

    email: str
    password: str
    username: str | None = None
    """None: the part of the address before the @ (R13)."""
    url: str | None = None
    """None: to be discovered."""
    version: str | None = None
    """None: to be found out."""
    certificate: str | None = None
    """A certification authority of the server's own, PEM."""

    def __repr__(self) -> str:
        """Never shows a secret."""
        return "Credentials(***)"


@dataclass(frozen=True, slots=True)
class Verified:
    """Credentials that worked."""

    identity: Identity
    secret: str
    """Everything a session needs, the password included, in the provider's own form; what `open` gets as its token."""
    url: str
    version: str

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Verified(url={self.url!r}, version={self.version!r})"


@runtime_checkable
class SupportsCredentials(Protocol):
    """A provider that is connected with a user name and a password (R13, R14)."""

    @property
    def connect_fields(self) -> Sequence[ConnectField]:
        """What to ask for, in order."""
        ...

    async def verify(self, credentials: Credentials) -> Verified:
        """Sign in once, and find out what was left open. Raises: CredentialsRefused, Transient."""
        ...

    def changed(self, secret: str, **fields: str | None) -> Credentials:
        """The credentials behind a secret with some fields replaced; None: as if never filled in."""
        ...


class PasswordProvider(Provider, SupportsCredentials, Protocol):
    """A provider that is one by a user name and a password."""
