"""A copy of the tree in a temporary directory, and its tests: where mistakes are planted and looked for.

The one rule: nothing is changed but the copy, and after every plant the copy is as it was. A check has caught a mistake
when its own assertion failed: a test that could not begin has caught nothing.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

from prove.calibration_planted import Planted, PlantError
from sandbox.processes import spawn

ROOT: Final = Path(__file__).parents[1]
IN_TIME: Final = 120.0  # seconds
_LEFT_OUT: Final = shutil.ignore_patterns(
    ".git", ".venv", ".run", ".*_cache", ".hypothesis", "node_modules", "build", "__pycache__"
)
_COUNTED: Final = re.compile(r"(\d+) (passed|failed|errors?)\b")
_SOME_FAILED: Final = 1
_LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some tests."""

    seconds: float
    code: int | None
    """pytest's; None: it was ended, for it took too long."""
    passed: int = 0
    failed: int = 0
    end: str = ""
    """The last lines it said."""

    @property
    def caught(self) -> bool:
        """A test ran and failed."""
        return self.code == _SOME_FAILED and self.failed > 0

    @property
    def good(self) -> bool:
        """Tests ran, and none failed."""
        return self.code == 0 and self.passed > 0

    @property
    def word(self) -> str:
        """The outcome in a word or two."""
        if self.code is None:
            return "too slow"
        return "caught" if self.caught else "escaped" if self.good else "could not be run"


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of the tree."""

    tree: Path

    async def run(self, checks: Sequence[str], *, seconds: float) -> Outcome:
        """Run these tests in the copy, in one process of their own."""
        command = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *checks)
        began = time.monotonic()
        with tempfile.TemporaryFile() as said:
            running = spawn(
                command, death_signal=signal.SIGTERM, environment=_environment(), directory=self.tree, output=said
            )
            try:
                code = await _ended(running, seconds)
            finally:
                _end(running)
            said.seek(0)
            return _read(said.read().decode(errors="replace"), code, time.monotonic() - began)

    @contextmanager
    def with_planted(self, planted: Planted) -> Iterator[None]:
        """The mistake is in the copy while the block runs. Raises: PlantError."""
        path = self.tree / planted.file
        before, text = planted.text_in(self.tree), planted.planted_text(self.tree)
        try:
            _write(path, text)
            yield
        finally:
            _write(path, before)


@contextmanager
def copy_of_tree(root: Path = ROOT) -> Iterator[Copy]:
    """A copy that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="calendar-connect-calibration-") as directory:
        tree = Path(directory) / "tree"
        shutil.copytree(root, tree, ignore=_LEFT_OUT)
        yield Copy(tree)


def _environment() -> dict[str, str]:
    """Ours, without what would make Python find another tree."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "PYTEST_"))}


def _write(path: Path, text: str) -> None:
    """Python tells a file by its size and second: what it has compiled goes, too."""
    path.write_text(text)
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


async def _ended(running: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Its exit code, or None when it takes too long."""
    try:
        return await asyncio.to_thread(running.wait, seconds)
    except subprocess.TimeoutExpired:
        return None


def _end(running: subprocess.Popen[bytes]) -> None:
    """The tests, and the servers they have started."""
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _read(said: str, code: int | None, seconds: float) -> Outcome:
    lines = said.strip().splitlines() or [""]
    counted = {word.rstrip("s"): int(number) for number, word in _COUNTED.findall(lines[-1])}
    end = "\n".join(lines[-_LAST_LINES:])
    return Outcome(seconds, code, counted.get("passed", 0), counted.get("failed", 0), end)


def check_plants(plants: Sequence[Planted], root: Path = ROOT) -> None:
    """Every plant fits, and each has a name of its own. Raises: PlantError."""
    names = [planted.guard for planted in plants]
    if twice := {name for name in names if names.count(name) > 1}:
        raise PlantError(f"named twice: {', '.join(sorted(twice))}")
    for planted in plants:
        planted.planted_text(root)
