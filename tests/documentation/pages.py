"""The pages as their readers see them: the blocks that are marked to be run, and the words that are set as code.

The one rule: a block is found by the comment before it, and a mark that finds nothing is a mistake of the test.
"""

import re
from collections.abc import Iterator

from documentation.repository import DOCS

_BLOCK = re.compile(
    r"^<!-- (?P<mark>[^>]+?) -->\n```(?P<language>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_PLACE = re.compile(r"\]\((?:\.\./)+(app/[\w/]+\.py)\) `(\w+)`")


def text(page: str) -> str:
    """A page, by its path below `docs`."""
    return (DOCS / page).read_text()


def blocks(page: str, mark: str) -> list[str]:
    """The code of the blocks whose comment begins with the mark."""
    found = [
        match["code"]
        for match in _BLOCK.finditer(text(page))
        if match["mark"] == mark or match["mark"].startswith(f"{mark},")
    ]
    assert found, f"{page} has nothing that is marked '{mark}'"
    return found


def marked(page: str) -> Iterator[tuple[str, str]]:
    """Every mark of a page with its code."""
    for match in _BLOCK.finditer(text(page)):
        yield match["mark"], match["code"]


def written_pages() -> list[str]:
    """Every page that is written by hand, decisions left out: they tell of their day."""
    paths = (path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    return sorted(path for path in paths if not path.startswith("decisions/"))


def spans(page: str) -> list[str]:
    """What is set as code in the running text of a page, but for places in the code."""
    return _SPAN.findall(_PLACE.sub("](", _FENCE.sub("", text(page))))


def places(page: str) -> list[tuple[str, str]]:
    """File and name of whatever the page says stands in the code: a name directly after the link to its file."""
    return _PLACE.findall(text(page))


def code(page: str) -> str:
    """All that is set as code: spans and blocks."""
    return "\n".join([*spans(page), *(match[0] for match in _FENCE.finditer(text(page)))])
