"""What a battery says: one line for each thing it checked, as JSON.

The one rule: a line is printed as soon as it is known; nobody waits for the last one to read the first.
"""

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Final

BEGAN: Final = time.perf_counter()


@dataclass(frozen=True, slots=True)
class Line:
    """One check of a battery, and its figures."""

    battery: str
    check: str
    ok: bool
    figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """`{"battery": …, "check": …, "ok": …, …figures}`."""
        said = {"battery": self.battery, "check": self.check, "ok": self.ok, **self.figures}
        return json.dumps(said, ensure_ascii=False, default=str)


def say(what: str) -> None:
    """Progress, to standard error."""
    print(f"prove: {time.perf_counter() - BEGAN:4.0f} s  {what}", file=sys.stderr, flush=True)
