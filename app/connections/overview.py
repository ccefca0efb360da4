"""What a person can do, read from their connections (R18).

The one rule: every screen and every refusal asks here, so that they never disagree.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.entitlements import Entitlement
from app.accounts.principal import Principal, Seat
from app.calendar import ProviderName
from app.connections import repository
from app.connections.capabilities import Capability, CapabilityState, Link, capabilities
from app.models.connections import Connection
from app.providers.base import Features, Provider, SupportsOAuth

_SYNC = frozenset({Capability.CALENDAR_SYNC, Capability.TASK_SYNC, Capability.CRM_MEETINGS})
"""What the connection of the purpose `calendar` serves; all else is the one's that takes bookings."""


class Overview:
    """Answers what is possible."""

    def __init__(self, providers: Mapping[ProviderName, Provider], *, task_sync_seat: Entitlement) -> None:
        self._providers = providers
        self.task_sync_seat = task_sync_seat

    def features(self, provider: ProviderName) -> Features:
        """What the provider can do at all."""
        return self._providers[provider].features

    def syncs(self, connection: Connection) -> bool:
        """Whether the connection's provider can be kept in step with the CRM at all."""
        return self.features(ProviderName(connection.provider)).two_way_sync

    async def capabilities(self, session: AsyncSession, principal: Principal) -> tuple[CapabilityState, ...]:
        """The caller's capabilities; with two connections (R12), each over the one that serves it."""
        return self.over(await repository.list_connections(session, principal.user), principal.seats)

    def over(self, connections: Sequence[Connection], seats: tuple[Seat, ...]) -> tuple[CapabilityState, ...]:
        """The capabilities of somebody with these connections and seats."""
        booked = next((item for item in connections if "meetings" in item.purposes), None)
        synced = next((item for item in connections if "calendar" in item.purposes), None)
        by_purpose = zip(self.of(booked, seats), self.of(synced, seats), strict=True)
        return tuple(
            over_synced if over_synced.capability in _SYNC else over_booked for over_booked, over_synced in by_purpose
        )

    def actions(self, connection: Connection) -> list[str]:
        """What its person may do with a connection now."""
        provider = self._providers[ProviderName(connection.provider)]
        by_consent = isinstance(provider, SupportsOAuth)
        possible = {
            "disconnect": True,
            "sync": connection.status == "active",
            "reauthorize": by_consent and provider.offered,
            "update": not by_consent,
        }
        return [action for action, allowed in possible.items() if allowed]

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
