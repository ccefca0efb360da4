"""Who may send at once, in one worker.

The one rule: nobody waits here. A lane that is full turns away, and the endpoint comes up again in a moment; so no job
of the queue is held up. Endpoints that were slow have a lane of their own: they wait for each other, and nobody quick
for them. A quick one that turns slow costs its lane one attempt.
"""

from typing import Final

_QUICK: Final = 14
_SLOW: Final = 6
"""Together no more than the outbound client has connections."""


class Lanes:
    """Places for sendings under way."""

    def __init__(self, *, quick: int = _QUICK, slow: int = _SLOW) -> None:
        self._free = {False: quick, True: slow}

    def enter(self, *, slow: bool) -> bool:
        """Take a place; False when there is none."""
        if self._free[slow] == 0:
            return False
        self._free[slow] -= 1
        return True

    def leave(self, *, slow: bool) -> None:
        """Give the place back."""
        self._free[slow] += 1
