"""Texts as long as a provider takes them.

The one rule: what is too long is cut where a reader sees it, and never costs the event.
"""

import html
from collections.abc import Iterable
from typing import Final

SUBJECT_MAX: Final = 255
"""Of what Exchange stores, and so Microsoft 365 as well."""
_CUT: Final = "…"


def length(text: str) -> int:
    """In units of UTF-16, as both Google's and Microsoft's servers count: an emoji is two or more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """At most so long; what is missing is said by the last character."""
    return text if length(text) <= most else _begin(text, most - length(_CUT)).rstrip() + _CUT


def _begin(pieces: Iterable[str], room: int) -> str:
    """As many whole pieces as fit."""
    kept = []
    for piece in pieces:
        room -= length(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept)


def escaped(text: str, most: int) -> str:
    """The text for whoever shows it as HTML, at most so long with its entities; none is cut in two."""
    whole = html.escape(text, quote=False)
    if length(whole) <= most:
        return whole
    return _begin((html.escape(character, quote=False) for character in text), most - length(_CUT)) + _CUT
