"""Files of the repository that pages link to: published beside the pages, so that they can be read offline.

The one rule: a page's link leads to the same file in the repository and on the site; one that leads nowhere is left as
it is, for the strict build to find.
"""

import os
import posixpath
import re
from pathlib import PurePosixPath
from typing import Final

from documentation.repository import ROOT

FOLDER: Final = "files"
_LINK: Final = re.compile(r"\]\(((?:\.\./)+[^)\s#]*)(#[^)\s]*)?\)")
_SHOWN_AS_THEY_ARE: Final = frozenset({".json", ".txt"})
_SKIPPED: Final = frozenset({"docs"})


def linked_files(markdown: str, page: str) -> set[str]:
    """The repository's files that a page links to, by their path; `page` is its own path below `docs`."""
    return {path for found in _LINK.finditer(markdown) if (path := _file(found[1], page)) is not None}


def published_at(path: str) -> str:
    """Where a file stands on the site. Sources get an ending that every browser shows; no web server hides them."""
    at = PurePosixPath(path)
    shown = at.with_name(at.name.removeprefix("."))
    return f"{FOLDER}/{shown if at.suffix in _SHOWN_AS_THEY_ARE else f'{shown}.txt'}"


def led_to_files(markdown: str, page: str) -> str:
    """A page's text with such links leading to where the files stand on the site; a folder loses its link."""
    base = posixpath.dirname(page)

    def lead(found: re.Match[str]) -> str:
        path = _file(found[1], page)
        if path is None:
            return found[0]
        return f"]({posixpath.relpath(published_at(path), base or '.')})"

    return _LINK.sub(lead, _without_folders(markdown, page))


def _without_folders(markdown: str, page: str) -> str:
    link = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)\s#]*)\)")

    def plain(found: re.Match[str]) -> str:
        path = _in_repository(found[2], page)
        return found[1] if path is not None and (ROOT / path).is_dir() else found[0]

    return link.sub(plain, markdown)


def _file(target: str, page: str) -> str | None:
    path = _in_repository(target, page)
    return path if path is not None and (ROOT / path).is_file() else None


def _in_repository(target: str, page: str) -> str | None:
    """The path of a target outside `docs`; None when it is inside, or outside of the repository."""
    path = os.path.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if path.startswith("..") or path.partition("/")[0] in _SKIPPED else path
