"""Office 365 passes the provider contract, at the simulated Microsoft over real sockets."""

import pytest

from app.calendar import utc_now
from app.http import HttpClient
from app.providers.graph.provider import Office365Provider
from tests.providers.contract import ProviderContract
from tests.providers.contract_setting import follower  # noqa: F401 - a fixture of the contract
from tests.providers.graph.stage import office365_settings, running_microsoft, set_the_stage


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
