"""What a person can do, read from their connections (R18).

The one rule: every screen and every refusal asks here, so that they never disagree.
"""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal, Seat
from app.calendar import ProviderName
from app.connections import repository
from app.connections.capabilities import CapabilityState, Link, capabilities
from app.models.connections import Connection
from app.providers.base import Features, Provider


class Overview:
    """Answers what is possible."""

    def __init__(self, providers: Mapping[ProviderName, Provider], *, task_sync_seat: Entitlement) -> None:
        self._providers = providers
        self.task_sync_seat = task_sync_seat

    def features(self, provider: ProviderName) -> Features:
        """What the provider can do at all."""
        return self._providers[provider].features

    async def capabilities(self, session: AsyncSession, principal: Principal) -> tuple[CapabilityState, ...]:
        """The caller's capabilities over the connection that takes bookings."""
        connection = await repository.find_meetings_connection(session, principal.user)
        return self.of(connection, principal.seats)

    def of(self, connection: Connection | None, seats: tuple[Seat, ...]) -> tuple[CapabilityState, ...]:
        """The capabilities of one connection and its person's seats."""
        link = None
        if connection is not None:
            provider = self._providers[ProviderName(connection.provider)]
            link = Link(
                features=provider.features,
                active=connection.status == "active",
                can_write=provider.can_write(frozenset(connection.scopes)),
                can_make_calendars=provider.can_make_calendars(frozenset(connection.scopes)),
            )
        return capabilities(link, seats, self.task_sync_seat)
