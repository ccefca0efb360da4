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

    def chance(self, name: str) -> random.Random:
        """Draws for one use; the same seed and name draw the same."""
        return random.Random(f"{self.seed}:{name}")
