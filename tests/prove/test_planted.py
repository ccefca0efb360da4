"""The calibration, tiny: a tree of one module and its tests, with mistakes that are caught, escape, or do not fit.

The one rule: what counts as caught is a test that ran and failed, and nothing else.
"""

from pathlib import Path

import pytest

from prove.calibration import PLANTS, calibrate, table
from prove.calibration_copy import Outcome, check_plants, copy_of_tree
from prove.calibration_planted import Planted, PlantError

ROOT = Path(__file__).parents[2]
SUM = "def add(one, other):\n    return one + other\n"
TESTS = "from adding import add\n\n\ndef test_it_adds():\n    assert add(2, 2) == 4\n"


def planted(guard: str, new: str, *, old: str = "one + other", check: str = "test_adding.py::test_it_adds") -> Planted:
    return Planted(guard, "adding.py", old, new, check)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "adding.py").write_text(SUM)
    (tmp_path / "test_adding.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    return tmp_path


def test_every_plant_fits_the_code_as_it_is() -> None:
    assert len(PLANTS) >= 25
    check_plants(PLANTS)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.guard)
def test_every_plant_names_a_check_that_is_there(plant: Planted) -> None:
    file, _, name = plant.check.partition("::")
    assert f"def {name.partition('[')[0] or 'test_'}" in (ROOT / file).read_text()


async def test_what_is_caught_and_what_escapes(tree: Path) -> None:
    plants = [planted("minus", "one - other"), planted("times", "one * other")]
    rows: list[tuple[Planted, Outcome]] = []
    with copy_of_tree(tree) as copy:
        lines = [line async for line in calibrate(copy, plants, rows)]
        assert (copy.tree / "adding.py").read_text() == SUM
    assert [(line.check, line.ok) for line in lines] == [("before any plant", True), ("minus", True), ("times", False)]
    assert [outcome.word for _, outcome in rows] == ["caught", "escaped"]
    assert "| times | `test_adding.py::test_it_adds` | escaped |" in table(rows)
    assert (tree / "adding.py").read_text() == SUM


async def test_a_check_that_fails_anyway_catches_nothing(tree: Path) -> None:
    (tree / "adding.py").write_text(SUM.replace("+ other", "+ other + 1"))
    with copy_of_tree(tree) as copy:
        lines = [line async for line in calibrate(copy, [planted("minus", "one - other")], [])]
    assert [(line.check, line.ok) for line in lines] == [("before any plant", False)]


async def test_a_test_that_cannot_begin_has_caught_nothing(tree: Path) -> None:
    with copy_of_tree(tree) as copy:
        with copy.with_planted(planted("renamed", "def plus", old="def add")):
            outcome = await copy.run(["test_adding.py"], seconds=60)
        assert (outcome.caught, outcome.word) == (False, "could not be run")
        with copy.with_planted(planted("endless", "sum(iter(int, 1))")):
            outcome = await copy.run(["test_adding.py"], seconds=5)
        assert (outcome.caught, outcome.word) == (False, "too slow")


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (planted("moved on", "x", old="one plus other"), "0 times"),
        (planted("not once", "x", old="one"), "2 times"),
        (planted("nonsense", "one +"), "would not compile"),
        (Planted("nowhere", "gone.py", "a", "b", "test_adding.py"), "is not there"),
    ],
    ids=lambda item: item.guard if isinstance(item, Planted) else "",
)
def test_a_plant_that_does_not_fit_is_an_error(tree: Path, plant: Planted, told: str) -> None:
    with pytest.raises(PlantError, match=told):
        check_plants([plant], tree)


def test_no_two_plants_have_one_name(tree: Path) -> None:
    with pytest.raises(PlantError, match="named twice: minus"):
        check_plants([planted("minus", "one - other")] * 2, tree)
