"""Bodies as HTML and as text, one made of the other. The one rule: a body is stored as it came."""

import html
import re

_TAG = re.compile(r"<[^>]+>")
_BREAK = re.compile(r"<(br|/p|/div)\s*/?>", re.IGNORECASE)
_HEAD = re.compile(r"<(head|style|script)\b.*?</\1>", re.IGNORECASE | re.DOTALL)


def as_html(text: str) -> str:
    """What Exchange makes of plain text for a client that wants HTML."""
    lines = html.escape(text, quote=False).replace("\r\n", "\n").split("\n")
    return "<html><head></head><body>" + "<br>\r\n".join(lines) + "</body></html>"


def as_text(body: str) -> str:
    """The words of an HTML body."""
    broken = _BREAK.sub("\n", _HEAD.sub("", body))
    return html.unescape(_TAG.sub("", broken)).strip()
