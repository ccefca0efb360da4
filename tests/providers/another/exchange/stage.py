"""A person at the other Exchange, connected by the adapter: fixtures, and how the vendor writes people.

The one rule: whatever a test is about, nothing was sent that the vendor's schema does not allow.
"""

from dataclasses import replace
from datetime import UTC, datetime
from zlib import crc32

import pytest

from app.calendar import Timed, utc_now
from app.providers.credentials import Credentials
from app.providers.ews.provider import ExchangeProvider, ExchangeSettings
from tests.providers.another.exchange.server import EDITIONS, another_exchange, certificate
from tests.providers.ews.stage import PasswordTokens

ADA = "ada@corp.example"
WINDOW = Timed(datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))
PASSWORD = "Pässwort: 1"
every_edition = pytest.mark.parametrize("exchange", EDITIONS, ids=lambda edition: edition.name, indirect=True)


@pytest.fixture
def exchange(request):
    """Each test meets an edition of its own, or all of them."""
    seed = crc32(request.node.originalname.encode())
    with another_exchange(getattr(request, "param", EDITIONS[seed % len(EDITIONS)]), seed) as running:
        yield running
        assert running.violations == []


@pytest.fixture
def ada(exchange):
    return exchange.person(ADA)


@pytest.fixture
async def provider(exchange):
    where = f"https://127.0.0.1:{exchange.port}/autodiscover/autodiscover.xml"
    settings = ExchangeSettings(allowed_hosts=("127.0.0.1",), timeout_seconds=5, discovery_urls=(where,))
    async with ExchangeProvider(settings, clock=utc_now) as provider:
        yield provider


@pytest.fixture
async def session(exchange, ada, provider):
    return provider.open(PasswordTokens((await provider.verify(typed(exchange))).secret))


def typed(exchange, **changes):
    """What a person types in."""
    known = Credentials(email=ADA, password=PASSWORD, username=ADA, url=exchange.url, certificate=certificate()[0])
    return replace(known, **changes)


def at(day, hour=9, minute=0, month=3):
    return datetime(2027, month, day, hour, minute, tzinfo=UTC)


def people(*addresses, name="", answer=""):
    """The attendees of an item, in the vendor's form."""
    told = f"<t:ResponseType>{answer}</t:ResponseType>" if answer else ""
    boxes = (f"<t:Mailbox>{name}<t:EmailAddress>{one}</t:EmailAddress></t:Mailbox>" for one in addresses)
    return "".join(f"<t:Attendee>{box}{told}</t:Attendee>" for box in boxes)


async def events(session, box, window=WINDOW):
    return [event async for event in session.list_instances(box.calendar, window)]
