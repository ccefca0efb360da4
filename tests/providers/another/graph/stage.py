"""What the tests at another Graph share: a server of one seed that must find nothing to complain of, and a way in.

The one rule: whatever the server refused as not documented fails the test, unless the test said that it would.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from app.calendar import Clock, Timed
from app.http import HttpClient
from app.providers.base import Grant
from app.providers.graph.oauth import Office365Settings
from app.providers.graph.provider import Office365Provider
from tests.providers.another.graph.mailbox import HOME_ADDRESS
from tests.providers.another.graph.server import AnotherGraph
from tests.providers.another.graph.signin import CLIENT_ID, CLIENT_SECRET
from tests.providers.graph.stage import CHALLENGE, REDIRECT, VERIFIER

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
WINDOW = Timed(NOW - timedelta(days=7), NOW + timedelta(days=120))
SEEDS = range(2)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In March."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@asynccontextmanager
async def visited(seed: int, expected: Sequence[str], address: str = HOME_ADDRESS) -> AsyncIterator[AnotherGraph]:
    """The server, which may complain of nothing but what is expected."""
    async with AnotherGraph(seed, address) as graph:
        yield graph
    assert [one for one in graph.complaints if not any(word in one for word in expected)] == []


@asynccontextmanager
async def provided(graph: AnotherGraph, clock: Clock = lambda: NOW) -> AsyncIterator[Office365Provider]:
    """Our side of it."""
    settings = Office365Settings(CLIENT_ID, CLIENT_SECRET, graph.authority, graph.url, horizon_days=400)
    async with HttpClient(timeout_seconds=5) as http:
        yield Office365Provider(settings, http, clock=clock)


async def sign_in(graph: AnotherGraph, provider: Office365Provider, unticked: frozenset[str] = frozenset()) -> Grant:
    """The person consents, to all but what is unticked."""
    url = provider.authorization_url(state="s&t", code_challenge=CHALLENGE, redirect_uri=REDIRECT, login_hint=None)
    back = graph.sign_in.consent(url, unticked=unticked)
    assert back["state"] == "s&t"
    return await provider.exchange_code(back["code"], code_verifier=VERIFIER, redirect_uri=REDIRECT)
