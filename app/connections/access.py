"""The way from a connection to a session at its provider, with a token that is valid now.

The one rule: one refresh at a time per connection, across all processes: whoever holds the committed lease calls the
provider, with no transaction open, and saves what it got before anybody uses it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock, ProviderName
from app.connections import repository, token_repository
from app.connections.health import mark_broken
from app.database import transaction
from app.failpoints import Failpoint, reached
from app.models.connections import Connection
from app.providers.base import (
    CalendarSession,
    Grant,
    Provider,
    ReauthRequired,
    SupportsOAuth,
    TokenSource,
    Transient,
)
from app.providers.push import SupportsPush, Watches
from app.telemetry.metrics import REFRESHES, code_of
from app.vault import SecretPlace, SecretUnreadableError, Vault

_EXPIRES_SOON = timedelta(seconds=60)
_LEASE = timedelta(seconds=30)
_WAIT_SECONDS = 0.1
_WAITS = 250  # a little longer than one refresh may take


class CalendarAccess:
    """Opens sessions for connections."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        vault: Vault,
        providers: Mapping[ProviderName, Provider],
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._providers = providers
        self._clock = clock

    def open(self, account_id: UUID, connection_id: UUID, provider: str) -> CalendarSession:
        """A session at the connection's provider. Makes no call by itself."""
        kind = self._providers[ProviderName(provider)]
        return kind.open(self._tokens(kind, account_id, connection_id), mailbox=str(connection_id))

    async def open_in(self, session: AsyncSession, connection: Connection) -> CalendarSession:
        """The same, with a token read in a transaction that is under way anyway."""
        kind = self._providers[ProviderName(connection.provider)]
        tokens = self._tokens(kind, connection.account_id, connection.id)
        await tokens.look(session)
        return kind.open(tokens, mailbox=str(connection.id))

    def one_service(self, provider: str) -> bool:
        """Whether all who connect there share its limits and its outages."""
        return self._providers[ProviderName(provider)].features.one_service

    def mails_guests(self, provider: str) -> bool:
        """Whether it mails the guests of an event, whoever asks it not to."""
        return not self._providers[ProviderName(provider)].features.can_suppress_notifications

    def watches(self, account_id: UUID, connection_id: UUID, provider: str) -> tuple[SupportsPush, Watches] | None:
        """The connection's watches, and who keeps them; None where the provider tells nobody."""
        kind = self._providers[ProviderName(provider)]
        if not isinstance(kind, SupportsPush):
            return None
        return kind, kind.watches(self._tokens(kind, account_id, connection_id), mailbox=str(connection_id))

    def _tokens(self, kind: Provider, account_id: UUID, connection_id: UUID) -> "_StoredTokens":
        return _StoredTokens(
            self._sessions, self._vault, kind, self._clock, account_id=account_id, connection_id=connection_id
        )


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The stored tokens, opened."""

    access_token: str
    refresh_token: bytes | None
    """Sealed: it is opened where it is used."""
    version: int
    good_until: datetime | None
    """None: until it is refused."""


class _StoredTokens:
    """A `TokenSource` over `connection_tokens`, for the length of one session at the provider."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        vault: Vault,
        provider: Provider,
        clock: Clock,
        *,
        account_id: UUID,
        connection_id: UUID,
    ) -> None:
        self._sessions = sessions
        self._vault = vault
        self._provider = provider
        self._clock = clock
        self._account_id = account_id
        self._connection_id = connection_id
        self._places = token_places(account_id, connection_id)
        self._known: _Tokens | None = None

    async def look(self, session: AsyncSession) -> None:
        """Read ahead. What is not to be had now is asked for, and told of, when it is needed."""
        with suppress(ReauthRequired):
            self._known = await self._stored(session)

    async def token(self) -> str:
        """A token believed to be good."""
        if self._known is None or not self._is_fresh(self._known):
            self._known = await self._read()
        return self._known.access_token if self._is_fresh(self._known) else await self._refreshed(self._known)

    async def renew(self, rejected: str) -> str:
        """A token other than the rejected one."""
        self._known = tokens = await self._read()
        return tokens.access_token if tokens.access_token != rejected else await self._refreshed(tokens)

    async def _refreshed(self, tokens: _Tokens) -> str:
        for _ in range(_WAITS):
            if await self._lease(tokens.version):
                return await self._refresh(tokens)
            await asyncio.sleep(_WAIT_SECONDS)  # another process is at it
            latest = await self._read()
            if latest.version != tokens.version:
                return latest.access_token
            await self._give_up_if_broken()
        raise Transient("another refresh did not end", operation="refresh")

    async def _give_up_if_broken(self) -> None:
        """Whoever held the lease may have learnt that the grant is dead: then there is nothing to wait for."""
        async with self._transaction() as session:
            connection = await repository.find_connection(session, self._connection_id)
        if connection is None or connection.status == "reauthorization_required":
            reason = "disconnected" if connection is None else connection.reason
            raise ReauthRequired("found dead by another refresh", operation="refresh", provider_code=reason)

    async def _refresh(self, tokens: _Tokens) -> str:
        if tokens.refresh_token is None or not isinstance(self._provider, SupportsOAuth):
            reason = "token_expired" if isinstance(self._provider, SupportsOAuth) else "password_changed"
            self._count("none_left")
            return await self._break(tokens, ReauthRequired(operation="refresh", provider_code=reason))
        try:
            grant = await self._provider.refresh(await self._open_refresh_token(tokens.refresh_token))
        except ReauthRequired as refusal:
            self._count(refusal.code)
            return await self._break(tokens, refusal)
        except BaseException as error:
            self._count(code_of(error))
            async with self._transaction() as session:
                await token_repository.release_token_lease(session, self._connection_id, version=tokens.version)
            raise
        self._count("ok")
        reached(Failpoint.REFRESH_BEFORE_PERSIST)
        await self._save(grant, over_version=tokens.version)
        return grant.access_token

    def _count(self, outcome: str) -> None:
        REFRESHES.labels(self._provider.name.value, outcome).inc()

    async def _read(self) -> _Tokens:
        async with self._transaction() as session:
            return await self._stored(session)

    async def _stored(self, session: AsyncSession) -> _Tokens:
        found = await token_repository.find_token(session, self._connection_id)
        if found is None:
            raise ReauthRequired("the connection is gone", operation="token", provider_code="disconnected")
        row, key = found
        with _never_to_be_read():
            access_token = self._vault.open_by(key, self._places.access, row.access_token)
        return _Tokens(
            access_token=access_token,
            refresh_token=row.refresh_token,
            version=row.version,
            good_until=None if row.expires_at is None else row.expires_at - _EXPIRES_SOON,
        )

    def _is_fresh(self, tokens: _Tokens) -> bool:
        return tokens.good_until is None or tokens.good_until > self._clock()

    async def _open_refresh_token(self, sealed: bytes) -> str:
        with _never_to_be_read():
            async with self._transaction() as session:
                return await self._vault.open(session, self._places.refresh, sealed)

    async def _lease(self, version: int) -> bool:
        now = self._clock()
        async with self._transaction() as session:
            return await token_repository.lease_token(
                session, self._connection_id, version=version, now=now, until=now + _LEASE
            )

    async def _save(self, grant: Grant, *, over_version: int) -> None:
        async with self._transaction() as session:
            access, refresh = await seal_grant(self._vault, session, self._account_id, self._connection_id, grant)
            await token_repository.save_token(
                session,
                self._connection_id,
                over_version=over_version,
                access_token=access,
                refresh_token=refresh,
                expires_at=grant.expires_at,
            )

    async def _break(self, tokens: _Tokens, refusal: ReauthRequired) -> str:
        """Say that the grant is dead, and raise it; or the token that took the place of these meanwhile.

        Whoever heals a connection holds its lock until the new tokens are saved, so what is read under it is the truth.
        """
        async with self._transaction() as session:
            connection = await repository.lock_connection(session, self._connection_id)
            latest = await self._stored(session)
            if latest.version != tokens.version:
                return latest.access_token
            reason = refusal.provider_code or "token_revoked"
            if connection is not None:
                await mark_broken(session, connection, reason=reason, now=self._clock())
        raise refusal

    def _transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._sessions, self._account_id)


@contextmanager
def _never_to_be_read() -> Iterator[None]:
    """Raises: ReauthRequired. What does not open never will: only a new secret helps, and that is the person's."""
    try:
        yield
    except SecretUnreadableError as error:
        raise ReauthRequired(operation="token", provider_code="secret_unreadable") from error


class FixedToken(TokenSource):
    """A way in that is not stored yet."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        """What was just granted."""
        return self._token

    async def renew(self, rejected: str) -> str:  # noqa: ARG002 - the protocol's
        """There is no other. Raises: ReauthRequired."""
        raise ReauthRequired("what was granted this minute was refused", operation="renew")


@dataclass(frozen=True, slots=True)
class TokenPlaces:
    """Where a connection's two tokens are sealed for."""

    access: SecretPlace
    refresh: SecretPlace


def token_places(account_id: UUID, connection_id: UUID) -> TokenPlaces:
    """The places of a connection's tokens."""
    return TokenPlaces(
        access=SecretPlace("connection_tokens", "access_token", account_id, connection_id),
        refresh=SecretPlace("connection_tokens", "refresh_token", account_id, connection_id),
    )


async def seal_grant(
    vault: Vault, session: AsyncSession, account_id: UUID, connection_id: UUID, grant: Grant
) -> tuple[bytes, bytes | None]:
    """The grant's tokens, sealed for their row: access and, when the provider gave one, refresh."""
    places = token_places(account_id, connection_id)
    access = await vault.seal(session, places.access, grant.access_token)
    if grant.refresh_token is None:
        return access, None
    return access, await vault.seal(session, places.refresh, grant.refresh_token)
