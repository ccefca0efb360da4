"""Whether a built site holds together: every link leads somewhere, and nothing is fetched from elsewhere.

The one rule: it looks at what was built, not at what was meant.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_FETCHED: Final = {
    "script": ("src",), "img": ("src", "srcset"), "link": ("href",), "iframe": ("src",), "source": ("src", "srcset"),
    "video": ("src", "poster"), "audio": ("src",), "object": ("data",), "embed": ("src",),
}  # fmt: skip
_NOT_FETCHED: Final = frozenset({"canonical", "next", "prev", "alternate"})
_MERMAID: Final = "https://unpkg.com/mermaid"
"""What the theme's script fetches while a page with such a drawing is read."""
_IMPORTED: Final = re.compile(r"""(?:url\(|@import)\s*["']?(https?:)?//""")
_OUTWARD: Final = frozenset({"https", "mailto"})
_READERS_OWN: Final = frozenset({"127.0.0.1", "localhost"})
"""What runs on the machine of whoever reads."""
_ANYWHERE: Final = frozenset({"#", "#__search", "#__drawer"})


@dataclass(slots=True)
class Seen:
    """What one page links to, fetches, and can be linked at."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        given = {name: value or "" for name, value in attrs}
        self.seen.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.seen.links.append(given["href"])
        if "mermaid" in given.get("class", "").split():
            self.seen.fetched.append(_MERMAID)
        if tag == "link" and given.get("rel") in _NOT_FETCHED:
            return
        self.seen.fetched += [given[name] for name in _FETCHED.get(tag, ()) if given.get(name)]


def findings(site: Path) -> list[str]:
    """What is wrong with a built site, page by page."""
    pages = {path.relative_to(site).as_posix(): _read(path) for path in sorted(site.rglob("*.html"))}
    styles = [
        f"{path.relative_to(site)}: fetches from elsewhere"
        for path in sorted(site.rglob("*.css"))
        if _IMPORTED.search(path.read_text())
    ]
    return styles + [
        f"{page}: {what}"
        for page, seen in pages.items()
        for what in (*_broken(site, page, seen, pages), *_from_elsewhere(site, page, seen))
    ]


def _read(path: Path) -> Seen:
    reader = _Reader()
    reader.feed(path.read_text())
    return reader.seen


def _broken(site: Path, page: str, seen: Seen, pages: dict[str, Seen]) -> Iterator[str]:
    for link in dict.fromkeys(seen.links):
        parts = urlsplit(link)
        if parts.scheme in _OUTWARD or parts.hostname in _READERS_OWN:
            continue
        if parts.scheme or parts.netloc:
            yield f"a link that is not https: {link}"
            continue
        target = _target(site, page, parts.path)
        if target is None:
            yield f"nothing is there: {link}"
        elif parts.fragment and link not in _ANYWHERE and unquote(parts.fragment) not in _anchors(pages, target):
            yield f"no such place on the page: {link}"


def _anchors(pages: dict[str, Seen], target: str) -> set[str]:
    return pages[target].anchors if target in pages else set()


def _target(site: Path, page: str, path: str) -> str | None:
    """The file that a path means, below the site; None when there is none."""
    if not path:
        return page
    below = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path).removeprefix("/")))
    file = site / below
    if file.is_dir():
        below, file = posixpath.normpath(f"{below}/index.html"), file / "index.html"
    return below if not below.startswith("..") and file.is_file() else None


def _from_elsewhere(site: Path, page: str, seen: Seen) -> Iterator[str]:
    for address in dict.fromkeys(seen.fetched):
        parts = urlsplit(address)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            yield f"fetched from elsewhere: {address}"
        elif _target(site, page, parts.path) is None:
            yield f"nothing is there to fetch: {address}"
