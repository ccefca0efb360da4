"""What the service is made of: locked by hash, listed, and looked up where vulnerabilities are told."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("base", "sandbox", "dev", "uv")
PINNED = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z0-9,-]+\])?==(\S+)(?: ; (.+))?$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")
BIN = Path(sys.executable).parent


def locked(name: str) -> dict[tuple[str, str], str]:
    """Version by package and marker. Every line is a pin with hashes, or a remark."""
    pins: dict[tuple[str, str], str] = {}
    text = re.sub(r"^\s*#.*\n", "", (ROOT / f"requirements/{name}.txt").read_text(), flags=re.MULTILINE)
    for entry in text.replace("\\\n", " ").splitlines():
        pin, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        found = PINNED.match(pin)
        assert found, f"requirements/{name}.txt: {pin} is no pin"
        assert hashes, f"requirements/{name}.txt: {pin} has no hash"
        assert all(map(HASH.match, hashes)), f"requirements/{name}.txt: {pin}"
        pins[found[1], found[3] or ""] = found[2]
    assert pins
    return pins


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_hash_and_comes_from_nowhere_in_particular(name: str) -> None:
    assert locked(name)
    assert "://" not in (ROOT / f"requirements/{name}.txt").read_text()


def test_the_locks_agree() -> None:
    base, sandbox, dev = (
        {(name, version) for (name, _), version in locked(lock).items()} for lock in ("base", "sandbox", "dev")
    )
    assert base <= sandbox <= dev


@pytest.mark.parametrize(("lock", "extras"), [("base", ()), ("sandbox", ("sandbox",)), ("dev", ("sandbox", "dev"))])
def test_a_lock_has_what_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    pins = locked(lock)
    for wanted in map(Requirement, asked):
        name = canonicalize_name(wanted.name)
        versions = [version for (package, _), version in pins.items() if package == name]
        assert versions, f"{wanted} is not in requirements/{lock}.txt"
        assert all(wanted.specifier.contains(version, prereleases=True) for version in versions), wanted


@pytest.mark.parametrize("lock", sorted(ROOT.glob("*/package-lock.json")) + sorted(ROOT.glob("*/*/package-lock.json")))
def test_npm_locks_name_versions_and_hashes_and_no_host(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert len(packages) > 1
    for name, package in packages.items():
        assert "resolved" not in package, f"{name} names where it came from"
        assert not name or package.get("integrity", "").startswith("sha512-"), f"{name} has no hash"


def test_the_bill_of_materials_lists_exactly_what_is_locked(tmp_path: Path) -> None:
    told = tmp_path / "sbom.json"
    command = [
        BIN / "cyclonedx-py",
        "requirements",
        ROOT / "requirements/base.txt",
        "--validate",
        "--output-file",
        told,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own tool
    listed = {(item["name"], item["version"]) for item in json.loads(told.read_text())["components"]}
    assert listed == {(name, version) for (name, _), version in locked("base").items()}


def test_an_audit_that_can_ask_nobody_fails() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\naudit:")[1].split("\n\n")[0]
    assert recipe.count("pip-audit --strict") == 2
    [first, *_] = re.findall(r"\$\(BIN\)/(pip-audit .*)", recipe)
    nobody = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    done = subprocess.run(  # noqa: S603 - our own tool
        [BIN / "pip-audit", *first.split()[1:]], cwd=ROOT, env=nobody, capture_output=True, timeout=120, check=False
    )
    assert done.returncode != 0, done.stdout
