"""A mistake that can be planted in a copy of the service, and the check that is there to catch it.

The one rule: a plant that does not fit any more is an error and never a mistake that was caught.
"""

from dataclasses import dataclass
from pathlib import Path


class PlantError(Exception):
    """The plant does not fit the code; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One guard, taken away."""

    guard: str
    """What would be lost, in a few words; the plant's name."""
    file: str
    old: str
    """Stands in the file exactly once."""
    new: str
    check: str
    """The test that is meant for it, as pytest names it."""

    def text_in(self, tree: Path) -> str:
        """The file as it stands. Raises: PlantError."""
        path = tree / self.file
        if not path.is_file():
            raise PlantError(f"{self.guard}: {self.file} is not there")
        text = path.read_text()
        if text.count(self.old) != 1:
            raise PlantError(f"{self.guard}: {self.file} has its old text {text.count(self.old)} times, not once")
        return text

    def planted_text(self, tree: Path) -> str:
        """The file with the mistake in it. Raises: PlantError, also when that is no program any more."""
        text = self.text_in(tree).replace(self.old, self.new)
        try:
            compile(text, self.file, "exec")
        except SyntaxError as error:
            raise PlantError(f"{self.guard}: {self.file} would not compile: {error}") from error
        return text
