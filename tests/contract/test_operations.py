"""The operations are those that were agreed: contract/operations.tsv."""

import csv
from dataclasses import dataclass

import pytest

from tests.contract.documented import OPERATIONS, ROOT, Operation

SECURITY = {"U": [{"bearerAuth": []}], "P": [], "B": [{"bookingToken": []}], "V": []}
STAGES = {"core", "providers", "crm", "pages", "trust"}


@dataclass(frozen=True)
class Agreed:
    stage: str
    method: str
    path: str
    operation_id: str
    auth: str
    statuses: frozenset[int]


def _agreed() -> list[Agreed]:
    lines = (ROOT / "contract" / "operations.tsv").read_text().splitlines()
    rows = csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return [Agreed(*row[:5], frozenset(map(int, row[5].split()))) for row in rows]


AGREED = {line.operation_id: line for line in _agreed()}
CORE = [line for line in AGREED.values() if line.stage == "core"]


def test_the_agreement_is_whole() -> None:
    assert {line.stage for line in AGREED.values()} == STAGES
    assert len(AGREED) == len(_agreed()), "an operationId is agreed twice"
    assert len({(line.method, line.path) for line in AGREED.values()}) == len(AGREED)


@pytest.mark.parametrize("agreed", CORE, ids=lambda agreed: agreed.operation_id)
def test_a_core_operation_exists(agreed: Agreed) -> None:
    assert (agreed.method, agreed.path, agreed.operation_id) in {
        (operation.method, operation.path, operation.id) for operation in OPERATIONS
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_an_operation_is_as_agreed(operation: Operation) -> None:
    agreed = AGREED[operation.id]

    assert (operation.method, operation.path) == (agreed.method, agreed.path)
    assert operation.spec["security"] == SECURITY[agreed.auth]
    assert set(operation.answers) == agreed.statuses
