"""Every promise has a proof: the list of rules and the names of the tests agree.

The one rule: a rule is proved by what pytest would run. A name in a comment, a test that is skipped or expected to
fail, and a function that is no test count for nothing.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LIST = TESTS.parent / "docs" / "rules.md"
LAST = 56
_LINE = re.compile(r"^\| R(\d+) \| (.+) \|$", re.MULTILINE)
_NAMED = re.compile(r"^test_((?:r\d+_)+)")
_NOT_RUN = re.compile(r"\bmark\.(skip|skipif|xfail)\b")


@dataclass(frozen=True)
class Proof:
    """A test, and the rules in its name."""

    where: str
    rules: frozenset[int]
    runs: bool


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """What pytest collects of a module: its functions, and those of its classes."""
    for node in module.body:
        inside = node.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test") else [node]
        yield from (item for item in inside if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))


def proofs_in(source: str, where: str) -> list[Proof]:
    """The tests of a module that name rules."""
    module = ast.parse(source)
    whole = [node for node in module.body if isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node)]
    found = []
    for function in _functions(module):
        named = _NAMED.match(function.name)
        if named is not None:
            marks = " ".join(ast.unparse(node) for node in [*whole, *function.decorator_list])
            rules = frozenset(map(int, re.findall(r"\d+", named[1])))
            found.append(Proof(f"{where}::{function.name}", rules, not _NOT_RUN.search(marks)))
    return found


PROMISES = {int(number): promise for number, promise in _LINE.findall(LIST.read_text())}
PROOFS = [
    proof
    for path in sorted(TESTS.rglob("test_*.py"))
    for proof in proofs_in(path.read_text(), str(path.relative_to(TESTS)))
]
BY_RULE: dict[int, list[str]] = defaultdict(list)
for _proof in PROOFS:
    for _rule in _proof.rules if _proof.runs else ():
        BY_RULE[_rule].append(_proof.where)


def test_the_list_is_whole() -> None:
    lines = _LINE.findall(LIST.read_text())
    assert [int(number) for number, _ in lines] == list(range(1, LAST + 1))
    assert all(promise.endswith(".") and len(promise) <= 120 for _, promise in lines)


@pytest.mark.parametrize("rule", PROMISES, ids=lambda rule: f"R{rule}")
def test_a_rule_has_a_test(rule: int) -> None:
    assert BY_RULE[rule], f"R{rule} is promised and proved by no test: {PROMISES[rule]}"


def test_no_test_names_a_rule_that_there_is_not() -> None:
    strangers = [proof.where for proof in PROOFS if not proof.rules <= PROMISES.keys()]
    assert strangers == []


def test_what_is_not_run_proves_nothing() -> None:
    source = (
        "@pytest.mark.skip\ndef test_r1_left_out(): ...\n"
        "@pytest.mark.xfail(reason='later')\nasync def test_r2_to_come(): ...\n"
        "def assert_r3_holds(): ...\n"
        "class Contract:\n    def test_r4_of_nobody(self): ...\n"
        "class TestIt:\n    async def test_r5_r6_both(self): ...\n"
        "def test_about_r7_alone(): ...\n"
    )
    proofs = proofs_in(source, "there.py")
    assert [(sorted(proof.rules), proof.runs) for proof in proofs] == [([1], False), ([2], False), ([5, 6], True)]
    everywhere = proofs_in("pytestmark = pytest.mark.skipif(True, reason='')\ndef test_r8_none(): ...\n", "there.py")
    assert [proof.runs for proof in everywhere] == [False]
