"""Child processes that never outlive us. The rule: whatever kills this process, `kill -9` included, ends its children.

Linux keeps that promise with PR_SET_PDEATHSIG. Elsewhere there is no such thing, and only an orderly stop ends them.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class User:
    """An operating system user, by number."""

    uid: int
    gid: int


def spawn(
    arguments: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    user: User | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    output: IO[bytes] | int | None = None,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (a Ctrl-C reaches us alone) that gets `death_signal` when we die.

    `output` takes both stdout and stderr. Raises OSError when the program cannot be started.
    """

    def start() -> subprocess.Popen[bytes]:
        # `user` is applied before `preexec_fn`, which matters: changing the user clears the death signal.
        return subprocess.Popen(  # noqa: S603  the callers build the arguments themselves
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=environment,
            cwd=directory,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            pass_fds=keep_open,
            start_new_session=True,
            preexec_fn=_death_signal_setter(death_signal),  # noqa: PLW1509  two system calls, no lock is taken
        )

    return _on_a_lasting_thread(start)


def stop_signalled() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set from now on, in the running event loop."""
    stopped = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    return stopped


def is_running(pid: int) -> bool:
    """Does the process exist and run? A zombie (dead, but not reaped by its parent) does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] not in {"Z", "X"}
    except FileNotFoundError:  # gone by now, or a system without /proc
        return not Path("/proc/self/stat").exists()


def _on_a_lasting_thread(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """The kernel sends the death signal when the starting *thread* ends: keep one for as long as the child lives."""
    started = threading.Event()
    outcome: list[subprocess.Popen[bytes] | Exception] = []

    def keep() -> None:
        try:
            process = start()
        except Exception as error:  # noqa: BLE001  raised again in the caller's thread
            outcome.append(error)
            started.set()
            return
        outcome.append(process)
        started.set()
        process.wait()

    threading.Thread(target=keep, name="child process keeper", daemon=True).start()
    started.wait()
    result = outcome[0]
    if isinstance(result, Exception):
        raise result
    return result


def _death_signal_setter(death_signal: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def set_death_signal() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died before the call above: no signal would come any more
            os._exit(1)

    return set_death_signal
