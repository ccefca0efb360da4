"""Code in documents, copied from files that are run: `python -m clients.regions` brings `docs/clients.md` up to date.

The one rule: a block under `<!-- from FILE: REGION -->` is that region of that file, or a test fails. Regions are
marked as editors fold them: `# region NAME`, `// #region NAME`, and their ends. Other blocks stay as they are.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clients.about import ROOT, ClientsError

DOCUMENTS: Final = (ROOT / "docs" / "clients.md",)
_BLOCK: Final = re.compile(
    r"(<!-- from (?P<file>\S+): (?P<region>\S+) -->\n+```\w+\n)(?P<code>.*?)(^```$)", re.MULTILINE | re.DOTALL
)
_MARK: Final = re.compile(r"^\s*(?:#|// #)(?P<end> ?end)?\s?region\s*(?P<name>\S*)$")


def main() -> int:
    """Write every document anew; 0, as nothing can be wrong that is not raised."""
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text()))
    return 0


def filled(markdown: str, root: Path = ROOT) -> str:
    """The document with its blocks as the files have them. Raises: ClientsError for a region that does not exist."""

    def block(found: re.Match[str]) -> str:
        return found[1] + region(root / found["file"], found["region"]) + found[5]

    return _BLOCK.sub(block, markdown)


def named(markdown: str) -> Iterator[tuple[str, str]]:
    """File and region of every block."""
    return ((found["file"], found["region"]) for found in _BLOCK.finditer(markdown))


def region(file: Path, name: str) -> str:
    """The lines of a region, without indentation, at their end a newline. Raises: ClientsError when there is none."""
    lines = _regions(file.read_text()).get(name)
    if lines is None:
        raise ClientsError(f"{file.name} has no region {name}")
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


def _regions(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    open_name: str | None = None
    for line in text.splitlines():
        mark = _MARK.match(line)
        if mark is None:
            if open_name is not None:
                found[open_name].append(line)
        elif mark["end"]:
            open_name = None
        else:
            open_name = mark["name"]
            found[open_name] = []
    return found


if __name__ == "__main__":
    sys.exit(main())
