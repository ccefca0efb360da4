"""Numbers that the documentation spells out are the code's."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from app.bookings import holds, wishes
from app.events import endpoints, retry
from app.events.posting import DEADLINE_SECONDS
from app.providers.base import Features
from app.providers.ews.client import MAX_CONCURRENCY
from app.providers.ews.provider import ExchangeProvider, ExchangeSettings
from app.providers.google.provider import GoogleProvider
from app.providers.graph.provider import Office365Provider
from app.scheduling.public import MOST_DAYS
from app.settings import Settings
from app.sync import watches
from sandbox.run import DATA, FIXED_PORTS, OWN_DATA
from tests.documentation.pages import text

FEATURES = {
    "changes in the calendar come back": "two_way_sync",
    "move and cancel from here": "event_update",
    "more availability calendars": "additional_availability_calendars",
    "tasks in a calendar of their own": "task_sync",
}
YES = {True: "yes", False: "no"}
WORDS = {"two": 2, "three": 3, "five": 5, "six": 6, "seven": 7, "ten": 10}
EXCHANGE = ExchangeSettings()
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


SAID = [
    ("concepts.md", r"take (\w+) seconds \(`LIVE_CHECK_SECONDS`\)", DEFAULTS["live_check_seconds"]),
    ("concepts.md", r"at most (\w+) minutes old decides", DEFAULTS["mirror_trusted_seconds"] / 60),
    ("concepts.md", r"a slot that is kept for (\w+) minutes", holds.LIFETIME / timedelta(minutes=1)),
    ("booking.md", r"Optional\. (\w+) minutes, for nobody else", holds.LIFETIME / timedelta(minutes=1)),
    ("booking.md", r"are its days, (\w+) at\s+most", MOST_DAYS),
    ("offline.md", r"It lapses after (\w+) days", _days(wishes._REQUEST_LIFETIME)),
    ("webhooks.md", r"it waits and repeats, for (a) day", _days(retry.PAUSED_AFTER)),
    ("webhooks.md", r"Answer 2xx within (\w+) seconds", DEADLINE_SECONDS),
    ("webhooks.md", r"For (\w+) hours messages carry both signatures", endpoints.OVERLAP / timedelta(hours=1)),
    ("connect/google.md", r"gets a channel of (\w+) days at most", _days(GoogleProvider.push_lifetime)),
    ("connect/google.md", r"is tried again after (\w+) hours", watches._REFUSED_FOR / timedelta(hours=1)),
    ("connect/exchange.md", r"in this order, for (\w+) seconds in all", EXCHANGE.discovery_seconds),
    ("connect/exchange.md", r"at one server at most, (\w+) at one mailbox", MAX_CONCURRENCY),
]


@pytest.mark.parametrize(("page", "sentence", "value"), SAID, ids=[sentence for _, sentence, _ in SAID])
def test_a_number_is_the_code_s(page: str, sentence: str, value: float) -> None:
    [said] = re.findall(sentence, text(page))
    said = said.lower()
    assert (1 if said == "a" else WORDS.get(said) or int(said)) == value


def test_the_table_of_capabilities_is_the_providers_own() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", text("concepts.md"), re.MULTILINE)
    table = {row[0]: row[1:] for row in rows}
    for said, feature in FEATURES.items():
        google, office365 = (getattr(kind.features, feature) for kind in (GoogleProvider, Office365Provider))
        limited, lifted = (_exchange(full_sync=full) for full in (False, True))
        exchange = {(True, True): "yes", (False, True): "with `EXCHANGE_FULL_SYNC`", (False, False): "no"}
        told = exchange[getattr(limited, feature), getattr(lifted, feature)]
        assert table[said] == (YES[google], YES[office365], told), said
    assert table["push"] == ("yes", "yes", "no, it is polled")
    pushing = [kind for kind in (GoogleProvider, Office365Provider, ExchangeProvider) if hasattr(kind, "push_scope")]
    assert pushing == [GoogleProvider, Office365Provider]


def _exchange(*, full_sync: bool) -> Features:
    settings = ExchangeSettings(full_sync=full_sync, threads=1)
    with closing(ExchangeProvider(settings, clock=lambda: datetime.now(UTC))) as provider:
        return provider.features


def test_the_quick_start_goes_to_where_make_run_serves() -> None:
    named = set(map(int, re.findall(r"http://127\.0\.0\.1:(\d+)", text("quick-start.md"))))
    assert named == {FIXED_PORTS.api, FIXED_PORTS.sandbox, FIXED_PORTS.front_end}
    assert f"TOKEN=$(cat {DATA}/token)" in text("quick-start.md")
    assert f"delete `{OWN_DATA}`" in text("connect/index.md")


def test_a_subscription_is_renewed_within_three_days() -> None:
    assert "renewed within three days" in text("connect/microsoft-365.md")
    assert timedelta(days=2) < Office365Provider.push_lifetime <= timedelta(days=3)


def test_the_oldest_tls_is_named() -> None:
    [least] = re.findall(r"TLS (\d\.\d) is the least", text("connect/exchange.md"))
    assert EXCHANGE.minimum_tls.name == f"TLSv{least.replace('.', '_')}"
