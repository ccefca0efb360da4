"""What an operator is given agrees with what the service tells: alerts, dashboard, and the table of figures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import cli
from app.main import create_app
from app.routers.openapi import document_settings
from app.sync.gauges import no_gauges, read_gauges
from app.sync.stock import StockTaker
from app.telemetry.metrics import PREFIX, process_figures
from tests.support.world import World
from tests.telemetry.catalogue import catalogue, table
from tests.telemetry.scrape import read

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/operations.md").read_text()
ALERTS: list[dict[str, Any]] = [
    {"group": group["name"], **rule}
    for group in yaml.safe_load((ROOT / "ops/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "ops/grafana-dashboard.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SERIES = {name for item in catalogue() for name in item.series}
LABELS = {name: {*item.labels, "le"} for item in catalogue() for name in item.series}
THEIRS = {"up", "job", "instance"}
"""What Prometheus adds of itself."""
WORDS = {"sum", "max", "rate", "increase", "delta", "histogram_quantile", "topk", "absent", "time", "or"}


def expressions() -> list[Any]:
    rules = [pytest.param(rule["expr"], id=rule["alert"]) for rule in ALERTS]
    panels = [
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in PANELS
        for target in panel["targets"]
    ]
    return rules + panels


def named(expression: str) -> set[str]:
    return set(re.findall(rf"\b{PREFIX}_\w+", expression))


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_asks_for_what_is_told_by_labels_it_has(expression: str) -> None:
    assert named(expression) <= SERIES
    for opened, closed in ("()", "[]", "{}"):
        assert expression.count(opened) == expression.count(closed)
    for name, matchers in re.findall(rf"\b({PREFIX}_\w+)\{{([^}}]*)\}}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= LABELS[name], name
    grouped = {label for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in re.split(r",\s*", labels)}
    assert grouped <= set().union(*(LABELS[name] for name in named(expression)), THEIRS)
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)', " ", expression)
    assert set(re.findall(r"[A-Za-z_]\w*", bare)) <= SERIES | WORDS | THEIRS


@pytest.mark.parametrize("expression", expressions())
def test_counters_are_asked_for_their_rate_and_gauges_are_not(expression: str) -> None:
    kinds = {name: item.kind for item in catalogue() for name in item.series}
    for name in named(expression):
        rated = re.search(rf"(?:rate|increase)\(\s*{name}\b", expression) is not None
        assert rated == (kinds[name] != "gauge"), name


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_every_alert_is_a_rule_and_has_a_runbook(rule: dict[str, Any]) -> None:
    assert rule.keys() <= {"group", "alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
    assert rule["annotations"]["summary"]
    assert re.search(r"(==|>|<)", rule["expr"]), "it compares with something"
    [runbook] = re.findall(rf"^### {rule['alert']}\n\n(.*?)(?=^##)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(runbook) > 40


def test_every_runbook_belongs_to_an_alert() -> None:
    runbooks = re.findall(r"^### (CalendarConnect\w+)$", DOCUMENT, re.MULTILINE)
    assert runbooks == [rule["alert"] for rule in ALERTS], "in the order of the alerts"


def test_the_table_of_figures_is_what_the_code_says() -> None:
    assert table() in DOCUMENT


def test_the_document_names_no_figure_that_is_not_told() -> None:
    assert named(DOCUMENT) <= SERIES | {item.name for item in catalogue()}
    short = {name.removeprefix(f"{PREFIX}_") for name in SERIES | {item.name for item in catalogue()}}
    quoted = set(re.findall(r"`([a-z]+_[a-z_0-9]*(?:_total|_seconds|_max|_p99|_up|_open|_unfinished))[`{]", DOCUMENT))
    assert len(quoted) > 15
    assert {name for name in quoted if not name.startswith(PREFIX)} <= short


def test_links_inside_the_document_lead_somewhere() -> None:
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", DOCUMENT)) <= headings
    for file in re.findall(r"\]\(([^)#]+)\)", DOCUMENT):
        assert (ROOT / "docs" / file).exists(), file


def test_the_document_names_operations_and_commands_that_there_are() -> None:
    document = create_app(document_settings()).openapi()
    operations = {way["operationId"] for path in document["paths"].values() for way in path.values()}
    quoted = set(re.findall(r"`((?:list|rotate)[A-Z]\w+)`", DOCUMENT))
    assert quoted
    assert quoted <= operations
    commands = {command.name or command.callback.__name__.replace("_", "-") for command in cli.registered_commands}  # type: ignore[union-attr]
    assert (
        set(re.findall(r"`(?:calendar-connect )?(rotate-keys|check-audit-log|migrate|serve|worker)\b", DOCUMENT))
        <= commands
    )
    asked = {name for rule in ALERTS for name in re.findall(r'operation="(\w+)"', rule["expr"])}
    assert asked <= operations


def test_the_dashboard_can_be_imported_and_shows_every_figure() -> None:
    assert DASHBOARD["schemaVersion"] >= 36
    assert (DASHBOARD["uid"], DASHBOARD["title"]) == ("calendar-connect", "calendar-connect")
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(taken) == len(set(taken))
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    shown = {name for panel in PANELS for target in panel["targets"] for name in named(target["expr"])}
    missing = [item.name for item in catalogue() if not shown & item.series]
    assert missing == []


async def test_what_the_service_tells_is_in_the_catalogue(world: World) -> None:
    person = await world.connected()
    page = await person.make_page()
    await person.book(page["id"], person.at(3, "10:00").isoformat())
    async with world.services.sessions() as session:
        told = await read_gauges(session, now=world.clock())
    taker = StockTaker(world.database_url, world.services.sessions, world.clock)
    try:
        assert await taker.sweep()
        told += process_figures()
    finally:
        await taker.aclose()
    names = {f"{PREFIX}_{name}" for name, _ in read(told.decode()) if not name.startswith("process_")}
    assert {re.sub(r"_created$", "", name) for name in names if not name.endswith("_created")} <= SERIES
    assert names >= {item.name for item in catalogue() if item.source == "database"}
    assert b"database_up 0.0" in no_gauges()
