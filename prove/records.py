"""What a run tried and what the processes said, in two files.

The one rule: they stay when the run has failed, and only then.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prove.lines import Line, say
from prove.plan import Plan
from sandbox.children import Echo
from sandbox.stack import ROOT

_KEPT: Final = ROOT / "build" / "prove"


@dataclass(frozen=True, slots=True)
class Records:
    """Where they are."""

    journal: Path
    log: Path

    @contextmanager
    def listening(self) -> Iterator[Echo]:
        """Writes down what processes say while the block runs."""
        with self.log.open("w") as said:
            yield lambda name, line: print(name, line, file=said)

    def close(self, lines: Iterable[Line]) -> None:
        """Remove them when every line is good."""
        if all(line.ok for line in lines):
            self.journal.unlink()
            self.log.unlink()
        else:
            say(f"what was tried and said is kept: {self.journal}, {self.log}")


def new_records(battery: str, plan: Plan) -> Records:
    """For this run; those of an earlier one with its seed are overwritten."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    journal, log = (_KEPT / f"{battery}-{plan.seed}.{what}" for what in ("jsonl", "log"))
    journal.unlink(missing_ok=True)
    return Records(journal, log)
