"""A world whose webhooks may go to this machine, and a CRM that receives them."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.events.receiver import Receiver, receiving
from tests.support.database import empty
from tests.support.world import World, open_world


@pytest.fixture
async def world(settings: Settings, sandbox: Sandbox) -> AsyncIterator[World]:
    await empty(settings.database_url.get_secret_value())
    async with open_world(settings.model_copy(update={"webhook_allowed_hosts": ["127.0.0.1"]}), sandbox) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened
