"""What docs/sizing.md says follows from what was measured (docs/capacity.md) and from the code."""

import math
import re

import pytest

from app.doctor.database import connections_needed
from app.routers.openapi import document_settings
from tests.deployment.manifests import ROOT

SIZING = (ROOT / "docs" / "sizing.md").read_text()
CAPACITY = " ".join((ROOT / "docs" / "capacity.md").read_text().split())
MILLION = 1_000_000


def number(text: str) -> float:
    return float(re.sub(r"[^0-9.]", "", text))


def measured(pattern: str) -> float:
    """One figure of capacity.md."""
    [found] = set(re.findall(pattern, CAPACITY))
    return number(found)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading line."""
    _, _, rest = SIZING.partition(heading)
    table = rest.lstrip("\n").partition("\n\n")[0].splitlines()[1:]
    assert table, heading
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


GLANCE = rows(
    "| calendars | workers | processor of workers | disk | log a day | commits a second | requests to Google a day |"
)
CONNECTIONS = rows("| `DATABASE_POOL_SIZE` | API process | worker | 2 API + 2 workers | 6 API + 4 workers |")


@pytest.mark.parametrize("row", GLANCE, ids=lambda row: row[0])
def test_a_size_is_a_share_of_what_was_weighed(row: list[str]) -> None:
    share = number(row[0]) / MILLION
    wanted = [
        share * 10 * measured(r"(\d+) for 100,000 calendars are 79 % busy") * 0.79,
        share * measured(r"together \| \| \| \*\*(\d+) GB\*\*"),
        share * measured(r"([\d.]+) TB a day at") * 1000,
        share * measured(r"At least ([\d,]+) commits a second"),
        share * measured(r"13\.1 \S \| (\d+) million"),
    ]
    for cell, value in zip(row[2:], wanted, strict=True):
        assert number(cell) == pytest.approx(value, rel=0.06), row


def test_workers_are_enough_and_one_may_be_away() -> None:
    each = measured(r"runs at once each \| ([\d,]+) calendars each")
    for calendars, workers, *_ in GLANCE:
        if number(calendars) < MILLION:
            assert int(workers) == max(2, math.ceil(number(calendars) / each) + 1)
    assert GLANCE[-1][1] == str(int(measured(r"(\d+) for a million, one core each")))


def test_connections_are_counted_as_the_code_opens_them() -> None:
    for pool, *cells in CONNECTIONS:
        settings = document_settings().model_copy(
            update={"database_pool_size": int(number(pool)), "metrics_port": 9100}
        )
        crowds = ((1, 0), (0, 1), (2, 2), (6, 4))
        assert [int(cell) for cell in cells] == [connections_needed(settings, api=a, workers=w) for a, w in crowds]
    assert "20 (default)" in CONNECTIONS[-1]
    assert document_settings().database_pool_size == 20


@pytest.mark.parametrize("limit", ["2,400", "34,000", "2,600,000", "4,700"])
def test_limits_are_those_that_were_found(limit: str) -> None:
    assert limit in CAPACITY
    assert limit in SIZING
