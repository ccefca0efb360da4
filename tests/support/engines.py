"""Sync engines beside the service's own: with another way to the providers, or with others to follow."""

from collections.abc import Mapping

from app.connections.access import CalendarAccess
from app.sync.changes import Follow, Topic
from app.sync.engine import SyncEngine
from app.sync.people import AddressBook
from app.vault import Vault
from tests.support.world import World


def engine_of(
    world: World, *, access: CalendarAccess | None = None, followers: Mapping[Topic, Follow] | None = None
) -> SyncEngine:
    """The engine of another worker; None: as the service's own."""
    services, settings = world.services, world.services.settings
    vault = Vault(settings.master_keys)
    return SyncEngine(
        services.sessions,
        access or CalendarAccess(services.sessions, vault, services.providers, world.clock),
        AddressBook(vault),
        world.clock,
        horizon_days=settings.sync_horizon_days,
        poll_seconds=settings.sync_poll_seconds,
        push_poll_seconds=settings.push_poll_seconds,
        followers=services.followers if followers is None else followers,
    )
