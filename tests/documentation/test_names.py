"""Every name that the documentation drops exists: targets, commands, settings, operations, codes, events, addresses.

The one rule: what a page names is compared with the code, not with another page.
"""

import json
import re
from collections.abc import Iterable
from importlib.util import find_spec

import pytest
import typer
from fastapi.routing import iter_route_contexts

from app.cli import cli
from app.events.types import TEST_EVENT, EventType
from app.main import create_app
from app.providers.ews.addresses import Endpoint, Guard
from app.providers.ews.discovery import URLS
from app.providers.google import oauth as google
from app.providers.graph import oauth as graph
from app.routers.openapi import document_settings
from app.settings import PREFIX, Settings, variable
from documentation.problem_pages import problem_kinds
from documentation.reference import operations
from documentation.repository import ROOT, api_document
from tests.documentation.pages import blocks, code, spans, text, written_pages

PAGES = written_pages()
FOR_CALLERS = [
    *("index.md", "quick-start.md", "concepts.md", "architecture.md", "booking.md", "offline.md", "webhooks.md"),
    *(page for page in PAGES if page.startswith("connect/")),
]
OTHERS_SETTINGS = re.compile(r"OTEL_[A-Z_]+|POSTGRES_PASSWORD|CRM_TOKEN")
OF_OTHERS = {"redirect_uri_mismatch", "calendar_writes"}
"""Of Google, and of our own folders."""
ACTIONS = {
    action for path in (ROOT / "app").rglob("*.py") for action in re.findall(r'"([a-z_]+\.[a-z_]+)"', path.read_text())
}
"""What the audit log and the log tell of, under names of the same form."""


def _wrong(found: Iterable[str], known: Iterable[str]) -> list[str]:
    return sorted(set(found) - set(known))


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_exists(page: str) -> None:
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    checks = re.findall(r"^CHECKS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    named = re.findall(r"\bmake ([a-z][a-z-]*)", code(page))
    assert not _wrong(named, [*targets, *(f"check-{name}" for name in checks)])


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists(page: str) -> None:
    group = typer.main.get_command(cli)
    commands = group.commands.keys()  # type: ignore[attr-defined]
    named = re.findall(r"^(?:calendar-connect|python -m app\.cli) ([a-z][a-z-]+)", code(page), re.MULTILINE)
    assert not _wrong(named, commands)
    modules = re.findall(r"python -m ([a-z_.]+)", code(page))
    assert not [name for name in modules if find_spec(name) is None]


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_exists(page: str) -> None:
    settings = {variable(name) for name in Settings.model_fields}
    bare = {name.removeprefix(PREFIX) for name in settings}
    whole = re.findall(rf"\b{PREFIX}[A-Z0-9_]+", code(page))
    short = [span.partition("=")[0] for span in spans(page)]
    short = [name for name in short if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", name)]
    assert not _wrong(whole, settings)
    assert not [name for name in _wrong(short, settings | bare) if not OTHERS_SETTINGS.fullmatch(name)]


@pytest.mark.parametrize("page", PAGES)
def test_every_operation_exists(page: str) -> None:
    document = api_document()
    known = {operation["operationId"] for _, _, operation in operations(document)}
    known |= {item["post"]["operationId"] for item in document["webhooks"].values()}
    named = [span for span in spans(page) if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)+", span)]
    assert not _wrong(named, known)


@pytest.mark.parametrize("page", PAGES)
def test_every_event_exists(page: str) -> None:
    known = {*EventType, TEST_EVENT, *ACTIONS}
    nouns = {kind.partition(".")[0] for kind in EventType}
    named = re.findall(rf"\b(?:{'|'.join(nouns)})\.[a-z_]+", " ".join(spans(page)))
    files = {span for span in spans(page) if re.search(r"\.(?:md|py|json|yaml|ics)\b", span)}
    assert not [name for name in _wrong(named, known) if not any(name in file for file in files)]


@pytest.mark.parametrize("page", FOR_CALLERS)
def test_every_field_and_code_exists(page: str) -> None:
    told = set(re.findall(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+", (ROOT / "openapi.json").read_text()))
    known = told | problem_kinds().keys() | {*google.SCOPES, *graph.SCOPES, *graph._REASONS.values(), *OF_OTHERS}
    named = re.findall(r"(?<![\w./:-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w./])", "\n".join(spans(page)))
    assert not _wrong(
        named, known | {"calendar_connect_client", "redirect_uri_mismatch", "account_id", "calendar_writes"}
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_api_exists(page: str) -> None:
    known = [re.sub(r"\{[^}]+\}", "[^/]+", path) for path in api_document()["paths"]]
    known += [r"/v1/provider-notifications/\w+(?:/lifecycle)?", "/v1/provider-notifications/?"]
    named = re.findall(r"(?<![\w>])/v1/[\w/<>{}$-]*", "\n".join(spans(page)))
    assert not [path for path in named if not any(re.fullmatch(one, path) for one in known)]


def test_the_table_of_events_has_each_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z_]+)\.` \| (.*) \|$", text("api.md"), re.MULTILINE)
    assert {f"{noun}.{verb.strip('`')}" for noun, verbs in rows for verb in verbs.split()} == set(EventType)


def test_google_is_asked_for_the_documented_scopes() -> None:
    table = text("connect/google.md").partition("\n## 3. ")[2].partition("\n## ")[0]
    named = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert [scope.strip("` ") for row in named for scope in row.split(",")] == list(google.SCOPES)


def test_microsoft_is_asked_for_the_documented_permissions() -> None:
    table = text("connect/microsoft-365.md").partition("\n## 3. ")[2].partition("\n## ")[0]
    named = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert [scope.strip("` ") for row in named for scope in row.split(",")] == list(graph.SCOPES)


def test_the_addresses_to_register_are_the_service_s() -> None:
    routes = {context.path for context in iter_route_contexts(create_app(document_settings()).routes)}
    for page, provider in (("connect/google.md", "google"), ("connect/microsoft-365.md", "office365")):
        for name, path in re.findall(r"^<(PUBLIC|PUSH)_URL>(\S+)$", text(page), re.MULTILINE):
            general = path.replace(f"/{provider}", "/{provider}")
            assert general in routes, f"{page}: {name}_URL {path}"
        assert f"<PUBLIC_URL>/v1/oauth/{provider}/callback\n" in text(page)
        assert f"<PUSH_URL>/v1/provider-notifications/{provider}\n" in text(page)


def test_autodiscover_asks_the_documented_addresses() -> None:
    section = text("connect/exchange.md").partition("## Autodiscover")[2].partition("##")[0]
    assert re.findall(r"^https://\S+$", section, re.MULTILINE) == [url.replace("{domain}", "<domain>") for url in URLS]


def test_the_example_of_an_allow_list_is_one() -> None:
    [line] = re.findall(r"^CALENDAR_CONNECT_EXCHANGE_ALLOWED_HOSTS='(.*)'$", text("connect/exchange.md"), re.MULTILINE)
    allowed = Guard(json.loads(line))
    assert allowed.addresses(Endpoint("10.20.30.40", 8443, "/")) == ["10.20.30.40"]


def test_blocks_that_nobody_knows_are_not_marked() -> None:
    known = re.compile(r"(run|from|reviewed|vector)\b")
    for page in PAGES:
        for mark in re.findall(r"^<!-- (.+?) -->$", text(page), re.MULTILINE):
            assert known.match(mark), f"{page}: {mark}"
    assert blocks("webhooks.md", "vector")
