"""The packages as somebody would get them: what is in them, and whether their journeys go the whole way.

The one rule: without Node the TypeScript package is skipped, and the skip says so; with it nothing is skipped.
"""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from clients.__main__ import make_python, make_typescript, python_journey, try_journey, typescript_journey
from clients.about import About, read_about
from clients.programs import NODE_TOOLS
from clients.trying import STEPS, open_place

MISSING = [
    name
    for name, found in (
        ("Node.js with npm", shutil.which("node") and shutil.which("npm")),
        ("contract/node_modules (make check-typescript installs it)", NODE_TOOLS.exists()),
    )
    if not found
]
with_node = pytest.mark.skipif(bool(MISSING), reason=f"no TypeScript package: there is no {' and no '.join(MISSING)}")


@pytest.fixture(scope="module")
def about() -> About:
    return read_about()


async def test_the_python_package_holds_what_it_says_and_goes_the_whole_way(about: About, tmp_path: Path) -> None:
    wheel = make_python(about, tmp_path / "made")
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
        [metadata] = [content.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    assert {"calendar_connect_client/py.typed", "calendar_connect_client/models/problem.py"} <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    for line in ("Name: calendar-connect-client", f"Version: {about.version}", "License-Expression: Apache-2.0"):
        assert line in metadata.splitlines()
    assert "def answered(" in metadata  # the README comes along, with its examples
    journey = python_journey(wheel, tmp_path / "tried")
    async with open_place() as place:
        told = await try_journey(place, "python", journey)
    assert tuple(told) == STEPS


@with_node
async def test_the_typescript_package_holds_what_it_says_and_goes_the_whole_way(about: About, tmp_path: Path) -> None:
    tarball = make_typescript(about, tmp_path / "made")
    with tarfile.open(tarball) as content:
        names = set(content.getnames())
        packed = {
            name: content.extractfile(f"package/{name}").read().decode() for name in ("package.json", "README.md")
        }
    manifest = json.loads(packed["package.json"])
    assert (manifest["name"], manifest["version"], manifest["license"]) == (
        "calendar-connect-client",
        about.version,
        "Apache-2.0",
    )
    assert "dependencies" not in manifest
    for entry in manifest["exports"].values():  # everything that is promised is in the box
        assert {f"package/{path.removeprefix('./')}" for path in entry.values()} <= names
    assert "package/LICENSE" in names
    assert "function answered<T>" in packed["README.md"]
    assert not any("node_modules" in name for name in names)
    journey = typescript_journey(tarball, tmp_path / "tried")
    async with open_place() as place:
        told = await try_journey(place, "typescript", journey)
    assert tuple(told) == STEPS
