"""Texts as long as a provider takes them.

The one rule: what is too long is cut where a reader sees it, and never costs the event.
"""

import html
from typing import Final

SUBJECT_MAX: Final = 255
"""Of what Exchange stores, and so Microsoft 365 as well."""
_CUT: Final = "…"


def cut(text: str, most: int) -> str:
    """At most so many characters; what is missing is said by the last one."""
    return text if len(text) <= most else text[: most - 1].rstrip() + _CUT


def escaped(text: str, most: int) -> str:
    """The text for whoever shows it as HTML, at most so many characters of it; no entity is cut in two."""
    whole = html.escape(text, quote=False)
    if len(whole) <= most:
        return whole
    kept, room = [], most - len(_CUT)
    for character in text:
        kept.append(html.escape(character, quote=False))
        room -= len(kept[-1])
        if room < 0:
            return "".join(kept[:-1]) + _CUT
    return whole
