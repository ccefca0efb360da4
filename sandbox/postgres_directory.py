"""Where an embedded database keeps its files, and who holds them.

The rule: the mode of a directory that is not ours is never changed. What the server's user cannot reach moves instead.
A directory holds `data/` (the server's user's), `password`, `log` and `lock`.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

from sandbox.binaries import is_reachable
from sandbox.processes import User, is_running

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a memory disk: what is temporary need not reach a real one
SHARED_MEMORY_NEEDED = 1 << 30  # bytes free; containers often give 64 MB, which one test run would fill
LASTING = Path("/var/tmp")  # noqa: S108  everyone can reach it, and it survives a restart of the machine
TEMPORARY_PREFIX = "calendar-connect-postgres-"
MOVED_PREFIX = "calendar-connect-data-"
MOVED, ORIGIN = "MOVED", "ORIGIN"  # files: in the directory asked for, where it is; there, which one was asked for
ABANDONED_AFTER = 3600.0  # seconds; a younger directory may be about to be locked, by its maker or after a crash
SHUTDOWN_WAIT = 15.0  # seconds


class DirectoryInUseError(Exception):
    """A running server holds it."""


def temporary_directory(user: User | None) -> Path:
    """A new one, in memory where there is room. Clears those of killed processes on the way."""
    usable = SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK)
    roomy = usable and shutil.disk_usage(SHARED_MEMORY).free >= SHARED_MEMORY_NEEDED
    parent = SHARED_MEMORY if roomy else Path(tempfile.gettempdir())
    for directory in parent.glob(f"{TEMPORARY_PREFIX}*"):
        _remove_unless_held(directory)
    return _opened_to(user, Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent)))


def lasting_directory(wanted: Path, user: User | None) -> Path:
    """`wanted`, or another that a file in `wanted` names, when `user` may not go there (as below /root)."""
    wanted = wanted.absolute()
    wanted.mkdir(parents=True, exist_ok=True)
    if user is None or is_reachable(wanted / "data", user):
        return _opened_to(user, wanted)
    if is_reachable(wanted, user):  # only our own directory is in the way
        return _opened_to(user, wanted)
    for directory in LASTING.glob(f"{MOVED_PREFIX}*"):
        if _is_orphan(directory):
            _remove_unless_held(directory)
    marker = wanted / MOVED
    if marker.exists() and (moved := Path(marker.read_text().strip())).is_dir():
        return _opened_to(user, moved)
    moved = Path(tempfile.mkdtemp(prefix=MOVED_PREFIX, dir=LASTING))
    (moved / ORIGIN).write_text(f"{wanted}\n")
    marker.write_text(f"{moved}\n")
    return _opened_to(user, moved)


def take_lock(directory: Path) -> IO[str]:
    """Hold the directory. A server whose starter was killed is still shutting down: that one is waited for.

    Raises DirectoryInUseError.
    """
    file = (directory / "lock").open("a+")
    deadline = time.monotonic() + SHUTDOWN_WAIT
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            if (holder.isdigit() and is_running(int(holder))) or time.monotonic() > deadline:
                file.close()
                raise DirectoryInUseError(
                    f"The database in {directory} is already running (started by process {holder or 'unknown'})."
                ) from None
            time.sleep(0.05)
        else:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            return file


def _opened_to(user: User | None, directory: Path) -> Path:
    directory.chmod(0o711 if user else 0o700)  # the server's user passes through to `data`, and reads nothing here
    return directory


def _is_orphan(moved: Path) -> bool:
    """Has the directory it stands for been deleted, or been given another?"""
    try:
        marker = Path((moved / ORIGIN).read_text().strip()) / MOVED
        return not marker.exists() or marker.read_text().strip() != str(moved)
    except OSError:
        return False  # somebody else's


def _remove_unless_held(directory: Path) -> None:
    lock = directory / "lock"
    with contextlib.suppress(OSError), lock.open("r+") as file:
        if time.time() - lock.stat().st_mtime > ABANDONED_AFTER:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
