"""Which endpoints may be sent to at once, in one worker, and when the others come up again.

The one rule: nobody waits here. A lane that is full turns away, and the endpoint comes up again in a moment; so no job
of the queue is held up. Endpoints that were slow have a lane of their own: they wait for each other, and no quick one
waits for them. A quick one that turns slow costs its lane one attempt. Who has had a turn comes after all who were
turned away.
"""

from datetime import datetime, timedelta
from typing import Final

_QUICK: Final = 14
_SLOW: Final = 6
"""Together no more than the outbound client has connections."""
_SOONEST: Final = timedelta(seconds=1)
_APART: Final = timedelta(milliseconds=50)
"""A place that becomes free is soon taken; a thousand who knock every second would leave the worker no time."""
LONGEST_WAIT: Final = timedelta(minutes=2)


class Lanes:
    """Places for sendings under way."""

    def __init__(self, *, quick: int = _QUICK, slow: int = _SLOW) -> None:
        self._free = {False: quick, True: slow}
        self._last: dict[bool, datetime] = {}
        """When the last one comes up of those who were turned away."""

    def enter(self, *, slow: bool) -> bool:
        """Take a place; False when there is none."""
        if self._free[slow] == 0:
            return False
        self._free[slow] -= 1
        return True

    def leave(self, *, slow: bool) -> None:
        """Give the place back."""
        self._free[slow] += 1

    def comes_up(self, *, slow: bool, now: datetime) -> datetime:
        """When to look again, for one that was turned away: after the others, each a little later than the one before.

        In two minutes at the latest, for the receiver of them all may be well again long before their turn.
        """
        after_the_others = self._last.get(slow, now) + _APART
        self._last[slow] = min(max(after_the_others, now + _SOONEST), now + LONGEST_WAIT)
        return self._last[slow]

    def behind_others(self, *, slow: bool, now: datetime) -> datetime | None:
        """When to come again after a turn; None when nobody waits to come up: then at once."""
        waited_for = self._last.get(slow, now) > now
        return self.comes_up(slow=slow, now=now) if waited_for else None
