"""The job that closes a connection after somebody disconnected it.

The one rule: the provider is told first, the secrets are erased last; a provider that cannot be reached is asked
again, and after a day the secrets go anyway.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.calendar import Clock, ProviderName
from app.connections import repository, token_repository
from app.connections.access import CalendarAccess, token_places
from app.connections.channels import channels_of_connection, delete_channel
from app.connections.grants import is_grant_used
from app.database import transaction
from app.models.calendar_writes import CalendarWrite
from app.models.connections import ON_CONNECTION, Calendar, Connection
from app.models.push import PushChannel
from app.providers.base import (
    AmbiguousOutcome,
    Provider,
    ProviderError,
    RateLimited,
    SupportsOAuth,
    Transient,
)
from app.providers.push import Watch
from app.queue import Enqueued, Job, enqueue
from app.vault import SecretUnreadableError, Vault

_ASK_AGAIN = timedelta(minutes=5)
_GIVE_UP = timedelta(days=1)


class Remember(Protocol):
    """What a feature keeps of a connection before its calendars go, in the caller's transaction."""

    async def __call__(self, session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
        """Keep it."""
        ...


class ConnectionCloser:
    """Runs `close_connection`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        vault: Vault,
        providers: dict[ProviderName, Provider],
        access: CalendarAccess,
        clock: Clock,
        *,
        remember: Remember,
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._remember = remember
        self._vault = vault
        self._providers = providers
        self._clock = clock

    async def run(self, account_id: UUID, connection_id: UUID) -> None:
        """Revoke, then erase."""
        async with transaction(self._sessions, account_id) as session:
            connection = await repository.find_closing_connection(session, connection_id)
            if connection is None or connection.disconnected_at is None:
                return
            channels = await channels_of_connection(session, connection_id)
            overdue = self._clock() - connection.disconnected_at > _GIVE_UP
        stopped = await self._stop_watches(connection, channels)
        revoked = (stopped or overdue) and await self._revoke(connection)
        async with transaction(self._sessions, account_id) as session:
            if revoked or overdue:
                for channel in channels:
                    await delete_channel(session, channel)
                await self._remember(session, connection_id, now=self._clock())
                await _remember_places(session, connection_id)
                await repository.delete_connection(session, connection_id)
                # Whoever has connected again meanwhile: what stood there is theirs only now.
                others = await repository.list_connections(session, connection.user_id)
                await enqueue(session, [Enqueued(Job.CONNECTION_READY, account_id, other.id) for other in others])
            else:
                await enqueue(session, [Enqueued(Job.CLOSE_CONNECTION, account_id, connection_id, delay=_ASK_AGAIN)])

    async def _stop_watches(self, connection: Connection, channels: Sequence[PushChannel]) -> bool:
        """Whether the provider will tell us no more; one that refuses to hear has nothing to tell.

        A watch whose token cannot be opened ends by itself.
        """
        way = self._access.watches(connection.account_id, connection.id, connection.provider) if channels else None
        if way is None:
            return True
        try:
            for channel in channels:
                await way[1].stop(Watch(channel.channel_id, channel.resource_id, channel.expires_at))
        except (Transient, RateLimited, AmbiguousOutcome):
            return False
        except ProviderError:
            return True
        return True

    async def _revoke(self, connection: Connection) -> bool:
        """Whether the grant is ended, or not ours to end: whoever connected again while watches stopped lives by it."""
        provider = self._providers[ProviderName(connection.provider)]
        if not isinstance(provider, SupportsOAuth):
            return True
        async with transaction(self._sessions, connection.account_id) as session:
            if await is_grant_used(session, connection):
                return True
            token = await self._token(session, connection.account_id, connection.id)
        if token is None:
            return True
        try:
            await provider.revoke(token)
        except ProviderError:
            return False
        return True

    async def _token(self, session: AsyncSession, account_id: UUID, connection_id: UUID) -> str | None:
        row, key = await token_repository.find_token(session, connection_id) or (None, None)
        if row is None or row.refresh_token is None:
            return None
        try:
            return self._vault.open_by(key, token_places(account_id, connection_id).refresh, row.refresh_token)
        except SecretUnreadableError:
            return None  # nothing to revoke with; erasing is all that is left


async def _remember_places(session: AsyncSession, connection_id: UUID) -> None:
    """Before a connection goes: its writes know their account and calendar by the names of now. Both may have been
    renamed since the write was made, and by them it is found again.
    """
    place = (
        select(Calendar.id, Calendar.provider_calendar_id, Connection.subject)
        .join(Connection, ON_CONNECTION)
        .where(Connection.id == connection_id)
        .subquery()
    )
    await session.execute(
        update(CalendarWrite)
        .where(CalendarWrite.calendar_id == place.c.id)
        .values(provider_calendar_id=place.c.provider_calendar_id, subject=place.c.subject)
        .execution_options(synchronize_session=False)
    )
