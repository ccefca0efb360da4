"""Compares openapi.json with the one before: `python -m contract.breaking [--against FILE-OR-COMMIT]`.

The one rule: a breaking change is refused unless the major version rises with it, or nothing was promised yet (0.x).
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from contract.changes import breaking_changes, may_break

ROOT = Path(__file__).parents[1]
DOCUMENT = "openapi.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing breaks, or the version allows it. 1: a caller would break."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", help="a file, or a commit of this repository; absent: what came before")
    parser.add_argument("--document", type=Path, default=ROOT / DOCUMENT, help="the new document")
    options = parser.parse_args(arguments)
    new = json.loads(options.document.read_text())
    name, old = _given(options.against) if options.against else _before(options.document)
    if old is None:
        _say(f"breaking changes: {name}; nothing to compare with")
        return 0
    found = breaking_changes(old, new)
    for change in found:
        _say(change)
    if found and not may_break(old, new):
        _say(f"{len(found)} breaking changes against {name}: take them back, or raise the major version")
        return 1
    _say(f"breaking changes against {name}: {len(found) or 'none'}{', which the version allows' if found else ''}")
    return 0


def _given(base: str) -> tuple[str, Any]:
    if Path(base).is_file():
        return base, json.loads(Path(base).read_text())
    committed = _committed(base)
    if committed is None:
        raise SystemExit(f"{base} is neither a file nor a commit with {DOCUMENT}")
    return base, json.loads(committed)


def _before(document: Path) -> tuple[str, Any]:
    """The latest other version: of the branch that is landed on, else committed, else of the commit before."""
    for commit in _candidates():
        committed = _committed(commit)
        if committed is not None and committed != document.read_text():
            return commit, json.loads(committed)
    return "no earlier version differs", None


def _candidates() -> Iterator[str]:
    upstream = _git("merge-base", "HEAD", "origin/HEAD")
    if upstream is not None and upstream.strip() != (_git("rev-parse", "HEAD") or "").strip():
        yield upstream.strip()
    yield "HEAD"
    log = _git("log", "--max-count=2", "--format=%H", "--", DOCUMENT)
    yield from (log or "").split()


def _committed(commit: str) -> str | None:
    return _git("show", f"{commit}:{DOCUMENT}")


def _git(*arguments: str) -> str | None:
    """What git prints; None when it fails, is missing, or this is no repository."""
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout if done.returncode == 0 else None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
