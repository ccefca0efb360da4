"""Runs the tools that make and try packages. The one rule: a tool that fails is quoted, one that is silent is not."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from clients.about import ROOT, ClientsError

NODE_TOOLS: Final = ROOT / "contract" / "node_modules" / ".bin"
_PATIENCE: Final = 600.0  # seconds: a compiler on a machine that others use, too


def python_tool(name: str) -> str:
    """A program of this environment."""
    return str(Path(sys.executable).with_name(name))


def node_tool(name: str) -> str:
    """A program of `contract/package.json`. Raises: ClientsError when it is not installed."""
    path = NODE_TOOLS / name
    if not path.exists():
        raise ClientsError(f"{path.relative_to(ROOT)} is missing: `make check-typescript` installs it")
    return str(path)


def installed(name: str) -> str:
    """A program of this machine. Raises: ClientsError when there is none."""
    path = shutil.which(name)
    if path is None:
        raise ClientsError(f"{name} is missing: Node.js 20.19 or later with npm is needed")
    return path


def run(*command: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """What it says on standard output. Raises: ClientsError with all it said."""
    done = subprocess.run(  # noqa: S603 - our own tools
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE
    )
    if done.returncode != 0:
        raise ClientsError(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
