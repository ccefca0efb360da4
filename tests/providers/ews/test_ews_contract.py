"""Exchange passes the provider contract, at the simulated Exchange over real TLS."""

import pytest

from tests.providers.contract import ProviderContract
from tests.providers.contract_setting import follower, local  # noqa: F401 - a fixture of the contract
from tests.providers.ews.stage import exchange_provider, set_the_stage
from tests.providers.stage import HOME
from tests.sandbox.exchange.live import running_sandbox


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def stage(sandbox):
    async with exchange_provider(timeout_seconds=5) as provider:
        yield await set_the_stage(sandbox, provider)


class TestExchange(ProviderContract):
    """All promises, kept by Exchange."""

    async def test_calendars_the_primary_first(self, stage):
        """Exchange has no list of what others share with a person, and no zone of a calendar but that of its events."""
        stage.add(local(3, 1, 9))
        stage.sandbox.control("POST", "/accounts/ada@example.com/calendars", {"name": "Second"})
        first, second = await stage.session.list_calendars()
        assert (first.id, first.primary, first.role, first.time_zone) == (stage.calendar_id, True, "owner", HOME.key)
        assert (second.name, second.primary, second.role) == ("Second", False, "owner")
