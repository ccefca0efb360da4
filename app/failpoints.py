"""Moments at which a process can be told to die, so that it can be shown that nothing is lost or doubled by it.

    CALENDAR_CONNECT_FAILPOINTS='{"booking.after_commit": 2}'      dies when it comes there for the second time

The one rule: nothing is armed unless the environment said so at the start, and then only beside a sandbox; a moment
that is not armed costs one look at an empty dict. Dying is `kill -9`: nothing is tidied up.
"""

import os
import signal
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Failpoint(StrEnum):
    """Every moment there is."""

    BOOKING_BEFORE_COMMIT = "booking.before_commit"
    BOOKING_AFTER_COMMIT = "booking.after_commit"
    """The visitor is never told."""
    WRITE_BEFORE_APPLIED = "write.before_applied"
    """The event is claimed, and nothing was sent yet."""
    WRITE_AFTER_APPLIED = "write.after_applied"
    """The provider has the event, and its answer is lost."""
    SYNC_PAGE = "sync.page"
    """A page of changes was read, and nothing of it is saved."""
    SYNC_BEFORE_CURSOR = "sync.before_cursor"
    """Everything is saved but what says so: the commit is missing."""
    REFRESH_BEFORE_PERSIST = "refresh.before_persist"
    """The provider has given new tokens, and nobody has written them down."""
    PUSH_BEFORE_PERSIST = "push.before_persist"
    MAIL_BEFORE_SENT = "mail.before_sent"
    """The mail is claimed, and nothing was sent yet."""
    MAIL_AFTER_SENT = "mail.after_sent"
    """The mail server has the mail, and nobody has written that down: it will be sent once more."""


_armed: Final[dict[Failpoint, int]] = {}


def arm(points: Mapping[str, int]) -> None:
    """Die when a point is reached for the so manieth time. Raises: ValueError for a name that is none."""
    for name, times in points.items():
        _armed[Failpoint(name)] = times


def reached(point: Failpoint) -> None:
    """The process is at this moment now."""
    if _armed and point in _armed:
        _armed[point] -= 1
        if _armed[point] <= 0:
            os.write(2, f"failpoint {point.value}\n".encode())  # not through a logger: its buffers die with us
            os.kill(os.getpid(), signal.SIGKILL)
