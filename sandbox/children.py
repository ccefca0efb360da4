"""Child processes under supervision: their output, their end, when to start them again.

The rule: a child that dies is started again a few times, ever more slowly; one that cannot live is given up, loudly.
"""

import asyncio
import contextlib
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.processes import spawn

TAIL_LINES = 40
STOP_WAIT = 25.0  # seconds between SIGTERM and SIGKILL; the API gives its requests 20

Echo = Callable[[str, str], None]
"""Called with a child's name and a line of its output, from that child's reader thread."""


@dataclass(frozen=True)
class RestartPolicy:
    """How often a child may die within a time, and how long to wait before each new start."""

    attempts: int = 5
    within_seconds: float = 120.0
    first_delay: float = 0.5
    longest_delay: float = 10.0

    def delay(self, deaths: Sequence[float], now: float) -> float | None:
        """Seconds to wait before the next start, given when it died; None: give up."""
        recent = sum(1 for died in deaths if now - died <= self.within_seconds)
        if recent > self.attempts:
            return None
        return float(min(self.longest_delay, self.first_delay * 2 ** max(0, recent - 1)))


@dataclass
class Child:
    """A program with a name. Started, ended and started again, it keeps its environment."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    echo: Echo
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    _process: subprocess.Popen[bytes] | None = None
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; minus the signal's number when it was killed. None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def last_lines(self) -> str:
        """The end of its output, for an error message."""
        return "\n".join(self._tail)

    def start(self) -> None:
        """Start it. The caller sees to it that it does not run already."""
        assert self.pid is None, f"{self.name} runs already"
        self.exited = asyncio.Event()  # a new one: the last child's reader may be late with the old
        self._process = spawn(
            self.arguments,
            death_signal=signal.SIGKILL,
            environment=self.environment,
            directory=self.directory,
            output=subprocess.PIPE,
        )
        reader = threading.Thread(
            target=self._read,
            args=(self._process, asyncio.get_running_loop(), self.exited),
            name=f"{self.name} output",
            daemon=True,
        )
        reader.start()

    async def stop(self) -> None:
        """End it in good order, or by force when that takes too long."""
        if self._process is None:
            return
        self._send(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WAIT):
                await self.exited.wait()
        except TimeoutError:
            self.echo(self.name, f"did not stop within {STOP_WAIT:.0f} s, killing it")
            await self.kill()

    async def kill(self) -> None:
        """End it as a crash would."""
        self._send(signal.SIGKILL)
        await self.exited.wait()

    def _send(self, signum: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signum)

    def _read(self, process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop, exited: asyncio.Event) -> None:
        """Runs in a thread of its own until the child is gone."""
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                text = line.decode(errors="replace").rstrip()
                self._tail.append(text)
                with contextlib.suppress(OSError):  # nobody reads our own output any more; the child's must go on
                    self.echo(self.name, text)
        process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(exited.set)
