"""Where a story takes place: a connected person at a provider, in a deployment that lifts Exchange's limits or not.

The one rule: R24 is a deployment's decision, so each place has a world of its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.support.calendar_hands import EVERYWHERE, CalendarHands
from tests.support.database import empty
from tests.support.people import Person
from tests.support.world import World, open_world


@dataclass(frozen=True, slots=True)
class Place:
    """A provider, and the deployment's word on Exchange."""

    provider: str
    exchange_full_sync: bool


TWO_WAY = [pytest.param(Place(provider, exchange_full_sync=True), id=provider) for provider in EVERYWHERE]
"""Wherever what is done in the calendar comes back."""
LIMITED = pytest.param(Place("exchange", exchange_full_sync=False), id="exchange-limited")
"""As R24 has it."""


@asynccontextmanager
async def connected_at(
    place: Place, settings: Settings, sandbox: Sandbox
) -> AsyncIterator[tuple[World, CalendarHands, Person]]:
    """Somebody whose calendar there is connected and synced."""
    await empty(settings.database_url.get_secret_value())
    changed = settings.model_copy(update={"exchange_full_sync": place.exchange_full_sync})
    async with open_world(changed, sandbox) as world:
        hands = EVERYWHERE[place.provider](sandbox)
        person = await world.person(zoneinfo="Europe/Berlin")
        await hands.account(person)
        await hands.connect(person)
        await world.work()
        yield world, hands, person
