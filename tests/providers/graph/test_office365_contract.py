"""Office 365 passes the provider contract, at the simulated Microsoft over real sockets."""

import pytest

from app.calendar import utc_now
from app.http import HttpClient
from app.providers.graph.provider import Office365Provider
from tests.providers.graph.stage import office365_settings, running_microsoft, set_the_stage

_PARTS = ("setting", "calendars", "writing", "following", "people", "reading")
pytest.register_assert_rewrite("tests.providers.follower", *(f"tests.providers.contract_{part}" for part in _PARTS))

from tests.providers.contract import ProviderContract  # noqa: E402 - rewritten by the line above
from tests.providers.contract_setting import follower  # noqa: E402, F401 - a fixture of the contract


@pytest.fixture(scope="module")
def sandbox():
    with running_microsoft() as sandbox:
        yield sandbox


@pytest.fixture
async def stage(sandbox):
    async with HttpClient(timeout_seconds=5) as http:
        yield await set_the_stage(sandbox, Office365Provider(office365_settings(sandbox.base_url), http, clock=utc_now))


class TestOffice365(ProviderContract):
    """All promises, kept by Office 365."""
