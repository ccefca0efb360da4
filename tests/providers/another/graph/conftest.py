"""What the tests of another Graph share: the server, our provider at it, and somebody who has connected.

The one rule: each is played with every seed, and with a server of its own.
"""

import pytest

from tests.providers.another.graph.stage import SEEDS, provided, sign_in, visited
from tests.providers.graph.stage import GrantTokens


@pytest.fixture
def expected() -> list[str]:
    """What the server may complain of: the test puts it there."""
    return []


@pytest.fixture(params=SEEDS)
async def graph(request, expected):
    async with visited(request.param, expected) as server:
        yield server


@pytest.fixture
async def provider(graph):
    async with provided(graph) as ours:
        yield ours


@pytest.fixture
async def tokens(graph, provider):
    return GrantTokens(provider, await sign_in(graph, provider))


@pytest.fixture
async def session(provider, tokens):
    return provider.open(tokens, mailbox="zoe")
