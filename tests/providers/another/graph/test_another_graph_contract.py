"""Office 365 passes the provider contract also at a Graph that is somebody else's, which complains of nothing."""

import pytest

from app.calendar import utc_now
from tests.providers.another.graph.person import ADA, AnotherPerson
from tests.providers.another.graph.stage import provided, sign_in, visited
from tests.providers.contract import ProviderContract
from tests.providers.contract_setting import follower  # noqa: F401 - a fixture of the contract
from tests.providers.graph.stage import GrantTokens

_EXPECTED = ("ErrorInvalidRequest The event isn't the master of a series",)
"""Which series there still are is asked of Graph."""


@pytest.fixture
async def stage():
    async with visited(11, _EXPECTED, ADA) as graph, provided(graph, clock=utc_now) as provider:
        graph.events.spelt = str  # whether a guest is one of the contract's is asked to the letter
        shared = graph.mailbox.add_calendar(
            "Team", canEdit=False, canShare=False, owner={"address": "boss@example.com"}
        )
        session = provider.open(GrantTokens(provider, await sign_in(graph, provider)))
        yield AnotherPerson(graph, provider, session, shared)


class TestAnotherGraph(ProviderContract):
    """All promises, kept there as well."""
