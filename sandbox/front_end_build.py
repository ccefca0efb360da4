"""Builds the example front end, when Node is there.

The rule: the same sources are built once; what is built is served without Node, whatever has changed meanwhile on the
machine, and whoever has no Node is told how to get it.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "examples" / "front-end"
DOCUMENT = ROOT / "openapi.client.json"
BUILT = ROOT / "build" / "front-end"
NODE = (20, 19)
GET_NODE = (
    "The example front end needs Node.js 20.19 or later with npm: https://nodejs.org, or apt-get install nodejs npm. "
    "Then start again."
)
_LEFT_OUT = {"node_modules", "generated", "browser-tests"}
_LAST_LINES = 15


class FrontEndNotBuiltError(Exception):
    """There is no front end to serve; the message says why, and what helps."""


def build_front_end(say: Callable[[str], None]) -> Path:
    """The directory to serve, built if that is needed. Raises FrontEndNotBuiltError."""
    stamp = BUILT / f".built-{_fingerprint()}"
    if stamp.exists():
        return BUILT
    npm = _npm()
    say("building the example front end: once, about half a minute")
    if not _is_installed():
        _run([npm, "ci", "--no-progress", "--loglevel=error"])
    for script in ("generate", "build"):
        _run([npm, "run", "--silent", script])
    stamp.touch()
    return BUILT


def _npm() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise FrontEndNotBuiltError(GET_NODE)
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    version = tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2])
    if version < NODE:
        raise FrontEndNotBuiltError(f"{GET_NODE} (This is Node {told.strip()}.)")
    return npm


def _is_installed() -> bool:
    """npm keeps what it installed beside it; that it is what the lock file names, it says by being the younger."""
    kept, lock = SOURCES / "node_modules" / ".package-lock.json", SOURCES / "package-lock.json"
    return kept.exists() and kept.stat().st_mtime >= lock.stat().st_mtime


def _run(command: Sequence[str]) -> None:
    environment = {**os.environ, "FRONT_END_OUT": str(BUILT), "CI": "true"}
    done = subprocess.run(  # noqa: S603  our own scripts
        command, cwd=SOURCES, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-_LAST_LINES:])
        raise FrontEndNotBuiltError(f"{' '.join(command[1:])} failed:\n{end}")


def _fingerprint() -> str:
    """Of everything the result depends on."""
    digest = hashlib.sha256()
    for path in [*sorted(_sources(SOURCES)), DOCUMENT]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_dir() and path.name not in _LEFT_OUT:
            yield from _sources(path)
        elif path.is_file():
            yield path
