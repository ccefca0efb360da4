"""A program beside us whose output goes to a file.

The one rule: nobody reads along. A service logs a line for every request, and a reader of ours would take processor
time from what is measured.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from bench.load import ROOT, BenchError
from sandbox.ports import HOST
from sandbox.processes import spawn

_READY_WAIT = 60.0  # seconds
_STOP_WAIT = 25.0  # seconds; the service gives its requests 20
_TAIL_BYTES = 4000


class Program:
    """It dies with us, however we die."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._name = name
        self._log = log
        with log.open("wb") as output:
            self._process = _start(arguments, environment, output)

    async def answers(self, port: int) -> None:
        """Wait until it listens. Raises: BenchError."""
        deadline = time.monotonic() + _READY_WAIT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(f"{self._name} ended with {self._process.returncode}:\n{self._tail()}")
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        raise BenchError(f"{self._name} was not ready within {_READY_WAIT:.0f} s:\n{self._tail()}")

    async def succeeds(self) -> None:
        """Wait for its good end. Raises: BenchError."""
        if await asyncio.to_thread(self._process.wait) != 0:
            raise BenchError(f"{self._name} ended with {self._process.returncode}:\n{self._tail()}")

    async def stop(self) -> None:
        """End it in good order, or by force when that takes too long. Again does no harm."""
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, _STOP_WAIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _tail(self) -> str:
        return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")


def _start(arguments: Sequence[str], environment: Mapping[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return spawn(arguments, death_signal=signal.SIGKILL, environment=environment, directory=ROOT, output=output)
