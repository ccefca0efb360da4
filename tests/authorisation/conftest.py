"""The city, built once for the files of this folder that a process runs one after another."""

from collections.abc import AsyncIterator, Callable

import pytest

from app.settings import Settings
from sandbox.client import Sandbox
from tests.authorisation.city import City, open_city


@pytest.fixture(scope="package")
async def city(settings: Settings, sandbox_addresses: dict[str, str]) -> AsyncIterator[City]:
    async with Sandbox(sandbox_addresses["http_url"]) as sandbox, open_city(settings, sandbox) as opened:
        yield opened


@pytest.fixture(autouse=True)
async def counted(city: City, record_property: Callable[[str, object], None]) -> AsyncIterator[None]:
    """How many calls a test makes, for whoever reads the report; and the world is as it was before each."""
    await city.changed()
    before = city.calls
    yield
    record_property("calls", city.calls - before)
