"""Connecting by OAuth: from the accepted disclosure to a connection (R3, R5-R8).

    create    disclosure accepted → one-time state, PKCE → the provider's consent page
    complete  state taken (once) → code exchanged, account identified, calendars listed [no transaction open]
                → one transaction: connection, tokens, calendars, settings, jobs

The one rule: nothing is stored of a consent that is not acceptable: wrong account, missing scopes, limit reached.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal
from app.accounts.repository import add_audit_entry, add_disclosure_acceptance
from app.calendar import CalendarRef, Clock, Identity, ProviderName
from app.connections import repository
from app.connections.access import FixedToken
from app.connections.disclosures import check_accepted
from app.connections.establish import Candidate, Consent, establish
from app.connections.limits import check_may_connect
from app.connections.permission import check_permitted
from app.connections.provider_failures import unavailable_or_upstream
from app.connections.return_urls import allowed_return_url
from app.database import enter_account, transaction
from app.errors import (
    AdminConsentRequired,
    AppError,
    AuthorizationStateInvalid,
    CapabilityNotSupported,
    ConsentDenied,
    InternalError,
    NotFound,
    Office365MailboxMissing,
    ScopesMissing,
    UpstreamError,
)
from app.i18n import Language
from app.ids import new_id
from app.models.connections import Connection, ConnectionAuthorization
from app.models.directory import Directory, DirectoryEntry
from app.providers.base import (
    ConsentRefused,
    OAuthProvider,
    PermissionDenied,
    Provider,
    ProviderError,
    ReauthRequired,
    SupportsOAuth,
    Unsupported,
)
from app.vault import SecretPlace, SecretUnreadableError, Vault

LIFETIME = timedelta(minutes=15)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What a person asks for when connecting."""

    provider: str
    client: str
    """web mobile"""
    disclosure_version: str
    return_url: str | None
    login_hint: str | None
    connection_id: UUID | None = None
    """The connection to authorize again; None: a broken one, or a new one."""


@dataclass(frozen=True, slots=True)
class ReauthorizeRequest:
    """What a person asks for when healing."""

    client: str
    disclosure_version: str
    return_url: str | None


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt, and where to send the browser."""

    authorization: ConnectionAuthorization
    authorization_url: str


class Authorizations:
    """The OAuth attempts."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        vault: Vault,
        providers: dict[ProviderName, Provider],
        clock: Clock,
        *,
        public_url: str,
        return_urls: Sequence[str],
        mobile_seat: Entitlement,
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._providers = providers
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._return_urls = return_urls
        self._mobile_seat = mobile_seat

    async def create(
        self, session: AsyncSession, principal: Principal, body: ConnectRequest, language: Language
    ) -> Started:
        """Start an attempt. Raises: the refusals of R3, R5, R8, R9, R12 as AppErrors."""
        check_permitted(principal.permissions, principal.seats, needs=self._needed_seat(body.client))
        provider = self._oauth_provider(body.provider)
        return_url = allowed_return_url(body.return_url, self._return_urls, client=body.client)
        check_accepted(self._providers[ProviderName(body.provider)], body.disclosure_version)
        if body.connection_id is None:
            await check_may_connect(session, principal, body.provider)
        add_disclosure_acceptance(
            session,
            principal.account_id,
            principal.user,
            provider=body.provider,
            version=body.disclosure_version,
            language=language,
        )
        return await self._start(session, principal, body, provider, return_url)

    async def reauthorize(
        self,
        session: AsyncSession,
        principal: Principal,
        connection: Connection,
        body: ReauthorizeRequest,
        language: Language,
    ) -> Started:
        """Start to heal a connection, or to grant it more. Raises: CapabilityNotSupported (connected by password), …"""
        if not isinstance(self._providers.get(ProviderName(connection.provider)), SupportsOAuth):
            raise CapabilityNotSupported(
                detail="password_only", extra={"provider": connection.provider, "capability": "reauthorize"}
            )
        request = ConnectRequest(
            provider=connection.provider,
            client=body.client,
            disclosure_version=body.disclosure_version,
            return_url=body.return_url,
            login_hint=connection.email,
            connection_id=connection.id,
        )
        return await self.create(session, principal, request, language)

    async def _start(
        self,
        session: AsyncSession,
        principal: Principal,
        body: ConnectRequest,
        provider: SupportsOAuth,
        return_url: str,
    ) -> Started:
        state, verifier, row_id = secrets.token_urlsafe(32), secrets.token_urlsafe(64), new_id()
        authorization = ConnectionAuthorization(
            account_id=principal.account_id,
            id=row_id,
            user_id=principal.user,
            provider=body.provider,
            client=body.client,
            status="pending",
            state_hash=hashlib.sha256(state.encode()).digest(),
            code_verifier=await self._vault.seal(session, self._verifier_place(principal.account_id, row_id), verifier),
            return_url=return_url,
            login_hint=body.login_hint,
            disclosure_version=body.disclosure_version,
            connection_id=body.connection_id,
            expires_at=self._clock() + LIFETIME,
            created_at=self._clock(),
        )
        session.add(authorization)
        session.add(
            DirectoryEntry(
                kind=Directory.OAUTH_STATE,
                key=authorization.state_hash.hex(),
                account_id=principal.account_id,
                target_id=row_id,
            )
        )
        url = provider.authorization_url(
            state=state,
            code_challenge=_challenge(verifier),
            redirect_uri=self._redirect_uri(body.provider),
            login_hint=body.login_hint,
        )
        return Started(authorization, url)

    async def get(self, session: AsyncSession, principal: Principal, authorization_id: UUID) -> ConnectionAuthorization:
        """The caller's own attempt; an old pending one reads as expired. Raises: NotFound."""
        authorization = await repository.find_authorization(session, authorization_id)
        if authorization is None or authorization.user_id != principal.user:
            raise NotFound
        if authorization.status == "pending" and authorization.expires_at <= self._clock():
            authorization.status = "expired"
        return authorization

    async def complete(
        self, provider: str, *, state: str, code: str | None, error: str | None, description: str | None = None
    ) -> ConnectionAuthorization:
        """Finish an attempt with what the provider sent back; the outcome stands in the row, also that it is too late.

        Raises: AuthorizationStateInvalid for a state that is unknown, used, or another provider's.
        """
        authorization, candidate, verifier = await self._take(provider, state)
        if verifier is None:
            return authorization
        try:
            if error is not None or code is None:
                raise _denial(self._oauth_provider(provider).refused(error or "", description))
            consent = await self._collect(authorization, code, verifier)
            return await self._establish(authorization, candidate, consent)
        except AppError as refusal:
            return await self._fail(authorization, refusal)
        except (DBAPIError, PoolTimeoutError, SecretUnreadableError):
            log.exception("connection_authorization.interrupted")
            return await self._fail(authorization, InternalError())

    async def _take(self, provider: str, state: str) -> tuple[ConnectionAuthorization, Candidate, str | None]:
        """The attempt a state belongs to, once, and what finishes it: who, and the verifier. That is kept no longer.

        No verifier: it is too late, and the attempt says so from now on.
        """
        async with transaction(self._sessions, None) as session:
            entry = await repository.take_oauth_state(session, hashlib.sha256(state.encode()).hexdigest())
            if entry is None:
                raise AuthorizationStateInvalid
            await enter_account(session, entry.account_id)
            authorization = await repository.find_authorization(session, entry.target_id)
            if authorization is None or authorization.provider != provider:
                raise AuthorizationStateInvalid
            candidate = Candidate(
                account_id=authorization.account_id,
                user_id=authorization.user_id,
                provider=authorization.provider,
                email=authorization.login_hint,
                connection_id=authorization.connection_id,
                needs=self._needed_seat(authorization.client),
            )
            verifier = await self._verifier(session, authorization)
            authorization.login_hint, authorization.code_verifier = None, b""
            if verifier is None:
                authorization.status, authorization.code = "expired", AuthorizationStateInvalid.code
            return authorization, candidate, verifier

    async def _verifier(self, session: AsyncSession, authorization: ConnectionAuthorization) -> str | None:
        """What the attempt is finished with; None when it has expired, or when its key has gone."""
        if authorization.status != "pending" or authorization.expires_at <= self._clock():
            return None
        try:
            place = self._verifier_place(authorization.account_id, authorization.id)
            return await self._vault.open(session, place, authorization.code_verifier)
        except SecretUnreadableError:
            return None

    async def _collect(self, authorization: ConnectionAuthorization, code: str, verifier: str) -> Consent:
        """Everything the provider has to say, asked with no transaction open."""
        provider = self._oauth_provider(authorization.provider)
        try:
            grant = await provider.exchange_code(
                code, code_verifier=verifier, redirect_uri=self._redirect_uri(authorization.provider)
            )
            if provider.missing_scopes(grant.scopes):
                raise ScopesMissing  # and the grant is left alone: somebody else's connection may live by it
            identity = await provider.identify(grant.access_token)
            calendars = await provider.open(FixedToken(grant.access_token)).list_calendars()
        except (ConsentRefused, ReauthRequired) as refusal:
            raise _denial(refusal) from refusal
        except PermissionDenied as refusal:
            raise ScopesMissing from refusal
        except Unsupported as refusal:
            raise Office365MailboxMissing from refusal
        except ProviderError as failure:
            raise unavailable_or_upstream(failure) from failure
        return Consent(grant, identity, _with_primary(calendars, identity), provider.features.two_way_sync)

    async def _establish(
        self, authorization: ConnectionAuthorization, candidate: Candidate, consent: Consent
    ) -> ConnectionAuthorization:
        async with transaction(self._sessions, authorization.account_id) as session:
            authorization = await session.merge(authorization, load=False)
            connection = await establish(session, self._vault, candidate, consent, now=self._clock())
            authorization.status = "completed"
            authorization.connection_id = connection.id
            return authorization

    async def _fail(self, authorization: ConnectionAuthorization, refusal: AppError) -> ConnectionAuthorization:
        async with transaction(self._sessions, authorization.account_id) as session:
            authorization = await session.merge(authorization, load=False)
            authorization.status = "denied" if isinstance(refusal, ConsentDenied) else "failed"
            authorization.code = refusal.code
            add_audit_entry(
                session,
                authorization.account_id,
                actor=f"user:{authorization.user_id}",
                action="connection_authorization.failed",
                subject_id=authorization.id,
                code=refusal.code,
            )
            return authorization

    def _needed_seat(self, client: str) -> Entitlement | None:
        return self._mobile_seat if client == "mobile" else None

    def _oauth_provider(self, name: str) -> OAuthProvider:
        provider = self._providers.get(ProviderName(name)) if name in set(ProviderName) else None
        if provider is None or not provider.offered or not isinstance(provider, SupportsOAuth):
            raise NotFound
        return provider

    def _redirect_uri(self, provider: str) -> str:
        return f"{self._public_url}/v1/oauth/{provider}/callback"

    @staticmethod
    def _verifier_place(account_id: UUID, authorization_id: UUID) -> SecretPlace:
        return SecretPlace("connection_authorizations", "code_verifier", account_id, authorization_id)


def _denial(refusal: ProviderError) -> AppError:
    """A consent that was not given, in the contract's words."""
    match refusal.provider_code:
        case "admin_consent_required":
            return AdminConsentRequired()
        case "access_denied":
            return ConsentDenied()
        case _ if refusal.operation.endswith("authorize"):
            return UpstreamError(detail="consent")
    return ConsentDenied(detail="refused")


def _with_primary(calendars: Sequence[CalendarRef], identity: Identity) -> tuple[CalendarRef, ...]:
    if not any(calendar.primary for calendar in calendars):
        raise UpstreamError(detail="no_primary_calendar", values={"email": identity.email})
    return tuple(calendars)


def _challenge(verifier: str) -> str:
    """PKCE S256 (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
