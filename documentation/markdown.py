"""The few forms of Markdown that generated pages are written in. Pure.

The one rule: what goes into a table's cell cannot break the table.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_NOT_IN_ANCHORS: Final = re.compile(r"[^\w\- ]")


def anchor(title: str) -> str:
    """What a heading is linked by, as the table of contents makes it."""
    return re.sub(r"[\s-]+", "-", _NOT_IN_ANCHORS.sub("", title).strip().lower())


def cell(text: str) -> str:
    """A text on one line, its bars harmless."""
    return " ".join(text.split()).replace("|", "\\|")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing when it has no rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(header)} |", "|---" * len(header) + "|", *lines])


def fence(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def page(*parts: str) -> str:
    """Parts with an empty line between them; empty ones are left out."""
    return "\n\n".join(part.rstrip() for part in parts if part.strip()) + "\n"
