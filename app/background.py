"""How a worker stands back for the API where they share processors: people wait for the API alone.

The one rule: it lowers itself and nobody else. Where nothing else groups tasks, Linux weighs whole sessions against
each other (man 7 sched, "The autogroup feature"), and niceness counts within one alone. So a worker that leads one
lowers it too, and one that was started in somebody else's leaves it as it is.
"""

import os
import time
from pathlib import Path
from typing import Final

_SESSION: Final = Path("/proc/self/autogroup")
_TRIES: Final = 20
_PAUSE: Final = 0.15
"""Seconds; the kernel takes such a wish from users without privileges ten times a second, of all of them together."""


def stand_back(niceness: int) -> None:
    """Be nicer than we were started by so much; 0 changes nothing."""
    if niceness == 0:
        return
    now = os.nice(niceness)
    if os.getsid(0) == os.getpid():
        _lower_session(now)


def _lower_session(niceness: int) -> None:
    for _ in range(_TRIES):
        try:
            _SESSION.write_text(str(niceness))
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:  # another system, or none that groups by session
            return
        else:
            return
