"""How a worker stands back for the API where they share processors: people wait for the API alone.

The one rule: it stands back only while it keeps up, and lowers nothing that it could not raise again. A process's own
niceness can only be raised again by who may; that of a session by whom it belongs to, and where nothing else groups
tasks Linux weighs whole sessions against each other (man 7 sched, "The autogroup feature"). So a worker that leads a
session lowers that, and one that was started in somebody else's changes nothing.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_SESSION: Final = Path("/proc/self/autogroup")
_LOWEST: Final = 19
_LATE: Final = 5.0
"""Seconds: a job that waited longer for a worker says that it does not keep up."""
_CALM: Final = 5.0
"""So many seconds after the last such job it stands back again."""


class Place:
    """Behind the API, or beside it."""

    def __init__(self, niceness: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._beside = _niceness_of_session() if niceness and os.getsid(0) == os.getpid() else None
        self._behind = min((self._beside or 0) + niceness, _LOWEST)
        self._now = self._beside
        self._clock = clock
        self._late_at: float | None = None

    def waited(self, seconds: float) -> None:
        """A job has begun that had been due for so long."""
        if seconds > _LATE:
            self._late_at = self._clock()

    async def take(self) -> None:
        """Go where we belong; again and again.

        The kernel takes such a wish from users without privileges ten times a second, of all of them together: what it
        refuses is wished again.
        """
        late = self._late_at is not None and self._clock() - self._late_at < _CALM
        wanted = self._beside if late else self._behind
        if self._beside is None or wanted == self._now:
            return
        try:
            _SESSION.write_text(str(wanted))
        except OSError:
            return
        self._now = wanted


def _niceness_of_session() -> int | None:
    """None: another system, or one that does not group by session."""
    try:
        return int(_SESSION.read_text().split()[-1])  # "/autogroup-25 nice 0"
    except (OSError, ValueError, IndexError):
        return None
