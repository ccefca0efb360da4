"""Connecting with a user name and a password (R13, R14), where a provider knows no OAuth.

    discover   the credentials are tried, nothing is stored: do they work, what is missing?
    connect    disclosure accepted → tried [no transaction open] → one transaction: connection, secret, calendars, jobs
    change     a new password or address → tried → stored; what was broken heals. What was imported is connected by it:
               disclosure accepted first

The one rule: what the person typed in is tried once per request, and stored, sealed, only when it worked. What is kept
is sent to no server but the one it was typed in for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.entitlements import Entitlement
from app.accounts.idempotency import KeyedRequest, answer_of, claim_or_find
from app.accounts.principal import Principal
from app.accounts.repository import add_disclosure_acceptance
from app.calendar import Clock, ProviderName
from app.connections import token_repository
from app.connections.access import FixedToken, token_places
from app.connections.disclosures import check_accepted
from app.connections.establish import Candidate, Consent, establish
from app.connections.limits import check_may_connect
from app.connections.permission import check_permitted
from app.connections.provider_failures import unavailable_or_upstream
from app.connections.return_urls import allowed_return_url
from app.connections.service import get_connection
from app.database import transaction
from app.errors import (
    AddressNotAllowed,
    AppError,
    CapabilityNotSupported,
    CertificateUntrusted,
    ExchangeAppPasswordRequired,
    ExchangeCredentialsInvalid,
    ExchangeOnlineMailbox,
    ExchangeUrlRequired,
    ExchangeVersionUnsupported,
    FieldError,
    NotFound,
    UpstreamError,
    ValidationFailed,
)
from app.i18n import Language
from app.models.connections import Connection
from app.providers.base import Grant, Provider, ProviderError, ReauthRequired
from app.providers.credentials import (
    ConnectField,
    Credentials,
    CredentialsReason,
    CredentialsRefused,
    PasswordProvider,
    SupportsCredentials,
    Verified,
)
from app.vault import SecretUnreadableError, Vault

REFUSALS: Mapping[CredentialsReason, type[AppError]] = {
    CredentialsReason.INVALID: ExchangeCredentialsInvalid,
    CredentialsReason.APP_PASSWORD_REQUIRED: ExchangeAppPasswordRequired,
    CredentialsReason.URL_REQUIRED: ExchangeUrlRequired,
    CredentialsReason.VERSION_UNSUPPORTED: ExchangeVersionUnsupported,
    CredentialsReason.ONLINE_MAILBOX: ExchangeOnlineMailbox,
    CredentialsReason.CERTIFICATE_UNTRUSTED: CertificateUntrusted,
    CredentialsReason.ADDRESS_NOT_ALLOWED: AddressNotAllowed,
    CredentialsReason.NOT_A_SERVER: UpstreamError,
}
"""What a server can say to credentials, in the contract's words."""
_WHOM_TO_TRUST = ("url", "certificate")
"""With another of these a password goes to another server: it has to be typed in for it (P5)."""


@dataclass(frozen=True, slots=True)
class CredentialsWish:
    """What a person asks for when connecting with a password."""

    provider: str
    client: str
    """web mobile"""
    disclosure_version: str
    return_url: str | None
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a person has accepted, and where they are; None: they do not say."""

    client: str | None
    """web mobile"""
    disclosure_version: str | None


@dataclass(frozen=True, slots=True)
class Discovery:
    """What is known of a server before anything is stored."""

    verified: Verified | None
    """None: fields are missing."""
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that was made, and where the browser goes next."""

    connection: Connection
    return_url: str
    replayed: bool = False
    """The key was answered before."""


class CredentialConnections:
    """Connections made with a password."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        vault: Vault,
        providers: Mapping[ProviderName, Provider],
        clock: Clock,
        *,
        return_urls: Sequence[str],
        mobile_seat: Entitlement,
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._providers = providers
        self._clock = clock
        self._return_urls = return_urls
        self._mobile_seat = mobile_seat

    def fields(self, provider: str) -> Sequence[ConnectField]:
        """What the provider's servers can need."""
        return self._provider(provider).connect_fields

    async def discover(self, principal: Principal, provider: str, client: str, credentials: Credentials) -> Discovery:
        """Try the credentials and store nothing. Raises: the refusals of R3, R9, R13, R14."""
        self._check_person(principal, client)
        try:
            return Discovery(await self._verify(self._provider(provider, anew=True), credentials), ())
        except ExchangeUrlRequired as refusal:
            return Discovery(None, tuple(error.pointer.removeprefix("/") for error in refusal.errors))

    async def connect(
        self, principal: Principal, wish: CredentialsWish, language: Language, *, keyed: KeyedRequest | None = None
    ) -> Connected:
        """The connection, and where the browser goes next.

        Raises: the refusals of R3, R5, R8-R14, IdempotencyKeyReused, RequestInProgress.
        """
        self._check_person(principal, wish.client)
        return_url = allowed_return_url(wish.return_url, self._return_urls, client=wish.client)
        check_accepted(self._providers[ProviderName(wish.provider)], wish.disclosure_version)
        async with transaction(self._sessions, principal.account_id) as session:
            if (before := await self._answered(session, principal, keyed)) is not None:
                return Connected(before, return_url, replayed=True)
            self._provider(wish.provider, anew=True)
            await check_may_connect(session, principal, wish.provider)
        consent = await self._consent(wish.provider, wish.credentials)
        async with transaction(self._sessions, principal.account_id) as session:
            if (before := await self._answered(session, principal, keyed)) is not None:
                return Connected(before, return_url, replayed=True)
            _record_acceptance(session, principal, wish.provider, wish.disclosure_version, language)
            candidate = Candidate(
                account_id=principal.account_id,
                user_id=principal.user,
                provider=wish.provider,
                email=None,
                needs=self._needed_seat(wish.client),
            )
            made, now = await establish(session, self._vault, candidate, consent, now=self._clock()), self._clock()
            if keyed is not None:
                session.add(answer_of(made.account_id, keyed, status_code=201, subject_id=made.id, now=now))
            return Connected(made, return_url)

    async def _answered(
        self, session: AsyncSession, principal: Principal, keyed: KeyedRequest | None
    ) -> Connection | None:
        """What this key was answered before. The password is not tried again for it."""
        if keyed is None:
            return None
        before = await claim_or_find(session, principal.account_id, keyed, now=self._clock())
        return None if before is None else await get_connection(session, principal, before.subject_id)

    async def change(
        self,
        principal: Principal,
        connection_id: UUID,
        fields: Mapping[str, str | None],
        acceptance: Acceptance,
        language: Language,
    ) -> Connection:
        """Store other credentials that work; what was broken heals (R16), and what was imported is connected.

        Raises: NotFound, CapabilityNotSupported (connected by OAuth), ValidationFailed (no password, and another
        server, or what is kept cannot be opened), AccountMismatch, the refusals of R3, R5, R9, R13 and R14.
        """
        client, version = acceptance.client or "web", acceptance.disclosure_version
        self._check_person(principal, client)
        async with transaction(self._sessions, principal.account_id) as session:
            connection = await get_connection(session, principal, connection_id)
            provider = self._provider(connection.provider)
            if version is not None or not connection.subject:
                _check_acceptance(provider, acceptance)
            if fields.get("password") is None and any(name in fields for name in _WHOM_TO_TRUST):
                raise ValidationFailed(errors=[FieldError("/password", "missing")])
            if "password" in fields and fields["password"] is None:
                raise ValidationFailed(errors=[FieldError("/password", "not_allowed")])
            secret = await self._secret(session, connection)
        credentials = _anew(connection.email, fields) if secret is None else provider.changed(secret, **fields)
        consent = await self._consent(connection.provider, credentials)
        async with transaction(self._sessions, principal.account_id) as session:
            if version is not None:
                _record_acceptance(session, principal, connection.provider, version, language)
            candidate = Candidate(
                account_id=principal.account_id,
                user_id=principal.user,
                provider=connection.provider,
                email=connection.email,
                connection_id=connection_id,
                needs=self._needed_seat(client),
            )
            return await establish(session, self._vault, candidate, consent, now=self._clock(), changed=fields)

    async def _consent(self, name: str, credentials: Credentials) -> Consent:
        """Everything the server has to say, asked with no transaction open."""
        provider = self._provider(name)
        verified = await self._verify(provider, credentials)
        try:
            calendars = await provider.open(FixedToken(verified.secret)).list_calendars()
        except ReauthRequired as failure:
            raise ExchangeCredentialsInvalid from failure
        except ProviderError as failure:
            raise unavailable_or_upstream(failure) from failure
        grant = Grant(verified.secret, expires_at=None, refresh_token=None, scopes=frozenset())
        return Consent(grant, verified.identity, tuple(calendars), provider.features.two_way_sync)

    @staticmethod
    async def _verify(provider: SupportsCredentials, credentials: Credentials) -> Verified:
        try:
            return await provider.verify(credentials)
        except CredentialsRefused as refusal:
            raise _problem(refusal) from refusal
        except ProviderError as failure:
            raise unavailable_or_upstream(failure) from failure

    async def _secret(self, session: AsyncSession, connection: Connection) -> str | None:
        """What is kept; None: nothing, as of one that was imported, or it cannot be opened any more."""
        row, key = await token_repository.find_token(session, connection.id) or (None, None)
        if row is None:
            return None
        try:
            return self._vault.open_by(key, token_places(connection.account_id, connection.id).access, row.access_token)
        except SecretUnreadableError:
            return None

    def _check_person(self, principal: Principal, client: str) -> None:
        check_permitted(principal.permissions, principal.seats, needs=self._needed_seat(client))

    def _needed_seat(self, client: str) -> Entitlement | None:
        return self._mobile_seat if client == "mobile" else None

    def _provider(self, name: str, *, anew: bool = False) -> PasswordProvider:
        """Raises: NotFound (nobody connects it `anew` here), CapabilityNotSupported (it is connected by OAuth)."""
        provider = self._providers[ProviderName(name)]
        if anew and not provider.offered:
            raise NotFound
        if not isinstance(provider, SupportsCredentials):
            raise CapabilityNotSupported(detail="oauth_only", extra={"provider": name, "capability": "credentials"})
        return provider


def _check_acceptance(provider: Provider, acceptance: Acceptance) -> None:
    """Whoever connects says where they are and what they have read. Raises: DisclosureNotAccepted, ValidationFailed."""
    check_accepted(provider, acceptance.disclosure_version or "")
    if acceptance.client is None:
        raise ValidationFailed(errors=[FieldError("/client", "missing")])


def _record_acceptance(
    session: AsyncSession, principal: Principal, provider: str, version: str, language: Language
) -> None:
    add_disclosure_acceptance(
        session, principal.account_id, principal.user, provider=provider, version=version, language=language
    )


def _anew(email: str, fields: Mapping[str, str | None]) -> Credentials:
    """Credentials of which nothing but the address is known. Raises: ValidationFailed without a password."""
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if "password" not in given:
        raise ValidationFailed(errors=[FieldError("/password", "missing")])
    return Credentials(email, **given)


def _problem(refusal: CredentialsRefused) -> AppError:
    """The refusal in the contract's words."""
    if refusal.reason is CredentialsReason.ONLINE_MAILBOX:
        return ExchangeOnlineMailbox(extra={"provider": ProviderName.OFFICE365.value})
    errors = [FieldError(f"/{name}", "missing") for name in refusal.missing]
    return REFUSALS[refusal.reason](errors=errors)
