"""A disk of bounded size for the database, which can be filled to the last block and emptied again.

    may_mount   the process has file systems of its own, where the kernel lets it
    open_disk   such a disk, mounted; gone with the block

The one rule: no disk of this machine is ever filled. It is a file system in memory, of which only this process and its
children know; where none can be mounted there is no such disk, and `NoDiskError` says why.
"""

import ctypes
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SIZE: Final = 512 << 20
"""Bytes: several times what the database has in a run, and little enough to be full of nothing for some seconds."""
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER
_PRIVATE_ALL: Final = (1 << 18) | (1 << 14)  # MS_PRIVATE | MS_REC
_DETACH: Final = 2  # MNT_DETACH
_PIECES: Final = (1 << 20, 4096)


class NoDiskError(Exception):
    """Nothing can be mounted here; the message says why."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the stack keeps its files; of these the database's are on the disk."""

    directory: Path

    @property
    def mounted_at(self) -> Path:
        """The database's own directory, as `Stack` calls it."""
        return self.directory / "postgres"

    def fill(self) -> int:
        """To the last block, once more if need be; how many bytes that took."""
        written = 0
        with self._filler.open("ab", buffering=0) as file:
            for size in _PIECES:
                with _until_full():
                    while True:
                        written += file.write(bytes(size))
        return written

    def empty(self) -> None:
        """As it was."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.mounted_at / "filler"


@contextmanager
def _until_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def may_mount() -> None:
    """Before any thread is started: mounts of our own, and the right to make them, if the kernel grants it.

    What is mounted then is seen by nobody else, and is gone when the last of our processes is, however it ended.
    """
    if not sys.platform.startswith("linux"):
        return
    user, group = os.geteuid(), os.getegid()
    with suppress(OSError):
        _call("unshare", _NEW_MOUNTS if user == 0 else _NEW_MOUNTS | _NEW_USER)
        if user != 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _call("mount", b"none", b"/", None, _PRIVATE_ALL, None)


@contextmanager
def open_disk(size: int = SIZE) -> Iterator[Disk]:
    """Mount it for the block. Raises: NoDiskError."""
    if not sys.platform.startswith("linux"):
        raise NoDiskError(f"a file system in memory is mounted on Linux only, and this is {sys.platform}")
    with tempfile.TemporaryDirectory(prefix="calendar-connect-disk-") as directory:
        disk = Disk(Path(directory))
        disk.directory.chmod(0o711)  # the database's user passes through
        disk.mounted_at.mkdir()
        place = os.fsencode(disk.mounted_at)
        try:
            _call("mount", b"tmpfs", place, b"tmpfs", 0, f"size={size},mode=0711".encode())
        except OSError as error:
            raise NoDiskError(f"a file system in memory could not be mounted: {error.strerror}") from error
        try:
            yield disk
        finally:
            _call("umount2", place, _DETACH)


def _call(name: str, *arguments: object) -> None:
    """A system call by its name in the C library. Raises: OSError."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
