"""Draws who says what to whom as SVG, from a few lines of text. Pure.

    participants: visitor | this service | provider
    visitor -> this service: POST bookings
    this service --> provider: free/busy            (a broken line: later, by a job)
    note this service: one transaction

The one rule: colours are the page's, so that it can be read in the dark and on paper; the lines are its description.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from zlib import crc32

_COLUMN: Final = 230
_ROW: Final = 46
_TOP: Final = 64
_BOX_HEIGHT: Final = 34
_STEP: Final = re.compile(r"(?P<source>.+?) (?P<arrow>--?>) (?P<target>.+?): (?P<text>.+)")
_NOTE: Final = re.compile(r"note (?P<source>.+?): (?P<text>.+)")


class NotADrawingError(ValueError):
    """A line that is no step, or names somebody who does not take part."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line. A note has the same source and target, and no arrow."""

    source: int
    target: int
    text: str
    later: bool = False
    note: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """Who takes part, and what happens, in order."""

    participants: Sequence[str]
    steps: Sequence[Step]


def read(source: str) -> Drawing:
    """The drawing that lines describe. Raises: NotADrawingError."""
    first, *lines = [line.strip() for line in source.splitlines() if line.strip()]
    if not first.startswith("participants:"):
        raise NotADrawingError("the first line names the participants")
    names = [name.strip() for name in first.partition(":")[2].split("|")]
    return Drawing(names, [_step(line, names) for line in lines])


def _step(line: str, names: Sequence[str]) -> Step:
    note, step = _NOTE.fullmatch(line), _STEP.fullmatch(line)
    try:
        if note:
            at = names.index(note["source"])
            return Step(at, at, note["text"], note=True)
        if step:
            return Step(
                names.index(step["source"]), names.index(step["target"]), step["text"], later=step["arrow"] == "-->"
            )
    except ValueError:
        raise NotADrawingError(f"somebody else takes part: {line}") from None
    raise NotADrawingError(f"no step: {line}")


def draw(drawing: Drawing) -> str:
    """The picture, on one line: Markdown leaves it alone."""
    width = _COLUMN * len(drawing.participants)
    height = _TOP + _ROW * len(drawing.steps) + 20
    told = "; ".join(_told(drawing, step) for step in drawing.steps)
    head = f"head-{crc32(told.encode())}"
    tip = f'<marker id="{head}" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
    parts = [
        f'<svg class="sequence" role="img" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(' · '.join(drawing.participants))}</title><desc>{escape(told)}</desc>",
        f'<defs>{tip}<path d="M0 0 9 4 0 8z" fill="currentColor"/></marker></defs>',
        *(_participant(index, name, height) for index, name in enumerate(drawing.participants)),
        *(_drawn(step, _TOP + _ROW * index, head) for index, step in enumerate(drawing.steps)),
        "</svg>",
    ]
    return "".join(parts)


def _told(drawing: Drawing, step: Step) -> str:
    source = drawing.participants[step.source]
    if step.note:
        return f"{source}: {step.text}"
    return f"{source} to {drawing.participants[step.target]}{' (later)' if step.later else ''}: {step.text}"


def _middle(column: int) -> int:
    return column * _COLUMN + _COLUMN // 2


def _participant(index: int, name: str, height: int) -> str:
    x = _middle(index)
    return (
        f'<line x1="{x}" y1="{_BOX_HEIGHT}" x2="{x}" y2="{height}" stroke="currentColor" stroke-opacity=".25"/>'
        f'<rect x="{x - 95}" y="2" width="190" height="{_BOX_HEIGHT}" rx="4" fill="none" stroke="currentColor"/>'
        f'<text x="{x}" y="24" text-anchor="middle" fill="currentColor" font-weight="600">{escape(name)}</text>'
    )


def _drawn(step: Step, y: int, head: str) -> str:
    start, end = _middle(step.source), _middle(step.target)
    if step.note or step.source == step.target:
        return (
            f'<rect x="{start - 108}" y="{y - 6}" width="216" height="28" rx="4" fill="currentColor" '
            f'fill-opacity=".08"/>{_label(start, y + 13, step.text)}'
        )
    dash = ' stroke-dasharray="5 4"' if step.later else ""
    return (
        f'<line x1="{start}" y1="{y + 16}" x2="{end}" y2="{y + 16}" stroke="currentColor"{dash} '
        f'marker-end="url(#{head})"/>{_label((start + end) // 2, y + 8, step.text)}'
    )


def _label(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="14" fill="currentColor">{escape(text)}</text>'


def fence(source: str, *_: Any, **__: Any) -> str:
    """What the Markdown extension for fences calls."""
    return f'<figure class="drawing">{draw(read(source))}</figure>'
