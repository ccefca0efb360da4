"""What a run of the batteries was asked for.

The one rule: all chance comes from the seed, each use by a name of its own.
Names keep the draws apart: a battery that draws once more does not change what another draws.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that can be repeated."""

    seed: int
    long: bool = False
    """Hours instead of minutes."""
    only: tuple[str, ...] = ()
    """Parts of a battery, by its own names; none named: all of them."""
    minutes: float | None = None
    """How long that goes on which goes by the clock; None: as long as it does in this mode."""

    def chance(self, name: str) -> random.Random:
        """Draws for one use; the same seed and name draw the same."""
        return random.Random(f"{self.seed}:{name}")

    def takes(self, part: str) -> bool:
        """Whether this part of a battery is asked for."""
        return not self.only or part in self.only

    def seconds(self, usual: float) -> float:
        """How long something goes on that would usually go on so long."""
        return usual if self.minutes is None else 60 * self.minutes
